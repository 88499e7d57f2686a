# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of hints as the author of a task reads them."""

from __future__ import annotations

import json

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint, for_task, sentence

CLAUSES = [
    (Hint.advice("check DHCP on its network"), "check DHCP on its network"),
    (Hint.option("force", True, "to kill it"), "set force: true to kill it"),
    (Hint.option("validate_certs", False), "set validate_certs: false"),
    (Hint.option("stop_timeout", purpose="to wait longer"), "set stop_timeout to wait longer"),
    (Hint.option("from", "web@ready", "to finish it"), "set from: web@ready to finish it"),
    (Hint.omit("image"), "omit image"),
    (Hint.state("absent", "web", "to remove it"), "set state: absent for web to remove it"),
    (Hint.run_again("to finish it"), "run this again to finish it"),
    (Hint.run_again(after="remove the cause"), "remove the cause, then run this again"),
    (
        Hint.delete_checkpoint("web", "ready"),
        "delete the checkpoint with pixels_checkpoint, name web, label ready, state absent",
    ),
]


@pytest.mark.parametrize(("hint", "clause"), CLAUSES)
def test_a_hint_names_the_option_of_a_task(hint, clause):
    assert for_task(hint) == clause


@pytest.mark.parametrize("hint", [hint for hint, _clause in CLAUSES])
def test_a_hint_survives_json(hint):
    assert Hint(*json.loads(json.dumps(hint))) == hint


def test_a_sentence_lists_alternatives():
    hints = Hint.option("force", True, "to kill it"), Hint.run_again()

    assert sentence(hints, for_task) == "Set force: true to kill it, or run this again"
    assert sentence((), for_task) == ""
