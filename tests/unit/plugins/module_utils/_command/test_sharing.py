# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verbs session status and session stop."""

from __future__ import annotations


def test_a_session_is_shown_and_ended(shared, truenas):
    shared("list")

    header, row = shared("session", "status").stdout.splitlines()
    assert header.split() == ["NAS", "USER", "PID", "AGE", "CALLS", "ENDS", "AFTER"]
    assert row.startswith(f"127.0.0.1:{truenas.port}  {truenas.username}  ")
    assert shared("session", "stop").stdout == "Ended 1 session.\n"
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


def test_it_needs_no_nas(command):
    assert command("session", "stop").returncode == 0
