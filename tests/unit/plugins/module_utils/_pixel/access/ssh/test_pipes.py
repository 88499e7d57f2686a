# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what passes between a process and us."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import pipes

ROOT = Path(__file__).resolve().parents[7]


def piped(command, stdin):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    heard = []
    pipes.pump(process, stdin, lambda number, chunk: heard.append((number, chunk)))
    process.wait()
    return {number: b"".join(chunk for who, chunk in heard if who == number) for number in (1, 2)}, heard


def test_input_and_both_outputs_pass_however_much_it_is():
    content = bytes(range(256)) * 4000

    outputs, _heard = piped(["sh", "-c", "tee /dev/stderr"], content)

    assert outputs == {1: content, 2: content}


def test_the_end_of_each_output_is_reported():
    _outputs, heard = piped(["true"], b"")

    assert sorted(heard) == [(1, b""), (2, b"")]


def test_a_command_that_does_not_read_all_of_the_input_ends_as_well():
    outputs, _heard = piped(["sh", "-c", "exec 0<&-; echo done"], b"x" * 1_000_000)

    assert outputs[1] == b"done\n"


def test_a_closed_reader_is_noticed():
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'build')!r}); from {pipes.__name__} import stdout_closed; "
        "input(); sys.exit(7 if stdout_closed() else 0)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.close()
    process.communicate(b"\n")

    assert process.returncode == 7


def test_a_reader_is_noticed():
    assert not pipes.stdout_closed()
