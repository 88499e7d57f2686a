# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the files that provision a pixel; tests of `pixels_container` write them."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.rootfs_provisioner import (
    specified_files,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec

KEY = "ssh-ed25519 AAAA me@here"


def nothing(_path):
    return ""


def test_name_servers_are_written_only_when_given():
    without = {file.path for file in specified_files(ProvisionSpec((KEY,)), nothing)}
    with_them = {
        file.path: file.content for file in specified_files(ProvisionSpec((KEY,), dns=("1.1.1.1", "9.9.9.9")), nothing)
    }

    assert with_them.keys() - without == {"/etc/systemd/resolved.conf.d/pixels-dns.conf"}
    assert with_them["/etc/systemd/resolved.conf.d/pixels-dns.conf"] == "[Resolve]\nDNS=1.1.1.1 9.9.9.9\n"


def test_keys_are_for_root_alone_and_the_script_can_run():
    modes = {file.path: file.mode for file in specified_files(ProvisionSpec((KEY,)), nothing)}

    assert modes == {"/root/.ssh/authorized_keys": 0o600, "/etc/rc.local": 0o755}


def test_variables_are_added_to_what_is_there():
    wanted = ProvisionSpec((KEY,), environment=(("A", "1"),), accept_env=("TOKEN",))
    present = {"/etc/environment": "B=2\n", "/etc/ssh/sshd_config.d/pixels-env.conf": "AcceptEnv X\n"}

    files = {file.path: file for file in specified_files(wanted, lambda path: present.get(path, ""))}

    assert files["/etc/environment"].content == 'B=2\nA="1"\n'
    assert not files["/etc/environment"].restart
    assert files["/etc/ssh/sshd_config.d/pixels-env.conf"].content == "AcceptEnv X\nAcceptEnv TOKEN\n"
    assert files["/etc/ssh/sshd_config.d/pixels-env.conf"].restart
