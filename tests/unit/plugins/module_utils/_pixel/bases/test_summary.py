# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the summary of bases."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.bases import builder, summary
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.book import RecipeBook
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.recipe import Recipe

ROOT = Recipe("root", image="debian/12", description="what all need")
BUILDING = "ann@laptop 2026-01-01T00:00:00Z {until}-01-01T00:00:00Z elsewhere:1:2 1234"


@pytest.fixture
def release():
    """One is enough: nothing here depends on it."""
    return "25.10"


@pytest.fixture
def status(pixels):
    def of(recipe=ROOT):
        rows = summary.summarize_all(pixels, RecipeBook(own=recipe))
        return next(each["status"] for each in rows if each["name"] == "root")

    return of


@pytest.mark.parametrize(("until", "expected"), [(2099, "building"), (2026, "interrupted")])
def test_what_is_being_built_is_told_from_what_was_interrupted(status, truenas, until, expected):
    environment = {"PIXELS/base": "root", "PIXELS/building": BUILDING.format(until=until)}
    truenas.world.add_container("px-base-root-1", environment=environment)

    assert status() == expected


def test_a_base_is_missing_then_ready_then_outdated(pixels, status):
    assert status() == "missing"
    builder.ensure(pixels, RecipeBook(own=ROOT), "root", options=builder.BuildOptions(timeout_s=30))

    assert status() == "ready"
    assert status(Recipe("root", image="debian/13")) == "outdated"
    assert status(Recipe("root", source="nope")) == "ready"


def test_a_base_without_a_recipe_is_shown_as_the_nas_has_it(pixels):
    builder.ensure(pixels, RecipeBook(own=ROOT), "root", options=builder.BuildOptions(timeout_s=30))

    rows = {each["name"]: each for each in summary.summarize_all(pixels, RecipeBook(), with_checkpoint=True)}

    assert sorted(rows) == ["dev", "node", "python", "root"]
    found = rows["root"]
    assert (found["status"], found["image"], found["declared"]) == ("ready", "debian/12", None)
    assert (found["description"], found["versions"]) == ("what all need", ["base-root-1"])
    assert found["created"].startswith("20")
    assert rows["node"]["from"] == "dev"
