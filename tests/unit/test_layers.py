# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds who may import whom: the folder of a file says what it may touch."""

from __future__ import annotations

import ast
import re
import sys
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.pixels.truenas."
MODULE_UTILS = f"{COLLECTION}plugins.module_utils."
PLUGIN_UTILS = f"{COLLECTION}plugins.plugin_utils."

# From the top down: a layer imports itself and what is below it.
LAYERS = ("_ansible", "_command", "_pixel", "_truenas", "_api")

# The two edges stand side by side: neither imports the other.
EDGES = ("_ansible", "_command")

# What a layer may import besides the standard library; a file named here is the only one of its layer that may.
GUESTS = {
    "ansible": "plugins/module_utils/_ansible/",
    "paramiko": "plugins/module_utils/_pixel/",
    "websocket": "plugins/module_utils/_api/transport.py",
}

METHOD = re.compile(r"(auth|container|core|cronjob|filesystem|interface|network|pool|system|virt|zfs)(\.[a-z_]+)+")
"""A name of the middleware, such as C(virt.instance.query)."""


class Import(t.NamedTuple):
    name: str
    line: int


def imports(source: str) -> list[Import]:
    """Everything a file imports by its full name, wherever it does; relative names begin with a dot."""
    found: list[Import] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.extend(Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = "." * node.level + (node.module or "")
            found.extend(Import(f"{package}.{alias.name}", node.lineno) for alias in node.names)
    return found


def layer_of(path: str) -> str:
    return path.removeprefix("plugins/module_utils/").split("/")[0]


def why_not_in_a_layer(path: str, name: str) -> str | None:
    """What is wrong with importing C(name) in C(path), a file of module_utils; None when nothing is."""
    package = name.partition(".")[0]
    if not package:
        return "relative import: it breaks modules that are called by their bare name"
    if name.startswith(MODULE_UTILS):
        layer = name.removeprefix(MODULE_UTILS).split(".")[0]
        here = layer_of(path)
        below = [each for each in LAYERS[LAYERS.index(here) :] if each == here or each not in EDGES]
        return None if layer in below else f"{here} may not import {layer}"
    if package in sys.stdlib_module_names:
        return None
    if package in GUESTS and path.startswith(GUESTS[package]):
        return None
    return f"{package} is imported by {GUESTS.get(package, 'nothing in module_utils')} only"


def why_not_in_an_entry_point(name: str) -> str | None:
    package = name.partition(".")[0]
    if not package:
        return "relative import: it breaks modules that are called by their bare name"
    ours = name.startswith((MODULE_UTILS, PLUGIN_UTILS))
    if ours or package in sys.stdlib_module_names or package == "ansible":
        return None
    return "entry points import Ansible, plugin_utils, module_utils and the standard library"


def why_not_in_the_simulator(name: str) -> str | None:
    package = name.partition(".")[0]
    if package in {"", "ansible", "ansible_collections", "plugins", "websocket"}:
        return "the simulator shares nothing with what it tests"
    if package == "tests" and not name.startswith("tests.simulator"):
        return "the simulator runs by itself"
    return None


def complaints(why: t.Callable[[str], str | None], source: str) -> list[str]:
    return [f"line {line}: {name}: {reason}" for name, line in imports(source) if (reason := why(name))]


def methods_named_in(source: str) -> set[str]:
    return {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and METHOD.fullmatch(node.value)
    }


def python_files(*folders: str) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob("*.py"))


IN_LAYERS = python_files("plugins/module_utils")
ENTRY_POINTS = [path for path in python_files("plugins") if path not in IN_LAYERS]
ABOVE_THEIR_WORDS = [path for path in python_files("plugins") if layer_of(path) not in {"_truenas", "_api"}]


@pytest.mark.parametrize("path", IN_LAYERS)
def test_imports_point_downwards(path: str) -> None:
    assert complaints(lambda name: why_not_in_a_layer(path, name), (ROOT / path).read_text()) == []


@pytest.mark.parametrize("path", ENTRY_POINTS)
def test_entry_points_import_ansible_and_the_layers(path: str) -> None:
    assert complaints(why_not_in_an_entry_point, (ROOT / path).read_text()) == []


@pytest.mark.parametrize("path", python_files("tests/simulator"))
def test_the_simulator_imports_nothing_of_what_it_tests(path: str) -> None:
    assert complaints(why_not_in_the_simulator, (ROOT / path).read_text()) == []


@pytest.mark.parametrize("path", ABOVE_THEIR_WORDS)
def test_methods_of_the_middleware_are_named_below_our_own_words(path: str) -> None:
    assert methods_named_in((ROOT / path).read_text()) == set()


def test_every_file_of_module_utils_is_in_a_layer() -> None:
    assert [path for path in IN_LAYERS if layer_of(path) not in LAYERS] == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("plugins/module_utils/_api/session.py", f"from {MODULE_UTILS}_truenas.virt import Virt"),
        ("plugins/module_utils/_truenas/virt.py", f"import {MODULE_UTILS}_pixel.names"),
        ("plugins/module_utils/_pixel/names.py", f"from {MODULE_UTILS[:-1]} import _ansible"),
        ("plugins/module_utils/_command/main.py", f"from {MODULE_UTILS}_ansible.task import Task"),
        ("plugins/module_utils/_ansible/task.py", f"from {MODULE_UTILS}_command.main import main"),
        ("plugins/module_utils/_pixel/names.py", "from . import sizes"),
        ("plugins/module_utils/_pixel/names.py", "from ansible.module_utils.basic import AnsibleModule"),
        ("plugins/module_utils/_api/session.py", "import websocket"),
        ("plugins/module_utils/_api/transport.py", "import requests"),
        ("plugins/module_utils/_ansible/module.py", f"from {COLLECTION}plugins.modules import pixels_exec"),
        ("plugins/module_utils/_pixel/names.py", "def find():\n    from ansible import errors"),
    ],
)
def test_an_import_that_points_elsewhere_is_noticed(path: str, line: str) -> None:
    assert len(complaints(lambda name: why_not_in_a_layer(path, name), line)) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("plugins/module_utils/_ansible/module.py", f"from {MODULE_UTILS}_pixel.names import bare"),
        ("plugins/module_utils/_ansible/module.py", "from ansible.module_utils.basic import AnsibleModule"),
        ("plugins/module_utils/_api/session.py", f"from {MODULE_UTILS}_api.errors import NotFound"),
        ("plugins/module_utils/_api/transport.py", "import websocket"),
        ("plugins/module_utils/_api/transport.py", "import ssl"),
    ],
)
def test_an_import_that_points_downwards_is_let_through(path: str, line: str) -> None:
    assert complaints(lambda name: why_not_in_a_layer(path, name), line) == []


@pytest.mark.parametrize(
    "line",
    [
        f"from {MODULE_UTILS}_api import errors",
        "import websocket",
        "from tests.unit import conftest",
        "from . import world",
    ],
)
def test_a_simulator_that_leans_on_the_client_is_noticed(line: str) -> None:
    assert len(complaints(why_not_in_the_simulator, line)) == 1


def test_a_method_of_the_middleware_is_told_from_other_text() -> None:
    source = 'call("virt.instance.query"); say("core values differ"); find("pool"); read("/etc/system.conf")'

    assert methods_named_in(source) == {"virt.instance.query"}
