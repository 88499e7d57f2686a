# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a seat where there is no terminal; those of the verb exec have one."""

from __future__ import annotations

import signal

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.seat import USUAL_SIZE, Seat


def test_without_a_terminal_it_has_the_usual_size(monkeypatch):
    monkeypatch.delenv("TERM", raising=False)

    seat = Seat(None, "px-web")

    assert (seat.term, seat.size()) == ("vt100", USUAL_SIZE)


def test_signals_are_as_before_once_it_is_left():
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH)
    before = [signal.getsignal(number) for number in numbers]

    with Seat(None, "px-web"):
        meanwhile = [signal.getsignal(number) for number in numbers]

    assert all(first != second for first, second in zip(before, meanwhile, strict=True))
    assert [signal.getsignal(number) for number in numbers] == before
