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


def subclasses(trees: t.Sequence[ast.Module]) -> set[str]:
    """Return the names of the classes in `errors.py` and of their subclasses in all files."""
    defined = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found = set(CLASSES)
    while more := {node.name for node in defined if any(name_of(base) in found for base in node.bases)} - found:
        found |= more
    return found


def values_of(node: ast.expr, scope: ast.AST) -> list[ast.expr]:
    """Return an expression, or what is assigned to it in a function or module if it is a variable."""
    if not isinstance(node, ast.Name):
        return [node]
    assigned = [each for each in ast.walk(scope) if isinstance(each, ast.Assign)]
    return [each.value for each in assigned if node.id in {name_of(target) for target in each.targets}]


def messages(tree: ast.Module, classes: set[str]) -> t.Iterator[str]:
    """Yield the messages of the errors that a file constructs."""
    scopes: dict[ast.AST, ast.AST] = {}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            scopes.update(dict.fromkeys(ast.walk(function), function))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        arguments = [template(argument) for argument in node.args]
        messages = [keyword.value for keyword in node.keywords if keyword.arg == "msg"]
        if name_of(node.func) in classes | ANSIBLE and node.args:
            yield from map(template, values_of(node.args[0], scopes.get(node, tree)))
        elif name_of(node.func) == "in_field" and len(arguments) > 2:
            yield f"{arguments[1]}: {arguments[2]}"
        elif name_of(node.func) == "fail_json" and messages:
            yield from map(template, values_of(messages[0], scopes.get(node, tree)))


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
    trees = {path: ast.parse(path.read_text()) for path in sorted((ROOT / "plugins").rglob("*.py"))}
    classes = subclasses(list(trees.values()))
    found = {
        f"{path.relative_to(ROOT)}: {message}": wrong
        for path, tree in trees.items()
        for message in messages(tree, classes)
        if message != "{}" and (wrong := flaws_of_template(message))
    }

    assert found == {}


def test_a_message_in_a_variable_and_of_a_subclass_is_found() -> None:
    source = "class Lost(Refused): pass\ndef f():\n    text = f'{name}: lost'\n    raise Lost(text)\n"
    tree = ast.parse(source)

    assert list(messages(tree, subclasses([tree]))) == ["{}: lost"]


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
