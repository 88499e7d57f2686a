# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the known recipes."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.base_table import ConfiguredBase
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.book import RecipeBook
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.recipe import Recipe

OWN = Recipe("own", source="filed")
FILED = ConfiguredBase("filed", image="debian/12", egress="agent", provision=True, location="config.toml line 3")
KEY = ProvisionSpec(("key",))


def test_a_recipe_of_the_task_comes_before_the_file_and_that_before_the_built_in_ones():
    book = RecipeBook((FILED, ConfiguredBase("own", image="x"), ConfiguredBase("dev", image="y")), OWN, lambda: KEY)

    assert book.names() == ["dev", "filed", "node", "own", "python"]
    assert book.get("own") is OWN
    assert book.get("dev").image == "y"
    assert book.get("node").source == "dev"
    assert [book.origin(name) for name in ("own", "filed", "node")] == ["task", "configuration", "built-in"]
    assert book.find_declared("node") is None
    assert book.find("nope") is None


def test_a_table_of_the_file_is_read_completely():
    found = RecipeBook((FILED,), None, lambda: KEY).get("filed")

    assert (found.image, found.egress.mode, found.provision) == ("debian/12", "agent", KEY)


def test_the_tools_of_a_table_are_added_to_the_keys_of_the_settings():
    table = ConfiguredBase("filed", image="x", provision=True, devtools=("git",), devtools_lock="lock.json")

    found = RecipeBook((table,), None, lambda: KEY).get("filed")

    assert found.provision == ProvisionSpec(("key",), devtools=("git",), devtools_lock="lock.json")


def test_a_wrong_table_is_an_error_with_its_place():
    book = RecipeBook((ConfiguredBase("filed", image="x", egress="all", location="config.toml line 3"),))

    with pytest.raises(Invalid, match=r"config.toml line 3: invalid bases.filed.egress"):
        book.get("filed")


def test_an_unknown_name_is_an_error_with_the_known_ones():
    with pytest.raises(
        Invalid, match="unknown base 'nope': there is no recipe of that name; known are dev, node, python"
    ):
        RecipeBook().get("nope")


def test_a_chain_begins_with_the_base_that_is_made_from_an_image():
    assert [each.name for each in RecipeBook((FILED,), OWN).chain("own")] == ["filed", "own"]


def test_a_circle_is_an_error():
    book = RecipeBook((ConfiguredBase("a", source="b"), ConfiguredBase("b", source="a")))

    with pytest.raises(Invalid, match="a circle: a from b from a"):
        book.chain("a")
