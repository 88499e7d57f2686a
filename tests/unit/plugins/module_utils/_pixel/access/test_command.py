# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how a command becomes a shell line; a real shell says what it makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import command as commands
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import (
    Command,
    RunAs,
    for_any_shell,
    termination_script,
)
from tests.unit.plugins.conftest import wait_until


def found_shells(*paths):
    """Return the shells of this machine, each by one of its names."""
    return list({os.path.realpath(path): path for path in reversed(paths) if os.path.exists(path)}.values())[::-1]


SHELLS = found_shells("/bin/sh", "/bin/bash", "/bin/dash", "/bin/busybox")


def program(shell):
    return [shell, "sh"] if shell.endswith("busybox") else [shell]


def run(command, shell="/bin/sh"):
    ended = subprocess.run(
        [*program(shell), "-c", command.as_login_shell("root")], input=command.input, capture_output=True, check=True
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
    # Random: other tests run at the same time, and have other secrets in their arguments.
    secret = uuid.uuid4().hex
    command = Command(("sh", "-c", look), environment={"TOKEN": secret}, user="pixel")

    assert secret not in command.as_login_shell("root") + command.as_login_shell("admin") + command.as_program("root")
    assert secret not in run(replace(command, user=None))


def test_nothing_but_the_variables_is_set():
    assert run(Command(("env",))).count("\n") + 2 == run(Command(("env",), environment={"A": "1", "B": ""})).count("\n")


@pytest.mark.parametrize("name", ["A B", "A=B", "", "1A", "A-B", "é", "A;id"])
def test_a_name_that_no_shell_takes_is_refused(name):
    with pytest.raises(Invalid, match="is not a variable name"):
        Command(("true",), environment={name: "x"})


def test_a_zero_byte_is_refused():
    with pytest.raises(Invalid, match="the value of TOKEN has a zero byte"):
        Command(("true",), environment={"TOKEN": "a\0b"})


def test_printing_a_command_shows_no_variable():
    assert "sesame" not in repr(Command(("true",), environment={"TOKEN": "sesame"}))


def test_it_runs_where_it_is_reported(tmp_path):
    folder = tmp_path / "a b"
    folder.mkdir()

    assert run(Command(("pwd",), chdir=str(folder))).strip() == str(folder)


def test_a_directory_that_is_not_there_stops_the_command():
    line = Command(("echo", "ran"), chdir="/nowhere").as_login_shell("root")

    ended = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=False, text=True)

    assert ended.returncode != 0
    assert ended.stdout == ""


def test_root_becomes_another_user_by_su_and_others_by_sudo():
    command = Command(("id", "-un"), user="pixel")

    assert command.as_login_shell("root") == "su -s /bin/sh pixel -c 'cd 2>/dev/null || cd /; id -un'"
    assert command.as_login_shell("admin").endswith(
        "sudo -n -H -u pixel -- /bin/sh -c 'cd 2>/dev/null || cd /; id -un'"
    )
    assert command.as_login_shell("pixel") == "id -un"


