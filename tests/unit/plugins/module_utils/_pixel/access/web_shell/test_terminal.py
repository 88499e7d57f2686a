# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests without a terminal; those of the verb exec have one."""

from __future__ import annotations

import signal

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.terminal import (
    DEFAULT_SIZE,
    LocalTerminal,
)


def test_without_a_terminal_the_size_is_the_default(monkeypatch):
    monkeypatch.delenv("TERM", raising=False)

    terminal = LocalTerminal()

    assert (terminal.term, terminal.size()) == ("vt100", DEFAULT_SIZE)


def test_signal_handlers_are_restored_at_the_end():
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH)
    before = [signal.getsignal(number) for number in numbers]

    with LocalTerminal():
        meanwhile = [signal.getsignal(number) for number in numbers]

    assert all(first != second for first, second in zip(before, meanwhile, strict=True))
    assert [signal.getsignal(number) for number in numbers] == before
