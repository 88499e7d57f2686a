# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that a fork of the prepared process behaves as the program does."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["exec", "--help"],
        ["lst"],
        ["list"],
        ["--json", "list"],
        ["config", "show"],
        ["--json", "status"],
        ["destroy", "web"],
    ],
    ids=" ".join,
)
def test_a_fork_gives_what_the_program_gives(command, arguments):
    fork, program = command(*arguments, stdin="no\n"), command.as_own_process(*arguments, stdin="no\n")

    assert (fork.returncode, fork.stdout, fork.stderr) == (program.returncode, program.stdout, program.stderr)


def test_a_fork_has_the_environment_of_its_call_alone(command, home):
    command.configure("[nas.home]\nhost = 'nas.example'\n")

    assert "nas.example" in command("config", "show", PIXELS_NAS="home").stdout
    assert "nas.example" not in command("config", "show", HOME=str(home / "other")).stdout
