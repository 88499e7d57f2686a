# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the defaults, argument specification and README of each role agree."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml

ROLES = sorted((Path(__file__).resolve().parents[3] / "roles").iterdir())
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (?:`(.*?)`)? ?\| (.+) \|$", re.MULTILINE)


def name_of(role: Path) -> str:
    return role.name


def load(role: Path, name: str) -> t.Any:
    return yaml.safe_load((role / name).read_text())


def options(role: Path) -> dict[str, t.Any]:
    return load(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]


@pytest.mark.parametrize("role", ROLES, ids=name_of)
def test_the_defaults_are_those_of_the_argument_specification(role):
    documented = {name: option["default"] for name, option in options(role).items() if "default" in option}

    assert load(role, "defaults/main.yml") == documented


@pytest.mark.parametrize("role", ROLES, ids=name_of)
def test_every_option_has_a_type_and_a_description(role):
    for name, option in options(role).items():
        assert option["type"], name
        assert option["description"], name
        assert (option["type"] == "list") == ("elements" in option), name


@pytest.mark.parametrize("role", ROLES, ids=name_of)
def test_the_readme_lists_every_variable_with_its_type_and_default(role):
    rows = {name: (kind, default) for name, kind, default, _text in ROW.findall((role / "README.md").read_text())}

    assert list(rows) == list(options(role))
    for name, option in options(role).items():
        kind, default = rows[name]
        assert kind == option["type"]
        shown = yaml.safe_load(default) if option["type"] != "str" else default or None
        assert shown == option.get("default"), name


@pytest.mark.parametrize("role", ROLES, ids=name_of)
def test_the_example_of_the_readme_uses_the_role_with_its_variables(role):
    blocks = re.findall(r"^```yaml\n(.*?)^```", (role / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    plays = [play for block in map(yaml.safe_load, blocks) if isinstance(block, list) for play in block]

    [used] = [each for play in plays for each in play["roles"]]
    assert used.pop("role") == f"pixels.truenas.{role.name}"
    assert set(used) <= set(options(role))
