# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the lines that run a command in a pixel and that send it signals."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import remote_line


def test_a_line_runs_just_the_command_and_reports_its_status():
    line = remote_line.shell_line(Command(("sh", "-c", "echo $0; exit 7", "it's")), "root", "token")

    ended = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (7, "it's\n")


def test_a_signal_finds_the_command_and_nothing_else():
    command = Command(("sh", "-c", "echo ready; exec sleep 30"))
    line = remote_line.shell_line(command, "root", "0123456789abcdef")
    running, other = (
        subprocess.Popen(["sh", "-c", each], start_new_session=True, stdout=subprocess.PIPE)
        for each in (line, line.replace("0123", "9999"))
    )
    try:
        for each in (running, other):
            # Before, its shell may not have set its traps.
            assert each.stdout.readline() == b"ready\n"
        subprocess.run(["sh", "-c", remote_line.signal_line("0123456789abcdef", 15)], check=True)

        assert running.wait(10) == 143
        assert other.poll() is None
    finally:
        for each in (running, other):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.pid, signal.SIGKILL)
            each.wait(10)
            each.stdout.close()
