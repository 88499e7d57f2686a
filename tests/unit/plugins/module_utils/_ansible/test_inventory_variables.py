# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the variables of hosts and of the group of a NAS."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.inventory_variables import (
    SESSION_OPTIONS,
    group_variables,
    host_variables,
    nas_variables,
    pixel_variables,
    ssh_arguments,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh.quoting import quote_path
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.resolver import resolve
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.settings import build
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import KnownHosts

GIVEN = {"host": "nas", "api_key": "1-secret", "ssh_key": "/keys/id"}
SETTINGS = build(resolve(GIVEN.get, environ={}))


def connection(**options):
    """Return the variables of a NAS with these options."""
    found = resolve({**GIVEN, **options}.get, defaults={"connect_timeout": 5.0})
    return nas_variables(found, build(found))


def test_the_variables_of_a_nas_contain_no_secret():
    assert "secret" not in str(connection())
    assert connection()["host"] == "nas"


def test_a_credential_that_only_the_inventory_has_is_marked(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("2-other")
    assert connection()["has_own_credential"]
    assert connection(api_key=None, api_key_file=str(tmp_path / "key"))["has_own_credential"] is None

    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", "1-other")
    assert connection()["has_own_credential"]
    assert connection(api_key=None)["has_own_credential"] is None

    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", "1-secret")
    assert connection()["has_own_credential"] is None


def test_session_options_are_variables_only_if_the_inventory_sets_them():
    assert {connection()[name] for name in SESSION_OPTIONS} == {None}

    found = connection(login_mechanism="scram", session="direct", session_idle=5.0, connect_timeout=3.0, login_wait=1.0)
    assert [found[name] for name in SESSION_OPTIONS] == ["scram", 3.0, None, 1.0, "direct", 5.0]


def test_unset_options_are_no_variables():
    found = pixel_variables({"name": "web"}, {"host": "nas", "ca_path": None})

    assert found == {"pixels_name": "web", "pixels_nas_host": "nas"}


def test_a_pixel_without_an_address_is_never_resolved_by_name(tmp_path):
    shown = {"ipv4": None, "ipv6": None, "full_name": "px-web", "nas": "nas"}

    found = host_variables("ssh", shown, KnownHosts(tmp_path / "known_hosts"), key_file="/keys/id", fresh=True)

    assert (found["ansible_connection"], found["pixels_transport"]) == ("pixels.truenas.pixels", "ssh")
    assert "ansible_host" not in found
    for transport in ("shell", "auto"):
        assert "ansible_connection" not in host_variables(
            transport, shown, KnownHosts(tmp_path / "known_hosts"), key_file="/keys/id", fresh=True
        )


@pytest.mark.parametrize(("ipv4", "ipv6", "host"), [("10.0.0.2", "fd00::2", "10.0.0.2"), (None, "fd00::2", "fd00::2")])
def test_the_host_key_is_found_by_name(tmp_path, ipv4, ipv6, host):
    shown = {"ipv4": ipv4, "ipv6": ipv6, "full_name": "px-web", "nas": "nas"}

    found = host_variables("ssh", shown, KnownHosts(tmp_path / "known_hosts"), key_file="/keys/id", fresh=True)

    assert found["ansible_host"] == host
    assert f"UserKnownHostsFile={tmp_path / 'known_hosts'}" in found["pixels_ssh_args"]
    assert "HostKeyAlias=px-web.nas.pixels" in found["pixels_ssh_args"]
    assert "StrictHostKeyChecking=accept-new" in found["pixels_ssh_args"]


def test_a_stale_address_pins_no_host_key(tmp_path):
    shown = {"ipv4": "10.0.0.2", "ipv6": None, "full_name": "px-web", "nas": "nas"}

    found = host_variables("ssh", shown, KnownHosts(tmp_path / "known_hosts"), key_file="/keys/id", fresh=False)

    assert "StrictHostKeyChecking=yes" in found["pixels_ssh_args"]


def test_defaults_of_ansible_are_not_set():
    found = group_variables("ssh", SETTINGS)

    assert "ansible_port" not in found
    assert "ansible_connection" not in found
    assert "ansible_ssh_common_args" not in found
    assert (found["ansible_user"], found["ansible_ssh_private_key_file"]) == ("root", "/keys/id")
    assert "ansible_user" not in group_variables("ssh", SETTINGS, has_user=True)


@pytest.mark.parametrize("connect_with", ["shell", "auto"])
def test_other_transports_use_the_connection_plugin(connect_with):
    found = group_variables(connect_with, SETTINGS)

    assert (found["ansible_connection"], found["pixels_transport"]) == ("pixels.truenas.pixels", connect_with)


def test_a_jump_host_is_one_argument():
    found = group_variables("ssh", SETTINGS, jump_host="ops@bastion:2222,x -o ProxyCommand=y")

    assert shlex.split(found["ansible_ssh_common_args"]) == ["-o", "ProxyJump=ops@bastion:2222,x -o ProxyCommand=y"]


@pytest.mark.skipif(shutil.which("ssh") is None, reason="asks OpenSSH what it understood")
@pytest.mark.parametrize("folder", ["plain", "with a blank", "100%h", "it's", 'say "so"'])
def test_openssh_accepts_any_path(tmp_path, folder):
    shown = {"ipv4": "10.0.0.2", "full_name": "px-web", "nas": "nas"}
    known_hosts = tmp_path / folder / "known_hosts"

    options = shlex.split(ssh_arguments(shown, KnownHosts(known_hosts)))
    understood = subprocess.run(
        ["ssh", "-G", "-F", "/dev/null", *options, "10.0.0.2"], capture_output=True, text=True, check=True
    ).stdout
    assert f"userknownhostsfile {known_hosts}\n" in understood.replace("%%", "%")
    assert "hostkeyalias px-web.nas.pixels\n" in understood


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home that is not the one in passwd, with a default key."""
    (tmp_path / "my home/.ssh").mkdir(parents=True)
    (tmp_path / "my home/.ssh/id_ed25519").write_text("a key")
    monkeypatch.setenv("HOME", str(tmp_path / "my home"))
    return tmp_path / "my home"


@pytest.mark.parametrize("transport", ["ssh", "auto"])
def test_the_key_that_was_installed_is_offered(home, transport):
    shown = {"ipv4": "10.0.0.2", "ipv6": None, "full_name": "px-web", "nas": "nas"}
    keys = KnownHosts(home / "known_hosts")

    found = host_variables(transport, shown, keys, key_file=None, fresh=True)

    assert f"IdentityFile={quote_path(str(home / '.ssh/id_ed25519'))}" in shlex.split(found["pixels_ssh_args"])


def test_a_key_that_is_set_or_that_does_not_exist_is_not_offered_as_default(home):
    shown = {"ipv4": "10.0.0.2", "ipv6": None, "full_name": "px-web", "nas": "nas"}
    keys = KnownHosts(home / "known_hosts")

    assert "IdentityFile" not in host_variables("ssh", shown, keys, key_file="/keys/id", fresh=True)["pixels_ssh_args"]
    (home / ".ssh/id_ed25519").unlink()
    assert "IdentityFile" not in host_variables("ssh", shown, keys, key_file=None, fresh=True)["pixels_ssh_args"]
