# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verbs session status and session stop."""

from __future__ import annotations

import os
import signal
import socket


def test_a_session_is_shown_and_ended(shared, truenas):
    shared("list")

    header, row = shared("session", "status").stdout.splitlines()
    assert header.split() == ["NAS", "USER", "PID", "AGE", "CALLS", "ENDS", "AFTER"]
    assert row.startswith(f"127.0.0.1:{truenas.port}  {truenas.username}  ")
    assert shared("session", "stop").stdout == "Closed 1 session.\n"
    assert shared("session", "status").stdout == "No session is open.\n"


def test_several_commands_are_one_login(shared, truenas):
    for _time in range(3):
        shared("list", "--json")

    assert truenas.stats.logins == 1


def test_programs_get_json(shared, truenas):
    shared("list")

    (only,) = shared.json("session", "status")
    assert only["username"] == truenas.username
    assert shared.json("session", "stop") == [only["pid"]]
    assert shared.json("session", "status") == []


def test_a_session_that_is_stopped_is_shown_as_it_is_and_ended(shared, truenas):
    shared("list")
    (only,) = shared.json("session", "status")
    os.kill(only["pid"], signal.SIGSTOP)

    shown = shared("session", "status")

    assert "not responding" in shown.stdout
    assert str(only["pid"]) in shown.stdout
    assert "Kill it with pixels session stop" in shown.stderr
    assert only["nas"] in shown.stdout
    assert shared("session", "stop").stdout == "Closed 1 session.\n"
    assert shared("session", "status").stdout == "No session is open.\n"


def test_a_session_that_cannot_be_ended_is_named(shared, home):
    shared("list")
    shared("session", "stop")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(home / "run" / "pixels" / "0123456789abcdef.sock"))
        silent.listen()

        ended = shared("session", "stop")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "cannot close a session: it does not respond" in ended.stderr


def test_it_needs_no_nas(command):
    assert command("session", "stop").returncode == 0
