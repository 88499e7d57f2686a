# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the table of verbs."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli import arguments
from ansible_collections.pixels.truenas.plugins.module_utils._cli.arguments import parse
from ansible_collections.pixels.truenas.plugins.module_utils._cli.verbs import ALIASES, VERBS


@pytest.mark.parametrize(("alias", "verb"), list(ALIASES.items()))
def test_aliases_are_known(alias, verb):
    assert VERBS[verb]
    words = {"cp": ["cp", "list", "web"], "ls": ["ls"], "rm": ["rm", "web"]}[alias]
    assert parse(words).function


def functions(parser):
    found = parser.get_default("function")
    if found:
        yield found
    for inner in parser.inner.values():
        yield from functions(inner)


def test_every_verb_leads_to_a_function():
    for name in set(functions(arguments.parser())):
        args = parse(["list"])
        args.function = name
        assert callable(arguments.function_of(args))


def test_after_exec_u_is_the_user_in_the_pixel():
    own = arguments.parser().inner["exec"]

    assert (own.options["-u"].dest, own.options["--username"].dest) == ("user", "username")
    assert parse(["exec", "-u", "bob", "web", "true"]).user == "bob"


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "soon"])
def test_a_time_that_is_none_is_refused(text, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(["stop", "web", f"--stop-timeout={text}"])
    assert f"invalid number of seconds '{text}'" in capsys.readouterr().err


def test_an_error_shows_arguments_of_the_command_line_safely(command):
    ended = command("list", "--x\x1b[2J\r\nError:")

    assert ended.returncode == 2
    assert r"--x\x1b[2J\r\nError:" in ended.stderr
    assert "\x1b" not in ended.stderr
