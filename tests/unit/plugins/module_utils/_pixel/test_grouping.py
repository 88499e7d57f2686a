# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the names of groups, and of what a host is told."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.grouping import (
    MANNERS,
    group_name,
    host_name,
    ssh_variables,
    variables,
    way_to_the_nas,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.host_keys import HostKeys
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.settings import resolve, settle, survey

GIVEN = {"host": "nas", "api_key": "1-secret", "ssh_key": "/keys/id"}
SETTLED = resolve(GIVEN.get, environ={})


def way(**options):
    """The way to a NAS of which the inventory knows that."""
    found = survey({**GIVEN, **options}.get, usual={"connect_timeout": 5.0})
    return way_to_the_nas(found, settle(found))


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


@pytest.mark.parametrize(
    ("style", "nas", "name"),
    [
        ("name", "nas", "web"),
        ("full_name", "nas", "px-web"),
        ("name.nas", "nas.example.org", "web.nas.example.org"),
        ("name.nas", "nas:8443", "web.nas.8443"),
        ("name.nas", "[fd00::1]:8443", "web.fd00.1.8443"),
    ],
)
def test_a_host_is_called_as_asked_and_by_nothing_that_is_a_pattern(style, nas, name):
    assert host_name({"name": "web", "full_name": "px-web", "nas": nas}, style) == name


@pytest.mark.parametrize("name", ["localhost", "all", "ungrouped"])
@pytest.mark.parametrize("style", ["name", "full_name"])
def test_a_pixel_never_has_a_name_that_means_something_to_ansible(name, style):
    assert host_name({"name": name, "full_name": f"px-{name}", "nas": "nas"}, style) == f"px-{name}"


def test_the_way_to_the_nas_holds_no_secret():
    assert "secret" not in str(way())
    assert way()["host"] == "nas"


def test_it_says_when_a_key_is_known_to_the_inventory_alone(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("2-other")
    assert way()["has_own_credential"]
    assert way(api_key=None, api_key_file=str(tmp_path / "key"))["has_own_credential"] is None

    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", "1-other")
    assert way()["has_own_credential"]
    assert way(api_key=None)["has_own_credential"] is None

    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", "1-secret")
    assert way()["has_own_credential"] is None


def test_how_a_conversation_is_held_is_told_where_the_inventory_says_so():
    assert {way()[name] for name in MANNERS} == {None}

    told = way(login_mechanism="scram", session="direct", session_idle=5.0, connect_timeout=3.0, login_wait=1.0)
    assert [told[name] for name in MANNERS] == ["scram", 3.0, None, 1.0, "direct", 5.0]


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


@pytest.mark.skipif(shutil.which("ssh") is None, reason="asks OpenSSH what it understood")
@pytest.mark.parametrize("folder", ["plain", "with a blank", "100%h", "it's", 'say "so"'])
def test_openssh_finds_the_file_wherever_it_is(tmp_path, folder):
    shown = {"ipv4": "10.0.0.2", "full_name": "px-web", "nas": "nas"}
    known_hosts = tmp_path / folder / "known_hosts"

    told = ssh_variables(shown, SETTLED, HostKeys(known_hosts))

    options = shlex.split(told["ansible_ssh_common_args"])
    understood = subprocess.run(
        ["ssh", "-G", "-F", "/dev/null", *options, "10.0.0.2"], capture_output=True, text=True, check=True
    ).stdout
    assert f"userknownhostsfile {known_hosts}\n" in understood.replace("%%", "%")
    assert "hostkeyalias px-web.nas.pixels\n" in understood
