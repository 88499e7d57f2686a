# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how a command becomes a shell line; a real shell says what it makes of it."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command


def run(command):
    return subprocess.run(
        ["/bin/sh", "-c", command.as_login("root")], capture_output=True, check=True, text=True
    ).stdout


@pytest.mark.parametrize("argument", ["a  b", "$HOME", "'", '"', "\\", "*", "; echo no", "", "a\nb", "-n", "é"])
def test_arguments_reach_the_command_unchanged(argument):
    assert run(Command(("printf", "%s", argument))) == argument


def test_the_environment_is_passed_as_it_is():
    assert (
        run(Command(("sh", "-c", 'printf %s "$GREETING"'), environment={"GREETING": "a  'b' $HOME"})) == "a  'b' $HOME"
    )


def test_it_runs_where_it_is_told(tmp_path):
    folder = tmp_path / "a b"
    folder.mkdir()

    assert run(Command(("pwd",), chdir=str(folder))).strip() == str(folder)


def test_a_folder_that_is_not_there_stops_the_command():
    line = Command(("echo", "ran"), chdir="/nowhere").as_login("root")

    ended = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=False, text=True)

    assert ended.returncode != 0
    assert ended.stdout == ""


def test_root_becomes_another_user_by_su_and_others_by_sudo():
    command = Command(("id", "-un"), user="pixel")

    assert command.as_login("root") == "su -s /bin/sh pixel -c 'id -un'"
    assert command.as_login("admin") == "sudo -n -H -u pixel -- /bin/sh -c 'id -un'"
    assert command.as_login("pixel") == "id -un"
