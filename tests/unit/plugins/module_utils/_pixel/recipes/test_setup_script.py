# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the log of a setup script; what runs in a pixel is tested with the builder."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes import setup_script


def test_the_end_of_a_log_is_one_bounded_line_that_is_safe_to_show():
    log = b"x" * 9000 + b"\n" + b"".join(b"line  %d\n\n" % number for number in range(40)) + b"\x1b[31mred.\n"

    shown = setup_script.log_tail(log)

    assert shown.startswith("line 33 / ")
    assert shown.endswith("line 39 / \\x1b[31mred")
    assert setup_script.log_tail(b"\n") == "no output"
    assert len(setup_script.log_tail(b"y" * 9000)) <= setup_script.LIMIT
