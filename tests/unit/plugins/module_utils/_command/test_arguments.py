# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the words of a command line."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._command import arguments
from ansible_collections.pixels.truenas.plugins.module_utils._command.arguments import parse, verb_of

INSIDE = [
    (["exec", "web", "ls", "-l"], ["web"], ["ls", "-l"]),
    (["exec", "web", "--", "ls", "-l"], ["web"], ["ls", "-l"]),
    (["exec", "web", "db", "--", "ls", "--", "-l"], ["web", "db"], ["ls", "--", "-l"]),
    (["exec", "--all", "--", "uptime"], [], ["uptime"]),
    (["exec", "--all", "uptime", "-p"], [], ["uptime", "-p"]),
    (["exec", "-t", "web", "vi", "-t"], ["web"], ["vi", "-t"]),
]


@pytest.mark.parametrize(("words", "names", "command"), INSIDE)
def test_names_are_told_from_the_command(words, names, command):
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


@pytest.mark.parametrize(("alias", "verb"), list(arguments.ALIASES.items()))
def test_aliases_are_known(alias, verb):
    assert arguments.VERBS[verb]
    words = {"cp": ["cp", "list", "web"], "ls": ["ls"], "rm": ["rm", "web"]}[alias]
    assert parse(words).function


def functions(parser):
    found = parser.get_default("function")
    if found:
        yield found
    for action in parser._actions:
        for inner in (action.choices or {}).values() if isinstance(action.choices, dict) else ():
            yield from functions(inner)


def test_every_verb_leads_to_a_function():
    for name in set(functions(arguments.parser())):
        asked = parse(["list"])
        asked.function = name
        assert callable(arguments.function_of(asked))


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
    assert "either web or --all" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["info"], ["start"], ["stop"], ["restart"], ["destroy", "-f"], ["cp", "create"]])
def test_who_names_nothing_is_asked_what_is_meant(words, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(words)
    assert "which pixel?" in capsys.readouterr().err


@pytest.mark.parametrize(("verb", "hint"), [("strat", "did you mean start?"), ("xyzzy", "there are create, start")])
def test_a_verb_that_does_not_exist_is_told_with_what_may_be_meant(verb, hint, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse([verb, "web"])
    assert f"there is no verb '{verb}': {hint}" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "soon"])
def test_a_time_that_is_none_is_refused(text, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(["stop", "web", f"--stop-timeout={text}"])
    assert f"'{text}' is not a number of seconds" in capsys.readouterr().err


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
