# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the shape of each error message that the code contains; fixtures check those that tests meet."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import errors
from tests.unit.error_shape import flaws

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE = {"AnsibleConnectionFailure", "AnsibleError", "AnsibleParserError"}
CLASSES = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}


def template(node: ast.expr) -> str:
    """Return the text of a string expression, with `{}` for what is known at run time only."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(template(value) for value in node.values)
    if isinstance(node, ast.BinOp):
        return template(node.left) + template(node.right)
    return "{}"


def name_of(node: ast.expr) -> str:
    """Return the last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def messages(source: str) -> t.Iterator[str]:
    """Yield the messages of the errors that a file constructs."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        arguments = [template(argument) for argument in node.args]
        if name_of(node.func) in CLASSES | ANSIBLE and arguments:
            yield arguments[0]
        elif name_of(node.func) == "in_field" and len(arguments) > 2:
            yield f"{arguments[1]}: {arguments[2]}"
        elif name_of(node.func) == "fail_json":
            yield from (template(keyword.value) for keyword in node.keywords if keyword.arg == "msg")


def flaws_of_template(message: str) -> list[str]:
    """Return what is wrong with the shape of a message whose values are not known yet."""
    filled = flaws(message.replace("{}", "the known value"))
    return [*filled, "ends with a full stop"] if message.endswith(".") else filled


@pytest.mark.parametrize("cls", sorted(CLASSES))
def test_an_error_is_documented_and_one_line_with_any_quoted_text(cls: str) -> None:
    error = getattr(errors, cls)("starting 'web' on nas: \x1b[31mfirst\nsecond")

    assert getattr(errors, cls).__doc__
    assert flaws(str(error)) == []


def test_the_messages_of_errors_are_well_formed() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {message}": wrong
        for path in sorted((ROOT / "plugins").rglob("*.py"))
        for message in messages(path.read_text())
        if message != "{}" and (wrong := flaws_of_template(message))
    }

    assert found == {}


@pytest.mark.parametrize(
    "message",
    [
        "starting web on nas: refused:",
        "starting web on nas: refused..",
        "starting web on nas: refused. . Try again",
        "starting web on nas: . Try again",
        "starting web on nas: : refused",
        "starting web on nas:\nrefused",
        "starting web on nas:  refused",
        "starting web on nas: refused ",
        "it was refused by the NAS",
        "broken off",
    ],
)
def test_a_flaw_is_found(message: str) -> None:
    assert flaws(message)


@pytest.mark.parametrize(
    "message",
    [
        "starting web on nas: refused. Start it again (pixels start web)",
        "writing ../a on fe80::1: no space left... Remove the cause",
        "downloading web: HTTP 404: see https://nas/api. web is now stopped",
    ],
)
def test_a_well_formed_message_has_no_flaw(message: str) -> None:
    assert flaws(message) == []
