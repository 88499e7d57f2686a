# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of errors in replies."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator.errors import CallError, GenericError, InstanceNotFound, MatchNotFound, ValidationErrors
from tests.simulator.replies import failure


def error_of(error: Exception) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", failure(1, error, method="some.method", params=["secret"])["error"])


@pytest.mark.parametrize(
    ("error", "code", "number", "reason", "extra"),
    [
        (CallError("In use", 16, {"dependencies": []}), -32001, 16, "[EBUSY] In use", {"dependencies": []}),
        (
            ValidationErrors([("a.b", "Field required", 22), ("a.c", "no", 22)]),
            -32602,
            22,
            "[EINVAL] a.b: Field required\n[EINVAL] a.c: no\n",
            [["a.b", "Field required", 22], ["a.c", "no", 22]],
        ),
        (
            InstanceNotFound("VirtInstance px-web does not exist"),
            -32602,
            22,
            "[ENOENT] None: VirtInstance px-web does not exist",
            [[None, "VirtInstance px-web does not exist", 2]],
        ),
        (MatchNotFound(), -32001, 22, "MatchNotFound()", None),
        (GenericError("'id'", "KeyError"), -32001, 22, "'id'", None),
    ],
)
def test_an_error_has_code_number_reason_and_extra(
    error: Exception, code: int, number: int, reason: str, extra: object
) -> None:
    found = error_of(error)

    assert found["code"] == code
    assert {key: found["data"][key] for key in ("error", "reason", "extra")} == {
        "error": number,
        "reason": reason,
        "extra": extra,
    }


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (InstanceNotFound("x"), "InstanceNotFound"),
        (MatchNotFound(), "MatchNotFound"),
        (GenericError("x", "KeyError"), "KeyError"),
    ],
)
def test_the_trace_names_the_exception(error: Exception, name: str) -> None:
    assert error_of(error)["data"]["trace"]["class"] == name


def test_the_trace_gives_secrets_away_as_25_x_does() -> None:
    assert "secret" in error_of(CallError("no"))["data"]["trace"]["frames"][0]["locals"]["params"]


def test_without_frames_a_trace_says_what_it_says_otherwise() -> None:
    bare = failure(1, CallError("no"), method="some.method", params=["secret"], frames=False)["error"]["data"]["trace"]

    assert bare == {key: value for key, value in error_of(CallError("no"))["data"]["trace"].items() if key != "frames"}
