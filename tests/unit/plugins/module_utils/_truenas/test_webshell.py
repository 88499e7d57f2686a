# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what the API can do to a shell; that programs notice is in the tests of the verb exec."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.webshell import resize


def test_a_shell_that_is_no_more_is_reported(session):
    with pytest.raises(PixelsError, match="Shell does not exist"):
        resize(session, "gone", 80, 24)


@pytest.fixture
def engine():
    return "process"


def test_a_shell_gets_the_requested_size(session, truenas):
    truenas.world.add_container("px-web")
    shell = session.borrow_shell({"virt_instance_id": "px-web", "command": "/bin/sh", "use_console": False})
    shell.receive(5)

    resize(session, shell.id, 91, 33)
    shell.send(b"stty size; echo en''d\n")

    output = b""
    while b"end" not in output:
        output += shell.receive(10) or b""
    assert b"33 91" in output
