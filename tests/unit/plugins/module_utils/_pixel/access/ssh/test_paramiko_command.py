# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of commands over paramiko."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh.paramiko_client import ParamikoClient
from tests.unit.plugins.conftest import put


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    """The API has no part in it."""
    return "25.10"


def test_outputs_and_exit_status_are_returned(login, keys):
    with ParamikoClient(login, keys) as ssh:
        result = ssh.run(Command(("sh", "-c", "echo out; echo err >&2; exit 3")))

    assert (result.rc, result.stdout, result.stderr) == (3, b"out\n", b"err\n")


def test_all_bytes_pass_unchanged(login, keys):
    content = bytes(range(256)) * 1000

    with ParamikoClient(login, keys) as ssh:
        assert ssh.run(Command(("cat",), stdin=content)).stdout == content


def test_a_command_need_not_read_its_input(login, keys):
    with ParamikoClient(login, keys) as ssh:
        assert ssh.run(Command(("true",), stdin=b"x" * 5_000_000)).rc == 0


def test_a_background_process_that_keeps_the_output_open_counts_for_the_timeout(login, keys):
    with ParamikoClient(login, keys) as ssh:
        with pytest.raises(TimedOut, match="longer than 0.2 s"):
            ssh.run(Command(("sh", "-c", "sleep 300 & echo hi")), timeout=0.2)

        assert b"sleep\x00300" not in ssh.run(Command(("sh", "-c", "cat /proc/[0-9]*/cmdline"))).stdout


def test_without_a_timeout_the_output_of_background_processes_is_complete(login, keys):
    with ParamikoClient(login, keys) as ssh:
        result = ssh.run(Command(("sh", "-c", "(sleep 0.2; echo late) & echo soon")))

    assert (result.rc, result.stdout) == (0, b"soon\nlate\n")


def test_outputs_and_input_pass_in_pieces(login, keys):
    asked = threading.Event()
    out, err = [], []

    def hear(piece):
        err.append(piece)
        asked.set()

    def answers():
        # The command asks before it reads, so nothing is sent until it has asked.
        assert asked.wait(20)
        yield b"an answer\n"
        yield b"more"
        yield b""

    pieces = answers()
    with ParamikoClient(login, keys) as ssh:
        command = Command(("sh", "-c", "printf asks >&2; read -r answer; echo $answer; cat"))
        result = ssh.run(command, out=out.append, err=hear, more=lambda: next(pieces))

    assert (result.rc, b"".join(out), b"".join(err)) == (0, b"an answer\nmore", b"asks")


@pytest.mark.parametrize("text", ["hello\n", "hello", "1234\n"])
def test_output_of_start_up_files_is_dropped(login, keys, truenas, text):
    put(truenas, "/root/noisy", f"#!/bin/sh\nprintf '{text}'\nexec /bin/sh \"$@\"\n", mode=0o755)
    put(truenas, "/etc/passwd", "root:x:0:0:root:/root:/root/noisy\n")

    with ParamikoClient(login, keys) as ssh:
        assert ssh.run(Command(("echo", "mine"))).stdout == b"mine\n"
