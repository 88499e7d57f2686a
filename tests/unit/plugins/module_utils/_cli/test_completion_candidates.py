# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what can stand at a place of a line, where no NAS is asked; test_completion.py has the rest."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli.completion_candidates import offer
from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output


@pytest.fixture
def offered(capsys):
    def ask(*words):
        assert offer(words, Output()) == 0
        return capsys.readouterr().out.split()

    return ask


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--no"], ["--no-color"]),
        (["session", ""], ["status", "stop"]),
        (["checkpoint", "clone", "--w"], ["--wait"]),
        (["create", "web", "--wait", "a"], ["address"]),
        (["create", "web", "--wait=ssh", "--poo"], ["--pool"]),
        (["create", "web", "--wait", "=", "a"], ["address"]),
        (["exec", "web", "ls", "-"], []),
        (["exec", "--all", "--", "--"], []),
        (["create", "--cpu", ""], []),
        (["create", "web", "--egress", "a"], ["agent", "allowlist"]),
        (["create", "web", "--preset", "git"], ["github", "gitlab"]),
        (["network", "set", "web", "agent", "--preset", "py"], ["pypi"]),
    ],
)
def test_what_is_offered(offered, words, expected):
    assert offered(*words) == expected


def test_a_name_that_was_given_is_no_verb(offered):
    assert "create" in offered("--host", "stop", "")
