# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test how a task connects to a NAS."""

from __future__ import annotations

import shutil
import tempfile

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import SessionCache, connected
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import status as daemon_status
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid


def ignore(text):
    """Ignore a message."""


def test_options_select_the_nas(nas, truenas):
    truenas.world.add_container("px-web")

    with connected(nas.get, notice=ignore) as (pixels, settled):
        assert pixels.get("web").running
        assert settled.ssh.user == "root"


def test_an_environment_can_replace_that_of_the_process(nas, truenas):
    variables = {
        "PIXELS_TRUENAS_HOST": nas["host"],
        "PIXELS_TRUENAS_PORT": str(nas["port"]),
        "PIXELS_TRUENAS_USERNAME": nas["username"],
        "PIXELS_TRUENAS_API_KEY": nas["api_key"],
        "PIXELS_TRUENAS_CA_PATH": nas["ca_path"],
    }

    with connected({}.get, notice=ignore, environ=variables) as (pixels, _settled):
        assert pixels.list() == []


def test_nothing_is_missing_without_settings():
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
    """Options for a shared session with the NAS, whose daemon ends with the test."""
    folder = tempfile.mkdtemp(prefix="px-")
    monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
    yield {**nas, "session": "auto"}
    daemon_status.stop()
    shutil.rmtree(folder)


@pytest.fixture
def cache():
    cache = SessionCache(clock=Clock())
    yield cache
    cache.close()


def test_a_process_uses_its_session_and_backend_again(shared, truenas, cache):
    for _item in range(3):
        with connected(shared.get, notice=ignore, cache=cache) as (pixels, _settled):
            pixels.list()

    assert truenas.stats.calls["virt.global.config"] == 1
    assert truenas.stats.calls["virt.instance.query"] == 3
    [daemon] = daemon_status.status()
    assert daemon.clients == 1


def test_the_backend_is_detected_again_after_a_while(shared, truenas, cache):
    with connected(shared.get, notice=ignore, cache=cache) as (pixels, _settled):
        pixels.list()

    cache._clock.now += 6
    with connected(shared.get, notice=ignore, cache=cache) as (pixels, _settled):
        pixels.list()

    assert truenas.stats.calls["virt.global.config"] == 2


def test_another_account_or_setting_gets_another_session(shared, truenas, cache):
    options = [shared, {**shared, "session_idle": 5.0}, {**shared, "api_key": None, "password": truenas.password}]
    seen = []
    for each in options:
        with connected(each.get, notice=ignore, cache=cache) as (pixels, _settled):
            seen.append(pixels)

    assert len({id(pixels) for pixels in seen}) == 3


def test_a_session_that_is_not_shared_is_not_cached(nas, truenas, cache):
    for _item in range(2):
        with connected(nas.get, notice=ignore, cache=cache) as (pixels, _settled):
            pixels.list()

    assert truenas.stats.logins == 2
