# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how errors are worded for somebody at a prompt."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._command.wording import for_a_prompt

WORDS = [
    ("discard_newer: true gives them up, safety: true sets", "--discard-newer gives them up, --safety sets"),
    ("Destroy those first, or set clones: promote, which", "Destroy those first, or give --clones promote, which"),
    ("Run this again to go on, or remove what is left with state absent", "or remove what is left with pixels destroy"),
    ("finish it with from: web@ready", "finish it with --from web:ready"),
    ("Give it longer with stop_timeout, or kill it with force: true", "with --stop-timeout, or kill it with --force"),
    ("give the option host, the variable X", "give --host, the variable X"),
    ("give the option api_key, the variable X", "give --api-key-file, the variable X"),
    ("has the profiles a, b: choose one with PIXELS_NAS", "choose one with --nas"),
]


@pytest.mark.parametrize(("text", "worded"), WORDS)
def test_options_of_tasks_are_flags(text, worded):
    assert worded in for_a_prompt(text)


def test_other_words_are_left_as_they_are():
    text = "web on nas is still running 30 s after it was asked to stop: state of force, from nowhere"

    assert for_a_prompt(text) == text
