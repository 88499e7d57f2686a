# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the names of groups, and of what a host is told."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.grouping import (
    group_name,
    ssh_variables,
    variables,
    way_to_the_nas,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.host_keys import HostKeys
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.settings import resolve

SETTLED = resolve({"host": "nas", "api_key": "1-secret", "ssh_key": "/keys/id"}.get, environ={})


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ((), "pixels"),
        (("status", "running"), "pixels_status_running"),
        (("image", "Ubuntu", "24.04"), "pixels_image_ubuntu_24_04"),
        (("nas", "nas-1.example.org:8443"), "pixels_nas_nas_1_example_org_8443"),
        (("owner", "Zoë & co"), "pixels_owner_zo_co"),
    ],
)
def test_a_group_has_a_name_ansible_accepts(words, name):
    assert group_name(*words) == name
    assert name.isidentifier()


def test_the_way_to_the_nas_holds_no_secret():
    way = way_to_the_nas(SETTLED, api_key_file=None)

    assert "secret" not in str(way)
    assert way["host"] == "nas"


def test_what_is_not_set_is_not_told():
    told = variables({"name": "web"}, {"host": "nas", "ca_path": None})

    assert told == {"pixels_name": "web", "pixels_nas_host": "nas"}


def test_a_pixel_without_an_address_is_not_to_be_entered(tmp_path):
    shown = {"ipv4": None, "full_name": "px-web", "nas": "nas"}

    assert ssh_variables(shown, SETTLED, HostKeys(tmp_path / "known_hosts")) == {}


def test_its_host_key_is_looked_up_by_name_and_never_by_address(tmp_path):
    shown = {"ipv4": "10.0.0.2", "full_name": "px-web", "nas": "nas"}

    told = ssh_variables(shown, SETTLED, HostKeys(tmp_path / "known_hosts"))

    assert told["ansible_host"] == "10.0.0.2"
    assert f"UserKnownHostsFile={tmp_path / 'known_hosts'}" in told["ansible_ssh_common_args"]
    assert "HostKeyAlias=px-web.nas.pixels" in told["ansible_ssh_common_args"]
    assert "ansible_port" not in told
