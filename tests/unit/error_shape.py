# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of error messages: one line, `<what failed>: <cause>. <what to do>`."""

from __future__ import annotations

import re

FLAWS = {
    "has more than one line": re.compile(r"[\n\r]"),
    "ends like an unfinished sentence": re.compile(r"[\s:,;]$"),
    "ends with more than one full stop": re.compile(r"(?<!\.)\.\s?\.$"),
    "has a cause or a sentence that is empty": re.compile(r":\s*[:.](\s|$)|(?<=\w)\. ?\.(\s|$)|(?<=\w),\s*[.:](\s|$)"),
    "has more than one space in a row": re.compile(r"\w[.:;,]? {2,}\w"),
    "is too short to name what failed and why": re.compile(r"\S*(\s\S+){0,2}"),
    "begins with a word that refers to nothing": re.compile(r"(it|its|they|their|somebody|something) .*", re.DOTALL),
}


OF_ANSIBLE = "non-zero return code"
"""What Ansible's own command modules say; playbooks may compare with it."""


def flaws(message: str) -> list[str]:
    """Return what is wrong with the shape of an error message."""
    whole = {"is too short to name what failed and why", "begins with a word that refers to nothing"}
    return [
        flaw
        for flaw, pattern in FLAWS.items()
        if (pattern.fullmatch(message) if flaw in whole else pattern.search(message))
    ]


def assert_well_formed(message: str) -> None:
    """Fail the test that met a malformed error message."""
    assert message == OF_ANSIBLE or flaws(message) == [], message
