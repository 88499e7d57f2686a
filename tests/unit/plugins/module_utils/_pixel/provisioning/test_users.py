# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of making the user of a pixel."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.users import User, check, create, find
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.unit.plugins.conftest import put, read, users_of_its_own

WITHOUT_1000 = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture
def shell(pixels, truenas):
    truenas.world.add_container("px-web")
    with WebShellClient(pixels, PixelName("px-web")) as shell:
        yield shell


def leave_1000_to_nobody(truenas):
    put(truenas, "/etc/passwd", WITHOUT_1000)
    put(truenas, "/etc/group", "root:x:0:\nshadow:x:42:\nnogroup:x:65534:\n")


@pytest.mark.parametrize("name", ["pixel", "_agent-7", "x" * 32])
def test_names_that_every_system_takes_are_taken(name):
    assert check(name) == name


@pytest.mark.parametrize("name", ["", "Pixel", "7up", "-x", "a.b", "a b", "x" * 33, "pixel\n"])
def test_other_names_are_refused(name):
    with pytest.raises(Invalid, match="is not a valid user name"):
        check(name)


@users_of_its_own
def test_an_unused_number_is_that_of_the_new_user(shell, truenas):
    leave_1000_to_nobody(truenas)

    create(shell, "pixel")

    entry = shell.run(Command(("getent", "passwd", "pixel"))).stdout.decode().strip().split(":")
    assert entry[2:4] == ["1000", "1000"]
    assert entry[5:] == ["/home/pixel", "/bin/bash"]
    # No password, and not locked either.
    assert "pixel:*:" in read(truenas, "/etc/shadow")
    owner = shell.run(Command(("stat", "-c", "%U", "/home/pixel"))).stdout
    assert owner == b"pixel\n"


@users_of_its_own
def test_a_failure_contains_the_output_of_the_pixel(shell, truenas):
    leave_1000_to_nobody(truenas)
    put(truenas, "/etc/group", "root:x:0:\npixel:x:7:\n")

    with pytest.raises(Refused, match="creating the user pixel failed.*group"):
        create(shell, "pixel")


def test_a_user_is_found_by_the_whole_name_with_the_home_that_passwd_says(shell, truenas):
    put(
        truenas, "/etc/passwd", "root:x:0:0:root:/root/:/bin/sh\nb.b:x:7:7::srv/b:/bin/sh\nbob:x:8:8:::/bin/sh\nbad:x\n"
    )

    assert find(shell, "root") == User("root", "/root")
    assert find(shell, "b.b").home_problem == (
        "the home directory of b.b is 'srv/b' in /etc/passwd, which is not an absolute path"
    )
    assert find(shell, "bob").home_problem
    assert find(shell, "bad") is None
    assert find(shell, "b+b") is None


@users_of_its_own
def test_no_other_group_is_renamed_than_that_of_the_user(shell, truenas):
    put(truenas, "/etc/passwd", f"{WITHOUT_1000}u.u:x:1000:1000::/home/ubuntu:/bin/sh\n")
    put(truenas, "/etc/group", "root:x:0:\nshadow:x:42:\nuxu:x:7:\nnogroup:x:65534:\nu.u:x:1000:\n")

    create(shell, "pixel")

    assert "uxu:x:7:" in read(truenas, "/etc/group")
    assert "pixel:x:1000:" in read(truenas, "/etc/group")


@pytest.mark.parametrize("stream", [1, 2])
@pytest.mark.wide
def test_output_that_never_ends_is_given_up(shell, truenas, monkeypatch, stream):
    monkeypatch.setattr(scripts, "ERRORS_LIMIT", 200_000)
    put(truenas, "/usr/local/bin/mkdir", f"#!/bin/sh\nexec yes aaaa >&{stream}\n", mode=0o755)

    with pytest.raises(Refused, match="output of a command is larger than"):
        create(shell, "pixel")
