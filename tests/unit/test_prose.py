# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the prose lint, and that it finds nothing in what is not exempt."""

from __future__ import annotations

import pytest

from tests import prose


def lines(path: str, source: str) -> list[int]:
    return [finding.line for finding in prose.check(path, source)]


def test_a_finding_names_place_phrase_reason_and_alternative() -> None:
    [finding] = prose.check("docs/page.md", "# Title\n\nThe task starts anew.\n")

    assert str(finding) == "docs/page.md:3: 'anew': not the usual term. Use 'again'"


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("docs/page.md", "One\nthat is to\nbe had\n", [2]),
        ("docs/page.md", "```\nanew\n```\nanew `anew` [page](anew.md)\n", [4]),
        ("plugins/a.py", '"""Anew."""\n', [1]),
        ("plugins/a.py", "x = anew  # anew\n", [1]),
        ("plugins/a.py", "# that is to\n# be had\nx = 1\n", [1]),
        ("plugins/a.py", 'x = """one\ntwo anew\n"""\n', [2]),
        ("plugins/a.py", 'x = f"it starts {anew} anew"\n', [1]),
        ("plugins/a.py", 'x = f"it starts {anew}"\n', []),
        ("plugins/a.py", 'x = {"anew": "nobody"}\n', []),
        ("plugins/a.py", 'x = "left of" + y + "to be"\nz = "had anew"\n', [2]),
        ("tests/a.py", 'def test():\n    """Anew."""\n    x = "starts anew"\n', [2]),
        ("playbooks/a.yml", "- name: Start {{ anew }} anew\n", [1]),
        ("roles/a/tasks/main.yml", "# Anew\n- name: Start\n", [1]),
        ("libexec/run", "anew='it starts anew' # anew\n", [1]),
        ("docs/page.md", "users who know Ansible; `nobody`; -seat-; seated\n", []),
    ],
)
def test_only_prose_is_checked(path: str, source: str, expected: list[int]) -> None:
    assert lines(path, source) == expected


@pytest.mark.parametrize("phrase", prose.PHRASES, ids=lambda phrase: phrase.pattern)
def test_a_phrase_has_a_reason_and_an_alternative_that_is_not_banned(phrase: prose.Phrase) -> None:
    assert phrase.reason
    assert phrase.instead
    assert prose.check("docs/page.md", phrase.instead) == []


def test_the_exit_status_says_whether_there_are_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert prose.main(["COPYING"]) == 0
    assert capsys.readouterr().out == ""
