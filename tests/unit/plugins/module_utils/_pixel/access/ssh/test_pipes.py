# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what passes between a process and us."""

from __future__ import annotations

import subprocess
import sys

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import pipes


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


def test_who_does_not_read_all_of_the_input_ends_as_well():
    outputs, _heard = piped(["sh", "-c", "exec 0<&-; echo done"], b"x" * 1_000_000)

    assert outputs[1] == b"done\n"


def test_it_is_seen_that_nobody_reads_any_more():
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}; from {pipes.__name__} import nobody_reads; "
        "input(); sys.exit(nobody_reads())"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.close()
    process.communicate(b"\n")

    assert process.returncode == 1


def test_it_is_seen_that_a_user_reads():
    assert not pipes.stdout_closed()
