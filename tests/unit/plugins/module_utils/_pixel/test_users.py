# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of making the user of a pixel."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.shell import NasShell
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.users import check, make
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
    with NasShell(pixels, "px-web") as shell:
        yield shell


def leave_1000_to_nobody(truenas):
    put(truenas, "/etc/passwd", WITHOUT_1000)
    put(truenas, "/etc/group", "root:x:0:\nshadow:x:42:\nnogroup:x:65534:\n")


@pytest.mark.parametrize("name", ["pixel", "_agent-7", "x" * 32])
def test_names_that_every_system_takes_are_taken(name):
    assert check(name) == name


@pytest.mark.parametrize("name", ["", "Pixel", "7up", "-x", "a.b", "a b", "x" * 33, "pixel\n"])
def test_other_names_are_refused(name):
    with pytest.raises(Invalid, match="is no name of a user"):
        check(name)


@users_of_its_own
def test_a_number_that_nobody_has_is_the_new_users(shell, truenas):
    leave_1000_to_nobody(truenas)

    make(shell, "pixel")

    entry = shell.run(Command(("getent", "passwd", "pixel"))).stdout.decode().strip().split(":")
    assert entry[2:4] == ["1000", "1000"]
    assert entry[5:] == ["/home/pixel", "/bin/bash"]
    # No password, and not locked either.
    assert "pixel:*:" in read(truenas, "/etc/shadow")
    owner = shell.run(Command(("stat", "-c", "%U", "/home/pixel"))).stdout
    assert owner == b"pixel\n"


@users_of_its_own
def test_a_failure_says_what_the_pixel_said(shell, truenas):
    leave_1000_to_nobody(truenas)
    put(truenas, "/etc/group", "root:x:0:\npixel:x:7:\n")

    with pytest.raises(Refused, match="making the user pixel ended with .*group"):
        make(shell, "pixel")
