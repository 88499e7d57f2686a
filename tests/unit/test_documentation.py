# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds what every module and plugin owes its users: its group, its documentation and its tests."""

from __future__ import annotations

import ast
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import settings

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "plugins/modules").glob("*.py"))
SOURCES = sorted((ROOT / "plugins").rglob("*.py"))

# The licence itself, and what cannot hold a comment or is written by a tool.
WITHOUT_LICENCE = ("COPYING", "*.json", "*.md", "changelogs/changelog.yaml", "changelogs/fragments/*")


def texts(path: Path) -> dict[str, t.Any]:
    """DOCUMENTATION, EXAMPLES and RETURN as Ansible reads them: static YAML, without running the file."""
    return {
        node.targets[0].id: yaml.safe_load(node.value.value)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in {"DOCUMENTATION", "EXAMPLES", "RETURN"}
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def action_group() -> list[str]:
    return yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]["pixels"]


def mirror_of(source: Path) -> Path:
    """Where the tests of a source file are."""
    relative = source.relative_to(ROOT)
    return ROOT / "tests/unit" / relative.parent / f"test_{relative.name}"


def does_something(source: Path) -> bool:
    """False for documentation fragments, and for files of types whose methods are only declared."""
    return any(
        not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for function in ast.walk(ast.parse(source.read_text()))
        if isinstance(function, ast.FunctionDef)
        for statement in function.body
    )


def by_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def files_of_the_repository() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def says_its_licence(path: Path) -> bool:
    head = "".join(path.read_text().splitlines(keepends=True)[:8])
    return all(
        words in head
        for words in (
            "the pixels.truenas contributors",
            "GNU General Public License v3.0+",
            "SPDX-License-Identifier: GPL-3.0-or-later",
        )
    )


@pytest.mark.parametrize("module", MODULES, ids=by_name)
def test_the_action_group_has_every_module(module: Path) -> None:
    assert module.stem in action_group()


@pytest.mark.parametrize("name", action_group())
def test_every_entry_of_the_action_group_is_a_module(name: str) -> None:
    assert (ROOT / "plugins/modules" / f"{name}.py").is_file()


def test_the_action_group_is_in_order() -> None:
    assert action_group() == sorted(action_group())


@pytest.mark.parametrize("module", MODULES, ids=by_name)
def test_a_module_shares_the_options_of_the_connection(module: Path) -> None:
    documentation = texts(module)["DOCUMENTATION"]

    assert "pixels.truenas.connection" in documentation["extends_documentation_fragment"]


@pytest.mark.parametrize("module", MODULES, ids=by_name)
def test_a_module_says_what_it_is_called_and_what_it_returns(module: Path) -> None:
    documented = texts(module)

    assert documented["DOCUMENTATION"]["module"] == module.stem
    assert documented["RETURN"]


@pytest.mark.parametrize("module", MODULES, ids=by_name)
def test_examples_call_modules_by_their_full_names(module: Path) -> None:
    tasks = texts(module)["EXAMPLES"]

    own = [task for task in tasks if f"pixels.truenas.{module.stem}" in task]
    assert own
    assert [task["name"] for task in tasks if not task.get("name")] == []


@pytest.mark.parametrize("source", [*filter(does_something, SOURCES)], ids=by_name)
def test_a_source_file_has_its_test_file(source: Path) -> None:
    assert mirror_of(source).is_file()


def test_every_file_says_its_licence() -> None:
    owing = [
        path
        for path in files_of_the_repository()
        if path.stat().st_size and not any(path.relative_to(ROOT).match(pattern) for pattern in WITHOUT_LICENCE)
    ]

    assert [by_name(path) for path in owing if not says_its_licence(path)] == []


def test_every_setting_is_documented_with_its_key_and_its_variable():
    text = (ROOT / "docs/command.md").read_text()

    lines = [f"| `{setting.key}` | `{setting.variable}` |" for setting in settings.SETTINGS.values()]

    assert [line for line in lines if line not in text] == []


def test_the_readme_lists_every_module_and_playbook():
    text = (ROOT / "README.md").read_text()
    named = [path.stem for path in [*MODULES, *(ROOT / "playbooks").glob("*.yml")]]

    assert [name for name in named if f"`{name}`" not in text] == []
