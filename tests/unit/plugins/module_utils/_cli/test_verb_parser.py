# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the parser of a verb, which remembers its arguments."""

from __future__ import annotations

import os

from ansible_collections.pixels.truenas.plugins.module_utils._cli.verb_parser import VerbParser, columns


def test_a_parser_remembers_its_arguments():
    parser = VerbParser(prog="p", conflict_handler="resolve")
    parser.add_argument("-u", "--username")
    parser.add_argument("-u", "--user")
    parser.add_argument("name")

    assert {flag: action.dest for flag, action in parser.options.items()} == {
        "-h": "help",
        "--help": "help",
        "-u": "user",
        "--username": "username",
        "--user": "user",
    }
    assert [action.dest for action in parser.positionals] == ["name"]


def test_help_is_as_wide_as_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert columns() == 40

    monkeypatch.setenv("COLUMNS", "wide")
    monkeypatch.setattr(os, "get_terminal_size", lambda _number: os.terminal_size((123, 20)))
    assert columns() == 123
