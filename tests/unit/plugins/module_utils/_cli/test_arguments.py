# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the words of a command line."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli import arguments
from ansible_collections.pixels.truenas.plugins.module_utils._cli.arguments import parse, verb_of

INSIDE = [
    (["exec", "web", "ls", "-l"], ["web"], ["ls", "-l"]),
    (["exec", "web", "--", "ls", "-l"], ["web"], ["ls", "-l"]),
    (["exec", "web", "db", "--", "ls", "--", "-l"], ["web", "db"], ["ls", "--", "-l"]),
    (["exec", "--all", "--", "uptime"], [], ["uptime"]),
    (["exec", "--all", "uptime", "-p"], [], ["uptime", "-p"]),
    (["exec", "-t", "web", "vi", "-t"], ["web"], ["vi", "-t"]),
]


@pytest.mark.parametrize(("words", "names", "command"), INSIDE)
def test_names_are_reported_from_the_command(words, names, command):
    asked = parse(words)

    assert (asked.names, asked.command) == (names, command)


@pytest.mark.parametrize(
    "words",
    [["exec"], ["exec", "web"], ["exec", "web", "--"], ["exec", "--", "ls"], ["exec", "web", "-t", "--", "ls"]],
)
def test_a_command_line_without_a_name_or_a_command_is_refused(words, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(words)
    assert "pixels exec" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--json", "list"], ["list", "--json"], ["--host", "a", "list", "--json"]])
def test_global_options_are_understood_before_and_after_the_verb(words):
    assert parse(words).json


def test_an_option_after_the_verb_wins():
    assert parse(["--host", "a", "list", "--host", "b"]).host == "b"


def test_an_option_before_the_verb_is_not_undone_by_its_absence_after_it():
    assert parse(["--host", "a", "--nas", "home", "checkpoint", "list", "web"]).host == "a"


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        (["list"], "list"),
        (["--host", "create", "list"], "list"),
        (["-v", "list"], "list"),
        (["--host=create", "list"], "list"),
        (["--help"], None),
    ],
)
def test_the_verb_is_found_among_options(words, verb):
    assert verb_of(words) == verb


@pytest.mark.parametrize(
    "words",
    [
        ["destroy", "web", "--all"],
        ["destroy", "--all", "-f", "web"],
        ["stop", "--all", "web"],
        ["info", "web", "--all"],
        ["cp", "create", "web", "--all"],
        ["exec", "--all", "web", "--", "uptime"],
    ],
)
def test_names_together_with_all_are_refused(words, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(words)
    assert "use either web or --all" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["info"], ["start"], ["stop"], ["restart"], ["destroy", "-f"], ["cp", "create"]])
def test_a_command_without_a_name_is_rejected(words, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(words)
    assert "no pixel is named. Use a name, a pattern or --all" in capsys.readouterr().err


@pytest.mark.parametrize(("verb", "hint"), [("strat", "did you mean 'start'?"), ("xyzzy", "use one of create, start")])
def test_a_verb_that_does_not_exist_is_reported_with_what_may_be_meant(verb, hint, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse([verb, "web"])
    assert f"unknown command '{verb}'; {hint}" in capsys.readouterr().err


def test_a_status_that_does_not_exist_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(["list", "--status", "foo"])
    assert "invalid choice: 'foo' (choose from 'running', 'stopped'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["create", "web", "--from", "db:it's"], "pixels create web --from 'db:it'\"'\"'s'"),
        (["destroy", "agent-*", "--api-key=1-secret"], "pixels destroy 'agent-*' --api-key=KEY"),
        (["--api-key", "1-secret", "stop", "web"], "pixels --api-key KEY stop web"),
        (["exec", "web", "--", "ls", "a b"], "pixels exec web -- ls 'a b'"),
    ],
)
def test_a_line_that_asks_for_the_same_again_has_no_key(words, line):
    assert arguments.again(parse(words)) == line
