# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the import contracts in pyproject.toml, and the rules about layers that import-linter cannot express."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = "ansible_collections.pixels.truenas.plugins"

# What plugins may import in addition to the standard library; pyproject.toml says in which files.
THIRD_PARTY = {"ansible", "paramiko", "websocket", "yaml"}

# The layers that may name a method of the middleware.
BELOW_THE_DOMAIN = (ROOT / "plugins/module_utils/_truenas", ROOT / "plugins/module_utils/_api")

METHOD = re.compile(r"(auth|container|core|cronjob|filesystem|interface|network|pool|system|virt|zfs)(\.[a-z_]+)+")
"""A name of the middleware, such as `virt.instance.query`."""


def imported(directory: Path) -> set[str]:
    """Return the full names of the modules that the files of a directory import, wherever they do."""
    names: set[str] = set()
    for path in directory.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                names.add("." * node.level + (node.module or ""))
    return names


def methods_named_in(source: str) -> set[str]:
    """Return the names of middleware methods among the strings of a file."""
    return {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and METHOD.fullmatch(node.value)
    }


def test_the_import_contracts_hold() -> None:
    linted = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "build")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.wide
def test_plugins_import_known_packages_only() -> None:
    packages = {name.partition(".")[0] for name in imported(ROOT / "plugins") if not name.startswith(f"{PLUGINS}.")}

    assert packages - sys.stdlib_module_names == THIRD_PARTY


@pytest.mark.wide
def test_the_simulator_imports_nothing_of_what_it_tests() -> None:
    shared = re.compile(r"(ansible|ansible_collections|plugins|tests(?!\.simulator)|websocket)\b")

    assert {name for name in imported(ROOT / "tests/simulator") if shared.match(name)} == set()


@pytest.mark.wide
def test_methods_of_the_middleware_are_named_below_the_domain_only() -> None:
    # Domain names such as auth.docker.io look like methods.
    domains = ROOT / "plugins/module_utils/_pixel/egress/presets.py"
    paths = [path for path in (ROOT / "plugins").rglob("*.py") if not any(map(path.is_relative_to, BELOW_THE_DOMAIN))]
    paths.remove(domains)
    named = {str(path.relative_to(ROOT)): methods_named_in(path.read_text()) for path in paths}

    assert {path: methods for path, methods in named.items() if methods} == {}


@pytest.mark.parametrize(
    ("source", "methods"),
    [
        ('call("virt.instance.query")', {"virt.instance.query"}),
        ('say("core values differ"); find("pool"); read("/etc/system.conf")', set()),
    ],
)
def test_a_method_of_the_middleware_is_distinguished_from_other_text(source: str, methods: set[str]) -> None:
    assert methods_named_in(source) == methods
