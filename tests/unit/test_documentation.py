# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what each module, plugin and documentation page must have."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import schema

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "plugins/modules").glob("*.py"))
SOURCES = sorted((ROOT / "plugins").rglob("*.py"))

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
DIRECTORIES = ("bench", "bin", "changelogs", "docs", "libexec", "meta", "playbooks", "plugins", "roles", "tests")

# Lines.
MAX_LINES = 400

# The license itself, and files that cannot contain a comment or are generated.
WITHOUT_LICENSE = ("COPYING", "*.json", "*.md", "changelogs/changelog.yaml", "changelogs/fragments/*")


def texts(path: Path) -> dict[str, t.Any]:
    """Return DOCUMENTATION, EXAMPLES and RETURN as Ansible reads them, without running the file."""
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
    """Return the path of the test file of a source file."""
    relative = source.relative_to(ROOT)
    return ROOT / "tests/unit" / relative.parent / f"test_{relative.name}"


def has_code(source: Path) -> bool:
    """Return whether a file has functions with a body; documentation fragments and protocols have none."""
    return any(
        not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for function in ast.walk(ast.parse(source.read_text()))
        if isinstance(function, ast.FunctionDef)
        for statement in function.body
    )


def by_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def files_of_the_repository() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def has_license_header(path: Path) -> bool:
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
@pytest.mark.wide
def test_a_module_shares_the_options_of_the_connection(module: Path) -> None:
    documentation = texts(module)["DOCUMENTATION"]

    assert "pixels.truenas.connection" in documentation["extends_documentation_fragment"]


@pytest.mark.parametrize("module", MODULES, ids=by_name)
def test_a_module_documents_its_name_and_its_return_values(module: Path) -> None:
    documented = texts(module)

    assert documented["DOCUMENTATION"]["module"] == module.stem
    assert documented["RETURN"]


def return_keys(values: dict[str, t.Any]) -> t.Iterator[str]:
    """Yield the names of return values, with those inside dictionaries."""
    for name, value in values.items():
        yield name
        yield from return_keys(value.get("contains", {}))


@pytest.mark.parametrize("module", MODULES, ids=by_name)
def test_a_return_value_is_not_called_like_a_method_of_dictionaries(module: Path) -> None:
    assert [name for name in return_keys(texts(module)["RETURN"]) if hasattr(dict, name)] == []


def test_modules_that_return_pixels_document_them_alike() -> None:
    # ansible-core 2.19 applies documentation fragments to DOCUMENTATION only (utils/plugin_docs.py, get_docstring).
    one, many = (texts(ROOT / f"plugins/modules/pixels_container{suffix}.py")["RETURN"] for suffix in ("", "_info"))

    assert one["container"]["contains"] == many["containers"]["contains"]


@pytest.mark.parametrize("module", MODULES, ids=by_name)
def test_examples_call_modules_by_their_full_names(module: Path) -> None:
    tasks = texts(module)["EXAMPLES"]

    own = [task for task in tasks if f"pixels.truenas.{module.stem}" in task]
    assert own
    assert [task["name"] for task in tasks if not task.get("name")] == []


@pytest.mark.parametrize("source", [*filter(has_code, SOURCES)], ids=by_name)
def test_a_source_file_has_its_test_file(source: Path) -> None:
    assert mirror_of(source).is_file()


def test_every_file_has_license_header() -> None:
    required = [
        path
        for path in files_of_the_repository()
        if path.stat().st_size and not any(path.relative_to(ROOT).match(pattern) for pattern in WITHOUT_LICENSE)
    ]

    assert [by_name(path) for path in required if not has_license_header(path)] == []


def test_every_setting_is_documented_with_its_key_and_its_variable():
    text = (ROOT / "docs/command.md").read_text()

    lines = [f"| `{setting.key}` | `{setting.variable}` |" for setting in schema.SETTINGS.values()]

    assert [line for line in lines if line not in text] == []


def test_the_readme_lists_every_module_and_playbook():
    text = (ROOT / "README.md").read_text()
    named = [path.stem for path in [*MODULES, *(ROOT / "playbooks").glob("*.yml")]]

    assert [name for name in named if f"`{name}`" not in text] == []


def code_in(page: Path) -> list[str]:
    """Return the code spans of a page, without its fenced blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE))


@functools.cache
def defined_names() -> set[str]:
    """Return the functions and classes of `plugins` as `name` and `module.name`, and methods as `Class.name`."""
    names = set()
    for source in SOURCES:
        for node in ast.parse(source.read_text()).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                names |= {node.name, f"{source.stem}.{node.name}"}
            if isinstance(node, ast.ClassDef):
                names |= {f"{node.name}.{method.name}" for method in node.body if isinstance(method, ast.FunctionDef)}
    return names


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_the_paths_that_a_page_names_exist(page: Path) -> None:
    files = [f"/{by_name(path)}" for path in files_of_the_repository()]
    named = {
        code.rstrip("/")
        for code in code_in(page)
        if re.fullmatch(r"[\w./-]+", code)
        and (code.endswith(".py") or code.partition("/")[0] in DIRECTORIES)
        and not re.search(r"\bx\.py|test_x\.py", code)
    }

    assert [path for path in named if not any(f"/{path}/" in f"{file}/" for file in files)] == []


@pytest.mark.parametrize("page", PAGES, ids=by_name)
@pytest.mark.wide
def test_the_functions_and_classes_that_a_page_names_exist(page: Path) -> None:
    named = {
        code.removesuffix("()")
        for code in code_in(page)
        if re.fullmatch(r"(\w+\.)?\w+\(\)|[a-z_]+\.[A-Z]\w+", code) and not code.endswith(".py")
    }

    assert named - defined_names() == set()


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_the_links_of_a_page_lead_to_pages_and_headings(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _hash, heading = link.partition("#")
        target = (page.parent / path) if path else page
        if link.startswith("https://"):
            continue
        headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE) if target.is_file() else []
        anchors = {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}
        if not target.exists() or (heading and heading not in anchors):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_the_targets_of_make_that_a_page_names_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = [match[1] for code in code_in(page) if (match := re.match(r"make ([a-z-]+)", code))]

    assert [target for target in named if target not in targets] == []


def test_no_file_is_too_long() -> None:
    long = [by_name(path) for path in SOURCES if len(path.read_text().splitlines()) > MAX_LINES]

    assert long == []
