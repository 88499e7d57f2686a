# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is to be built; how it is built is tested with the builder and the module."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.bases import builder, planner
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.base_table import ConfiguredBase
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.book import RecipeBook
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.recipe import Recipe

ROOT, CHILD = ConfiguredBase("root", image="debian/12"), ConfiguredBase("child", source="root")
GRANDCHILD = Recipe("grandchild", source="child")


@pytest.fixture
def release():
    """One is enough: nothing here depends on it."""
    return "25.10"


def ensure(pixels, book, name):
    builder.ensure(pixels, book, name, options=builder.BuildOptions(timeout_s=30))


def planned(pixels, book, name, **options):
    found = planner.plan(pixels, book, name, pixels.list(), **options)
    return [(link.recipe.name, link.outdated) for link in found.links]


def test_a_chain_is_built_from_its_root_and_then_needs_three_reads(pixels, truenas):
    book = RecipeBook((ROOT, CHILD), GRANDCHILD)
    assert planned(pixels, book, "grandchild") == [("root", True), ("child", True), ("grandchild", True)]

    ensure(pixels, book, "grandchild")
    before = truenas.stats.calls.copy()
    unchanged = planner.change(planner.plan(pixels, book, "grandchild", pixels.list()))

    assert not unchanged.needed
    assert set(truenas.world.containers) == {f"px-base-{each}-1" for each in ("root", "child", "grandchild")}
    assert sum((truenas.stats.calls - before).values()) <= 3


def test_another_recipe_builds_what_is_above_it_again(pixels):
    ensure(pixels, RecipeBook((ROOT, CHILD), GRANDCHILD), "grandchild")

    changed = dataclasses.replace(CHILD, version="2")

    assert planned(pixels, RecipeBook((ROOT, changed), GRANDCHILD), "grandchild") == [
        ("root", False),
        ("child", True),
        ("grandchild", True),
    ]


def test_to_build_a_base_again_leaves_those_below(pixels):
    book = RecipeBook((ROOT, CHILD))
    ensure(pixels, book, "child")

    assert planned(pixels, book, "child", rebuild=True) == [("root", False), ("child", True)]


def test_a_base_on_the_nas_is_used_as_it_is_unless_the_user_declares_it(pixels):
    ensure(pixels, RecipeBook(own=Recipe("dev", image="debian/13")), "dev")

    assert planned(pixels, RecipeBook(own=Recipe("tools", source="dev")), "tools") == [("tools", True)]
    declared = RecipeBook((ConfiguredBase("dev", image="debian/12"),), Recipe("tools", source="dev"))
    assert planned(pixels, declared, "tools") == [("dev", True), ("tools", True)]


def test_a_base_below_that_is_neither_there_nor_known_is_an_error(pixels):
    with pytest.raises(NotFound, match="the base tools is built from nope, and there is neither a base nor a recipe"):
        planned(pixels, RecipeBook(own=Recipe("tools", source="nope")), "tools")
