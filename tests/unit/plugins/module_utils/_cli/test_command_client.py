# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of verbs that the command server of an open session runs: they do the same as in a process of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli import command_client, light_client
from tests.unit.command import PIXELS
from tests.unit.plugins.conftest import wait_until, wait_until_asked

SERVER = b"launch.py\0--serve\0"


def processes(part, parent=None):
    """Return the IDs of the processes whose command line contains `part`, of one parent process."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            is_wanted = part in (path / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if is_wanted and fields[0] != "Z" and (parent is None or int(fields[1]) == parent):
            found.append(int(path.name))
    return found


def server_of(command):
    """Return the process of the command server."""
    (daemon,) = command.json("session", "status")
    (server,) = processes(SERVER, daemon["pid"])
    return server


def is_ready(command, monkeypatch):
    """Return whether the session daemon passes clients on."""
    note = json.loads((command.home / ".cache/pixels/nas.json").read_text())
    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", command.environment["PIXELS_TRUENAS_API_KEY"])
    with light_client.Daemon(note["daemon"]["socket"]) as daemon:
        daemon.authenticate(note)
        daemon.set_timeout(command_client.START_TIMEOUT_S)
        daemon.send({"do": "command", "program": command_client.program()})
        return "ready" in daemon.receive()


@pytest.fixture
def served(shared, truenas, monkeypatch):
    """The command with a session whose command server is ready."""
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-db", status="STOPPED")
    shared("list", "--json")
    wait_until(lambda: is_ready(shared, monkeypatch))
    return shared


def both(command, *words, line="{}", directory=None, **variables):
    """Run words in the command server and in a process of their own. Return how the first ended."""
    ways = [[*words], ["--no-color", *words]]
    ended = [
        subprocess.run(
            ["sh", "-c", line.format('"$@"'), "sh", str(PIXELS), *way],
            env=command.having(variables),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        for way in ways
    ]
    # How long something takes is the only difference.
    (first, other) = ((each.returncode, each.stdout, re.sub(r"\d+ ms", "ms", each.stderr)) for each in ended)
    assert first == other
    return ended[0]


def test_a_served_verb_loads_next_to_nothing(served):
    loaded = "import os, runpy, sys; os._exit = sys.exit; sys.argv[:1] = []"
    program = f"{loaded}\ntry: runpy.run_path(sys.argv[0], run_name='__main__')\nfinally: print(*sys.modules)"
    launch = PIXELS.parents[1] / "plugins/module_utils/_cli/launch.py"

    ended = subprocess.run(
        [sys.executable, "-PSc", program, str(launch), "info", "web"],
        env=served.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Name:       web" in ended.stdout
    for name in ("argparse", "dataclasses", "ssl", "socket", "subprocess"):
        assert name not in ended.stdout.splitlines()[-1].split()


WORDS = {
    "info web db": 0,
    "info nope": 1,
    "info --json web nope": 1,
    "info": 2,
    "info --help": 0,
    "list --sort nothing": 2,
    "list -w": 0,
    "checkpoint list web": 0,
    "protect web": 0,
    "status": 0,
    "info -v web": 0,
    "info --api-key 1-wrong web": 1,
    "info --host 127.0.0.1:1 web": 1,
}
"""Command lines and their exit statuses."""

LINES = ["{} | true", "{} >/dev/full", "{} >&-", "{} 2>&- >/dev/full", "{} <&- 2>&-"]
"""What can happen to the output."""

VARIABLES = [
    {"PIXELS_TRUENAS_API_KEY": None},
    {"PIXELS_TRUENAS_API_KEY": "1-" + "x" * 64},
    {"PIXELS_CALL_TIMEOUT": "never"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "latin-1"},
]


def test_it_shows_the_same_as_in_a_process_of_its_own(served):
    assert {words: both(served, *words.split()).returncode for words in WORDS} == WORDS


def test_outputs_that_fail_have_the_same_effect(served):
    for line in LINES:
        both(served, "info", "web", line=line)


def test_only_the_environment_of_the_caller_counts(served):
    for variables in VARIABLES:
        both(served, "info", "web", **variables)
    both(served, "info", "--help", COLUMNS="40")


def test_paths_are_relative_to_the_directory_of_the_caller(served, truenas, tmp_path):
    (tmp_path / "key").write_text(truenas.api_key)
    (tmp_path / "key").chmod(0o600)

    ended = both(served, "info", "--api-key-file", "key", "web", directory=tmp_path)

    assert ended.returncode == 0


def test_a_terminal_gets_the_same_colors(served):
    shown = []
    for words in (["list", "-w"], ["-v", "list", "-w"]):
        terminal = served.at_terminal(*words)
        assert terminal.end() == 0
        shown.append([line for line in terminal.shown.splitlines() if not line.startswith("#")])

    assert shown[0] == shown[1]
    assert "\x1b[32mRUNNING" in "".join(shown[0])


def test_ctrl_c_interrupts_the_verb(served, truenas):
    truenas.faults.add("delay", method="virt.instance.query", seconds=20)
    truenas.stats.calls.clear()
    terminal = served.at_terminal("info", "web")
    wait_until_asked(truenas, "virt.instance.query")

    terminal.press_ctrl_c()

    assert terminal.end() == 130
    assert terminal.shown == "^C\nInterrupted.\n"


def test_a_verb_ends_with_its_caller(served, truenas):
    server = server_of(served)
    truenas.faults.add("delay", method="virt.instance.query", seconds=20)
    truenas.stats.calls.clear()
    caller = served.start("info", "web")
    wait_until_asked(truenas, "virt.instance.query")
    assert len(processes(SERVER, server)) == 1

    os.kill(caller.pid, signal.SIGKILL)

    wait_until(lambda: not processes(SERVER, server))
    caller.communicate(timeout=30)


def test_a_change_that_was_begun_is_not_done_again(served, truenas):
    server = server_of(served)
    truenas.faults.add("delay", method="virt.instance.update", seconds=1)
    truenas.stats.calls.clear()
    caller = served.start("protect", "web")
    wait_until_asked(truenas, "virt.instance.update")
    (process,) = processes(SERVER, server)

    os.kill(process, signal.SIGKILL)

    _out, err = caller.communicate(timeout=30)
    assert caller.wait() == 1
    assert err.decode() == (
        "Error: pixels protect broke off: the process that ran it ended without a result. It may or may not be done; "
        "run it again\n"
    )
    wait_until(lambda: served.json("info", "web")[0]["protected"])
    assert truenas.stats.calls["virt.instance.update"] == 1


def test_without_the_command_server_the_verb_runs_all_the_same(served, monkeypatch):
    os.kill(server_of(served), signal.SIGKILL)

    assert "RUNNING" in served("info", "web").stdout
    wait_until(lambda: is_ready(served, monkeypatch))


def test_a_command_server_that_does_not_respond_is_not_waited_for(served, truenas):
    server = server_of(served)
    os.kill(server, signal.SIGSTOP)
    truenas.stats.calls.clear()

    try:
        ended = served("protect", "web")
    finally:
        os.kill(server, signal.SIGCONT)

    assert ended.returncode == 0
    assert "is protected" in ended.stdout
    assert truenas.stats.calls["virt.instance.update"] == 1


def test_a_session_that_ends_meanwhile_is_replaced(served, truenas):
    (daemon,) = served.json("session", "status")
    truenas.faults.add("delay", method="virt.instance.query", seconds=1)
    truenas.stats.calls.clear()
    caller = served.start("info", "web")
    wait_until_asked(truenas, "virt.instance.query")

    os.kill(daemon["pid"], signal.SIGKILL)

    out, err = caller.communicate(timeout=30)
    assert (caller.wait(), err) == (0, b"")
    assert b"Name:       web" in out


def test_the_command_server_has_no_secret_and_ends_with_the_session(served, truenas):
    server = server_of(served)
    maps = [line.split() for line in Path(f"/proc/{server}/maps").read_text().splitlines()]
    with open(f"/proc/{server}/mem", "rb") as memory:
        for fields in maps:
            if "w" in fields[1] and (len(fields) < 6 or not fields[5].startswith("[v")):
                start, end = (int(each, 16) for each in fields[0].split("-"))
                memory.seek(start)
                assert truenas.api_key.encode() not in memory.read(end - start)

    served("session", "stop")

    wait_until(lambda: not Path(f"/proc/{server}").exists())


def test_what_differs_in_more_than_its_environment_runs_in_its_own_process(served, monkeypatch):
    note = json.loads((served.home / ".cache/pixels/nas.json").read_text())
    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", served.environment["PIXELS_TRUENAS_API_KEY"])
    monkeypatch.setattr(command_client, "surroundings", lambda: ["another user"])

    with light_client.Daemon(note["daemon"]["socket"]) as daemon:
        daemon.authenticate(note)
        daemon.set_timeout(command_client.START_TIMEOUT_S)
        with pytest.raises(light_client.UnexpectedAnswer):
            command_client.start(daemon, ["info", "web"])


def test_other_code_is_not_served(served, monkeypatch):
    monkeypatch.setattr(command_client, "program", lambda: ["/elsewhere", "/usr/bin", 0])

    assert not is_ready(served, monkeypatch)


def test_a_note_of_another_configuration_serves_nothing(served, truenas):
    truenas.stats.calls.clear()

    assert served("info", "web", PIXELS_NAS="none").returncode == 1
    assert not truenas.stats.calls


def test_a_note_of_a_session_that_is_no_more_is_renewed(served, monkeypatch):
    path = served.home / ".cache/pixels/nas.json"
    note = json.loads(path.read_text())
    path.write_text(json.dumps(note | {"daemon": note["daemon"] | {"socket": "/nonexistent", "version": "older"}}))

    assert served("info", "web").returncode == 0

    assert json.loads(path.read_text()) == note
    assert is_ready(served, monkeypatch)
