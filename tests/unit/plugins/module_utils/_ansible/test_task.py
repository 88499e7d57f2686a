# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a task is connected to."""

from __future__ import annotations

import shutil
import tempfile

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Keeper, connected
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import overview


def ignore(text):
    """Nobody waits for anything here."""


def test_options_lead_to_the_pixels_of_a_nas(nas, truenas):
    truenas.world.add_container("px-web")

    with connected(nas.get, notice=ignore) as (pixels, settled):
        assert pixels.get("web").running
        assert settled.ssh.user == "root"


def test_an_environment_can_stand_in_for_the_one_of_this_process(nas, truenas):
    variables = {
        "PIXELS_TRUENAS_HOST": nas["host"],
        "PIXELS_TRUENAS_PORT": str(nas["port"]),
        "PIXELS_TRUENAS_USERNAME": nas["username"],
        "PIXELS_TRUENAS_API_KEY": nas["api_key"],
        "PIXELS_TRUENAS_CA_PATH": nas["ca_path"],
    }

    with connected({}.get, notice=ignore, environ=variables) as (pixels, _settled):
        assert pixels.list() == []


def test_nothing_at_all_leads_nowhere():
    with pytest.raises(Invalid), connected({}.get, notice=ignore, environ={}):
        pass


def test_the_connection_ends_with_the_block(nas, truenas):
    with connected(nas.get, notice=ignore) as (pixels, _settled):
        pixels.list()

    assert truenas.stats.connections == 1


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def shared(nas, monkeypatch):
    """The options that lead to the NAS over a session that is shared, whose holder ends with the test."""
    folder = tempfile.mkdtemp(prefix="px-")
    monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
    yield {**nas, "session": "auto"}
    overview.stop()
    shutil.rmtree(folder)


@pytest.fixture
def keeper():
    keeper = Keeper(clock=Clock())
    yield keeper
    keeper.close()


def test_a_process_goes_on_with_its_session_and_with_what_it_learnt(shared, truenas, keeper):
    for _item in range(3):
        with connected(shared.get, notice=ignore, keeper=keeper) as (pixels, _settled):
            pixels.list()

    assert truenas.stats.calls["virt.global.config"] == 1
    assert truenas.stats.calls["virt.instance.query"] == 3
    [holder] = overview.status()
    assert holder.callers == 1


def test_the_state_of_the_nas_is_not_believed_for_long(shared, truenas, keeper):
    with connected(shared.get, notice=ignore, keeper=keeper) as (pixels, _settled):
        pixels.list()

    keeper._clock.now += 6
    with connected(shared.get, notice=ignore, keeper=keeper) as (pixels, _settled):
        pixels.list()

    assert truenas.stats.calls["virt.global.config"] == 2


def test_another_account_or_setting_is_another_session(shared, truenas, keeper):
    options = [shared, {**shared, "session_idle": 5.0}, {**shared, "api_key": None, "password": truenas.password}]
    seen = []
    for each in options:
        with connected(each.get, notice=ignore, keeper=keeper) as (pixels, _settled):
            seen.append(pixels)

    assert len({id(pixels) for pixels in seen}) == 3


def test_a_session_that_is_not_shared_is_not_kept(nas, truenas, keeper):
    for _item in range(2):
        with connected(nas.get, notice=ignore, keeper=keeper) as (pixels, _settled):
            pixels.list()

    assert truenas.stats.logins == 2
