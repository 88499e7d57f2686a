# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how a command becomes a shell line; a real shell says what it makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from dataclasses import replace

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command, ending

SHELLS = [shell for shell in ("/bin/sh", "/bin/bash", "/bin/dash", "/bin/busybox") if os.path.exists(shell)]


def program(shell):
    return [shell, "sh"] if shell.endswith("busybox") else [shell]


def run(command, shell="/bin/sh"):
    ended = subprocess.run(
        [*program(shell), "-c", command.as_login("root")], input=command.input, capture_output=True, check=True
    )
    return ended.stdout.decode()


@pytest.mark.parametrize("argument", ["a  b", "$HOME", "'", '"', "\\", "*", "; echo no", "", "a\nb", "-n", "é"])
def test_arguments_reach_the_command_unchanged(argument):
    assert run(Command(("printf", "%s", argument))) == argument


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("value", ["a  'b' $HOME", "", "\n", "a\nb\n", "\\", "`id`", "é", "'\n'", "x" * 100_000])
def test_a_variable_is_passed_as_it_is(value, shell):
    command = Command(("sh", "-c", 'printf "%s|" "$GREETING"; cat'), stdin=b"in\n", environment={"GREETING": value})

    assert run(command, shell) == f"{value}|in\n"


def test_variables_are_in_no_arguments_for_others_to_read():
    look = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; done 2>/dev/null"
    command = Command(("sh", "-c", look), environment={"TOKEN": "sesame-4711"}, user="pixel")

    assert "sesame" not in command.as_login("root") + command.as_login("admin") + command.as_program("root")
    assert "sesame" not in run(replace(command, user=None))


def test_nothing_but_the_variables_is_set():
    assert run(Command(("env",))).count("\n") + 2 == run(Command(("env",), environment={"A": "1", "B": ""})).count("\n")


@pytest.mark.parametrize("name", ["A B", "A=B", "", "1A", "A-B", "é", "A;id"])
def test_a_name_that_no_shell_takes_is_refused(name):
    with pytest.raises(Invalid, match="is no name of a variable"):
        Command(("true",), environment={name: "x"})


def test_a_zero_byte_is_refused():
    with pytest.raises(Invalid, match="the value of TOKEN has a zero byte"):
        Command(("true",), environment={"TOKEN": "a\0b"})


def test_a_command_shows_no_variable_to_whoever_prints_it():
    assert "sesame" not in repr(Command(("true",), environment={"TOKEN": "sesame"}))


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


@pytest.fixture
def begin():
    """Runs a script in a session of its own, once it has said something."""
    begun = []

    def begin_script(script):
        process = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
        begun.append(process)
        process.stdout.readline()
        return process

    yield begin_script
    for process in begun:
        process.kill()
        process.wait()
        process.stdout.close()


HEEDS = "echo ready; while :; do sleep 1; done"
HEEDS_NOT = f"trap '' TERM; {HEEDS}"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("script", "number"), [(HEEDS, signal.SIGTERM), (HEEDS_NOT, signal.SIGKILL)])
def test_what_does_not_end_when_it_is_asked_to_is_killed(begin, shell, script, number):
    process = begin(script)
    # Whoever started it takes note of its end.
    noted = threading.Thread(target=process.wait)
    noted.start()

    subprocess.run([*program(shell), "-c", ending(f"kill -$s -{process.pid}")], check=False)

    noted.join(30)
    assert process.returncode == -number


@pytest.mark.parametrize("script", [HEEDS, HEEDS_NOT])
def test_that_works_where_sleep_knows_no_fractions(begin, tmp_path, script):
    process = begin(script)
    sleep = tmp_path / "sleep"
    sleep.write_text("#!/bin/sh\ncase $1 in *.*) exit 1;; esac\nPATH=/usr/bin:/bin exec sleep $1\n")
    sleep.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    subprocess.run(["sh", "-c", ending(f"kill -$s -{process.pid}")], check=False, env=environment)

    assert process.wait(30) in (-signal.SIGTERM, -signal.SIGKILL)


def test_nothing_is_waited_for_where_all_has_ended():
    quick = ending("kill -$s -99999999")

    ended = subprocess.run(["sh", "-xc", quick], check=False, capture_output=True, text=True)

    assert "sleep" not in ended.stderr.partition("k TERM")[2]