def test_without_sudo_only_root_becomes_another_user():
    line = Command(("id",), user="alice").as_login_shell("admin")

    ended = subprocess.run(["/bin/sh", "-c", line], env={"PATH": "/none"}, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (127, "")
    assert ended.stderr == (
        "pixels: cannot become another user: the pixel has no sudo. Log in as root, or use transport shell\n"
    )


@pytest.mark.parametrize("name", ["-c", "a b", "a;b", "a:b", "a/b", "$(id)", ".", "ä", "a\nb"])
def test_what_is_no_name_of_a_user_is_refused(name):
    with pytest.raises(Invalid, match="invalid user"):
        Command(("true",), user=name)


WORDS = [
    "a  b",
    "$HOME",
    "it's",
    '"',
    "\\",
    "\\\\",
    "*",
    "",
    "a\nb",
    "é",
    "!x",
    "!!",
    "%s",
    "\\n",
    "`id`",
    "~",
    "{a,b}",
    "\x01\t",
    "c\n",
]
LOGIN_SHELLS = [
    pytest.param(path, marks=pytest.mark.skipif(not os.path.exists(path), reason="is not on this machine"))
    for path in ("/bin/sh", "/bin/bash", "/bin/busybox", "/usr/bin/fish", "/usr/bin/tcsh", "/usr/bin/bsd-csh")
]


@pytest.mark.parametrize("shell", LOGIN_SHELLS)
def test_every_login_shell_runs_a_line_as_it_is(shell):
    line = f"trap : HUP; {Command(('printf', '<%s>', *WORDS)).as_login_shell('root')}; exit 7"

    ended = subprocess.run([*program(shell), "-c", for_any_shell(line)], capture_output=True, check=False)

    assert (ended.returncode, ended.stderr) == (7, b"")
    assert ended.stdout.decode() == "".join(f"<{word}>" for word in WORDS)


@pytest.mark.parametrize("shell", LOGIN_SHELLS)
def test_no_login_shell_gets_an_argument_that_is_too_long(shell):
    line = f"printf %s {'x' * 30_000} '{'!' * 5_000}' | wc -c"

    ended = subprocess.run([*program(shell), "-c", for_any_shell(line)], capture_output=True, check=False)

    assert (ended.stdout.strip(), ended.stderr) == (b"35000", b"")


@pytest.mark.parametrize("shell", SHELLS)
def test_arguments_that_are_too_long_for_a_line_reach_the_command_unchanged(shell):
    long = "it's\n\\!é" * 9_000
    command = Command(
        ("sh", "-c", 'printf "%s|" "$@"; cat', "sh", long, "", "-n"), stdin=b"in\n", environment={"A": "1"}
    )

    assert len(command.as_login_shell("root")) < 1000
    assert run(command, shell) == f"{long}||-n|in\n"


def test_arguments_that_are_too_long_for_a_line_are_refused_at_a_terminal():
    with pytest.raises(Invalid, match="cannot run at a terminal: its arguments are too long"):
        Command(("true", "x" * 100_000)).as_login_shell("root", sent=True)


@pytest.mark.parametrize(
    ("argv", "environment", "problem"),
    [
        (("true", "x" * 131_072), {}, "argument 1 of the command has 131,072 bytes, and Linux accepts 131,071"),
        (("true", "é" * 70_000), {}, "argument 1 of the command has 140,000 bytes"),
        (("true",), {"BIG": "x" * 131_072}, "the variable BIG has 131,076 bytes, and Linux accepts 131,071"),
        (("true", *["x" * 100_000] * 20), {}, "arguments and variables together have 2,000,"),
        (
            ("true", *["x" * 100_000] * 10),
            {f"V{number}": "x" * 100_000 for number in range(10)},
            "together have 2,000,",
        ),
        (("true", "a\0b"), {}, "a command cannot hold a zero byte"),
    ],
)
def test_what_no_kernel_would_run_is_refused_before_it_is_sent(argv, environment, problem):
    with pytest.raises(Invalid, match=problem):
        Command(argv, environment=environment)


def test_what_the_kernel_runs_at_most_is_run():
    command = Command(("sh", "-c", 'echo "$#"; cat', *["x" * 131_071] * 13), stdin=b"in\n")

    assert run(command) == "12\nin\n"


@pytest.mark.parametrize("name", ["-", "-P", "a b", "$HOME", "it's", "~x", "a\nb", "..."])
def test_a_directory_of_any_name_is_one_to_run_in(tmp_path, name):
    (tmp_path / name).mkdir()
    line = Command(("pwd",), chdir=name).as_login_shell("root")

    ended = subprocess.run(["/bin/sh", "-c", f"CDPATH=/; {line}"], cwd=tmp_path, capture_output=True, check=True)

    assert ended.stdout.decode() == f"{tmp_path / name}\n"
    assert run(Command(("pwd",), chdir=str(tmp_path / name))) == f"{tmp_path / name}\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_detached_goes_on_alone_and_its_number_is_reported(shell, tmp_path):
    script = 'printf "%s|" "$1" "$TOKEN" >"$2"; exec sleep 60'
    words = ("sh", "-c", script, "sh", "it's\n", str(tmp_path / "seen"))
    command = Command(words, environment={"TOKEN": "a b"}, chdir=str(tmp_path), detach=True)

    pid = int(run(command, shell))

    process = Path(f"/proc/{pid}")
    try:
        wait_until(lambda: process.joinpath("cmdline").read_bytes().startswith(b"sleep\0"))
        assert (tmp_path / "seen").read_text() == "it's\n|a b|"
        assert [os.readlink(process / f"fd/{number}") for number in range(3)] == ["/dev/null"] * 3
        assert os.readlink(process / "cwd") == str(tmp_path)
        assert os.getsid(pid) == pid
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_command_that_is_not_there_is_reported_before_anything_is_detached():
    line = Command(("no-such-command",), detach=True).as_login_shell("root")

    ended = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (127, "")
    assert ended.stderr == "pixels: no-such-command: command not found\n"


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


HEEDS = "echo ready; exec sleep 60"
HEEDS_NOT = f"trap '' TERM; {HEEDS}"


@pytest.fixture
def kill_delay(monkeypatch):
    """Shorten the time between the two signals."""
    monkeypatch.setattr(commands, "KILL_DELAY_S", 0.1)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("script", "number"), [(HEEDS, signal.SIGTERM), (HEEDS_NOT, signal.SIGKILL)])
