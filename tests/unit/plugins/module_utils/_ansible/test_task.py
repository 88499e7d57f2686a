# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a task is connected to."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import connected
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid


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
