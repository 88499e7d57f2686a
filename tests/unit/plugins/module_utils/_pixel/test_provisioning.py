# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the files a pixel is provisioned with; tests/unit/plugins/modules shows them put into place."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.first_boot import RC_LOCAL
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import (
    Provision,
    merge_keys,
    wanted_files,
)

KEY = "ssh-ed25519 AAAA me@here"


def nothing(_path):
    return ""


def test_a_key_is_added_to_none():
    assert merge_keys("", [KEY]) == f"{KEY}\n"


def test_keys_of_others_stay_as_they_are():
    others = "# admins\nssh-rsa BBBB other@there\n"

    assert merge_keys(others, [KEY]) == f"{others}{KEY}\n"


@pytest.mark.parametrize("present", [KEY, "ssh-ed25519 AAAA another comment", 'from="10.0.0.1" ssh-ed25519 AAAA x'])
def test_a_key_that_is_there_is_not_added_again(present):
    assert merge_keys(f"{present}\n", [KEY]) == f"{present}\n"


def test_a_file_without_a_last_newline_does_not_swallow_the_key():
    assert merge_keys("ssh-rsa BBBB other", [KEY]) == f"ssh-rsa BBBB other\n{KEY}\n"


def test_name_servers_are_written_only_when_given():
    without = {file.path for file in wanted_files(Provision((KEY,)), nothing)}
    with_them = {
        file.path: file.content for file in wanted_files(Provision((KEY,), dns=("1.1.1.1", "9.9.9.9")), nothing)
    }

    assert with_them.keys() - without == {"/etc/systemd/resolved.conf.d/pixels-dns.conf"}
    assert with_them["/etc/systemd/resolved.conf.d/pixels-dns.conf"] == "[Resolve]\nDNS=1.1.1.1 9.9.9.9\n"


def test_keys_are_for_root_alone_and_the_script_can_run():
    modes = {file.path: file.mode for file in wanted_files(Provision((KEY,)), nothing)}

    assert modes == {"/root/.ssh/authorized_keys": 0o600, "/etc/rc.local": 0o755}


def test_variables_are_added_to_what_is_there():
    wanted = Provision((KEY,), environment=(("A", "1"),), accept_env=("TOKEN",))
    present = {"/etc/environment": "B=2\n", "/etc/ssh/sshd_config.d/pixels-env.conf": "AcceptEnv X\n"}

    files = {file.path: file for file in wanted_files(wanted, lambda path: present.get(path, ""))}

    assert files["/etc/environment"].content == 'B=2\nA="1"\n'
    assert not files["/etc/environment"].restart
    assert files["/etc/ssh/sshd_config.d/pixels-env.conf"].content == "AcceptEnv X\nAcceptEnv TOKEN\n"
    assert files["/etc/ssh/sshd_config.d/pixels-env.conf"].restart


def test_the_first_boot_script_is_one_a_shell_can_read():
    subprocess.run(["/bin/sh", "-n"], input=RC_LOCAL, text=True, check=True)
