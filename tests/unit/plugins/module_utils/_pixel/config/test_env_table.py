# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the table of variables for pixels."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import env_table

SECRET = "sesame-4711"


def settled(table, **environ):
    return env_table.build({name: env_table.read(value) for name, value in table.items()}, environ)


@pytest.mark.parametrize(
    "value", ["v", {"value": "v"}, {"value": "v", "session_only": False}, {"value": "v", "forward": False}]
)
def test_a_plain_value_is_written_into_pixels(value):
    found = settled({"K": value})

    assert env_table.to_write(found) == (("K", "v"),)
    assert (found.session, found.names) == ((), ())


def test_a_forwarded_variable_has_the_value_of_the_process():
    found = settled({"TOKEN": {"forward": True}}, TOKEN=SECRET)

    assert (found.image, found.session, found.names) == ((), (("TOKEN", SECRET),), ("TOKEN",))


def test_a_forwarded_variable_without_a_value_is_not_set():
    found = settled({"TOKEN": {"forward": True}})

    assert (found.session, found.names) == ((), ("TOKEN",))


def test_a_session_only_value_is_not_expanded():
    found = settled({"K": {"value": "$HOME", "session_only": True}}, HOME="/root")

    assert (found.image, found.session, found.names) == ((), (("K", "$HOME"),), ("K",))


@pytest.mark.parametrize(
    ("value", "written"),
    [("$A/bin", "a/bin"), ("${A}b", "ab"), ("$$A", "$A"), ("100$", "100$"), ("$A$B", "ab"), ("$1", "$1")],
)
def test_variables_of_the_process_are_expanded(value, written):
    assert env_table.to_write(settled({"K": value}, A="a", B="b")) == (("K", written),)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("$NOWHERE", "it refers to $NOWHERE, which is not set"),
        ("one\ntwo", "/etc/environment cannot contain a line break"),
        ("before#after", "/etc/environment cannot contain a #"),
    ],
)
def test_a_variable_that_cannot_be_written_is_reported_when_it_is_written(value, problem):
    found = settled({"K": value})

    with pytest.raises(Invalid, match='env "K": ') as caught:
        env_table.to_write(found)

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (4711, "unsupported type integer"),
        (True, "unsupported type boolean"),
        (1.5, "unsupported type float"),
        ([SECRET], "unsupported type array"),
        ({"value": 4711}, "unsupported type integer"),
        ({}, "value or forward = true is required"),
        ({"session_only": True}, "value or forward = true is required"),
        ({"forward": "yes"}, "forward is not true or false"),
        ({"forward": True, "value": SECRET}, "forward = true takes the value from the environment"),
        ({"vlaue": SECRET}, "unknown key vlaue: use value, forward, session_only"),
    ],
)
def test_an_invalid_variable_is_reported_without_its_value(value, problem):
    with pytest.raises(ValueError, match=problem) as caught:
        env_table.read(value)

    assert SECRET not in str(caught.value)
    assert "4711" not in str(caught.value)


def test_no_value_is_in_a_representation():
    found = settled({"A": SECRET, "B": {"value": SECRET, "session_only": True}})

    assert SECRET not in repr(found)


def test_other_lines_of_the_file_are_kept():
    present = 'PATH="/usr/bin"\nexport OLD=1\nCOLOURS=3\n'

    written = env_table.merged(present, (("OLD", "2"), ("NEW", "a b"), ("COLOUR", "blue")))

    assert written == 'PATH="/usr/bin"\nOLD="2"\nCOLOURS=3\nNEW="a b"\nCOLOUR="blue"\n'
    assert env_table.merged(written, (("OLD", "2"), ("NEW", "a b"))) == written


def test_variables_that_the_server_accepts_already_are_kept():
    assert env_table.accepting("AcceptEnv A B\n", ["B", "C"]) == "AcceptEnv A B\nAcceptEnv C\n"
    assert env_table.accepting("AcceptEnv A B\n", ["A"]) == "AcceptEnv A B\n"
    assert env_table.accepting("", ["A", "B"]) == "AcceptEnv A B\n"
    assert env_table.accepting("", []) == ""


def test_a_file_without_the_table_has_no_variables():
    assert settled({}) == env_table.NOTHING
