# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the files a pixel is provisioned with; tests/unit/plugins/modules shows them put into place."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.first_boot import RC_LOCAL
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import (
    File,
    Provision,
    Rootfs,
    Seen,
    merge_keys,
    wanted_files,
)
from tests.unit.plugins.conftest import put, read

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


def test_what_several_need_to_see_is_looked_at_once():
    seen = Seen()
    looks = []

    def look():
        looks.append(1)
        time.sleep(0.05)
        return "text"

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _number: seen.once("content", "/etc/hosts", look), range(8)))

    assert found == ["text"] * 8
    assert len(looks) == 1


def test_a_look_that_fails_is_left_to_the_next_one():
    seen = Seen()

    with pytest.raises(ZeroDivisionError):
        seen.once("content", "/etc/hosts", lambda: 1 // 0)

    assert seen.once("content", "/etc/hosts", lambda: "text") == "text"


def test_what_is_forgotten_is_looked_at_anew():
    seen = Seen()
    seen.once("content", "/etc/hosts", lambda: "before")

    seen.forget()

    assert seen.once("content", "/etc/hosts", lambda: "after") == "after"


def test_what_was_written_to_one_is_no_news_of_the_others(pixels, truenas):
    seen = Seen()
    paths = []
    for name in ("px-a", "px-b"):
        truenas.world.add_container(name)
        put(truenas, "/etc/motd", "of both\n", name=name)
        paths.append(pixels.containers.rootfs(name))
    a, b = (Rootfs(pixels, name, path, seen=seen) for name, path in zip(("px-a", "px-b"), paths, strict=True))
    assert (a.read("/etc/motd"), b.read("/etc/motd")) == ("of both\n", "of both\n")

    a.write(File("/etc/motd", "of a\n", 0o644, restart=False))

    assert (a.read("/etc/motd"), b.read("/etc/motd")) == ("of a\n", "of both\n")
    assert read(truenas, "/etc/motd", name="px-b") == "of both\n"
