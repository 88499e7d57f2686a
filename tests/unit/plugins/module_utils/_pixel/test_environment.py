# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which variables go where."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import environment

SECRET = "sesame-4711"


def settled(table, **environ):
    return environment.settle({name: environment.read(value) for name, value in table.items()}, environ)


@pytest.mark.parametrize(
    "value", ["v", {"value": "v"}, {"value": "v", "session_only": False}, {"value": "v", "forward": False}]
)
def test_a_plain_value_is_written_into_pixels(value):
    found = settled({"K": value})

    assert environment.to_write(found) == (("K", "v"),)
    assert (found.session, found.names) == ((), ())


def test_what_is_forwarded_has_the_operators_own_value():
    found = settled({"TOKEN": {"forward": True}}, TOKEN=SECRET)

    assert (found.image, found.session, found.names) == ((), (("TOKEN", SECRET),), ("TOKEN",))


def test_what_is_forwarded_and_not_set_here_is_not_set_there():
    found = settled({"TOKEN": {"forward": True}})

    assert (found.session, found.names) == ((), ("TOKEN",))


def test_what_is_for_a_session_only_is_taken_as_it_stands():
    found = settled({"K": {"value": "$HOME", "session_only": True}}, HOME="/root")

    assert (found.image, found.session, found.names) == ((), (("K", "$HOME"),), ("K",))


@pytest.mark.parametrize(
    ("value", "written"),
    [("$A/bin", "a/bin"), ("${A}b", "ab"), ("$$A", "$A"), ("100$", "100$"), ("$A$B", "ab"), ("$1", "$1")],
)
def test_variables_of_the_operator_are_expanded_in_what_is_written(value, written):
    assert environment.to_write(settled({"K": value}, A="a", B="b")) == (("K", written),)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("$NOWHERE", "it refers to $NOWHERE, which is not set here"),
        ("one\ntwo", "/etc/environment cannot hold a line break"),
        ("before#after", "/etc/environment cannot hold a #"),
    ],
)
def test_what_cannot_be_written_is_told_once_it_is_to_be(value, problem):
    found = settled({"K": value})

    with pytest.raises(Invalid, match='env "K": ') as told:
        environment.to_write(found)

    assert problem in str(told.value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (4711, "unsupported type integer"),
        (True, "unsupported type boolean"),
        (1.5, "unsupported type float"),
        ([SECRET], "unsupported type array"),
        ({"value": 4711}, "unsupported type integer"),
        ({}, "there is neither a value nor forward = true"),
        ({"session_only": True}, "there is neither a value nor forward = true"),
        ({"forward": "yes"}, "forward is neither true nor false"),
        ({"forward": True, "value": SECRET}, "what is forwarded has the value it has here"),
        ({"vlaue": SECRET}, "unknown key vlaue: there are value, forward, session_only"),
    ],
)
def test_what_makes_no_sense_is_told_without_what_was_written(value, problem):
    with pytest.raises(ValueError, match=problem) as told:
        environment.read(value)

    assert SECRET not in str(told.value)
    assert "4711" not in str(told.value)


def test_no_value_is_in_a_representation():
    found = settled({"A": SECRET, "B": {"value": SECRET, "session_only": True}})

    assert SECRET not in repr(found)


def test_what_is_in_the_file_beside_ours_stays():
    present = 'PATH="/usr/bin"\nexport OLD=1\nCOLOURS=3\n'

    written = environment.merged(present, (("OLD", "2"), ("NEW", "a b"), ("COLOUR", "blue")))

    assert written == 'PATH="/usr/bin"\nOLD="2"\nCOLOURS=3\nNEW="a b"\nCOLOUR="blue"\n'
    assert environment.merged(written, (("OLD", "2"), ("NEW", "a b"))) == written


def test_what_other_machines_may_bring_stays():
    assert environment.accepting("AcceptEnv A B\n", ["B", "C"]) == "AcceptEnv A B\nAcceptEnv C\n"
    assert environment.accepting("AcceptEnv A B\n", ["A"]) == "AcceptEnv A B\n"
    assert environment.accepting("", ["A", "B"]) == "AcceptEnv A B\n"
    assert environment.accepting("", []) == ""


def test_nothing_is_what_there_is_without_a_table():
    assert settled({}) == environment.NOTHING