def test_what_does_not_end_when_it_is_asked_to_is_killed(begin, kill_delay, shell, script, number):
    process = begin(script)
    # Its parent process collects its exit status.
    noted = threading.Thread(target=process.wait)
    noted.start()

    subprocess.run([*program(shell), "-c", termination_script(f"kill -$s -{process.pid}")], check=False)

    noted.join(30)
    assert process.returncode == -number


def test_that_works_where_sleep_knows_no_fractions(begin, tmp_path):
    process = begin(HEEDS_NOT)
    sleep = tmp_path / "sleep"
    sleep.write_text(f"#!/bin/sh\ncase $1 in *.*) exit 1;; esac\necho $1 >>{tmp_path}/slept\n")
    sleep.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    subprocess.run(["sh", "-c", termination_script(f"kill -$s -{process.pid}")], check=False, env=environment)

    assert process.wait(30) == -signal.SIGKILL
    assert (tmp_path / "slept").read_text() == "2\n"


def test_nothing_is_waited_for_where_all_has_ended():
    quick = termination_script("kill -$s -99999999")

    ended = subprocess.run(["sh", "-xc", quick], check=False, capture_output=True, text=True)

    assert "sleep" not in ended.stderr.partition("k TERM")[2]


class Recorder:
    """Takes the commands that would be run."""

    def __init__(self):
        self.commands = []

    def run_with(self, command, timeout, streams):
        self.commands.append((command, timeout))


def test_commands_of_another_user_begin_in_the_home_of_that_user():
    shell = Recorder()

    RunAs(shell, "alice").run(Command(("id", "-un")), timeout=3)

    [(command, timeout)] = shell.commands
    assert (command.user, command.argv, timeout) == ("alice", ("id", "-un"), 3)
    assert command.as_login_shell("root") == "su -s /bin/sh alice -c 'cd 2>/dev/null || cd /; id -un'"


def test_a_command_that_names_its_user_and_directory_keeps_them():
    shell = Recorder()

    RunAs(shell, "alice").run(Command(("id",), user="root"))
    RunAs(shell, "alice").run(Command(("id",), chdir="/srv"))

    assert [(each.user, each.argv, each.chdir) for each, _how in shell.commands] == [
        ("root", ("id",), None),
        ("alice", ("id",), "/srv"),
    ]
