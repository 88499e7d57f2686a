# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of destroying a base; the policies for clones are tested with the module."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.bases import builder, remover
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.book import RecipeBook
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.recipe import Recipe
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions

BUILDING = "ann@laptop 2026-01-01T00:00:00Z 2099-01-01T00:00:00Z elsewhere:1:2 1234"


@pytest.fixture
def release():
    """One is enough: nothing here depends on it."""
    return "25.10"


def test_all_versions_of_a_base_are_destroyed_and_nothing_else(pixels, truenas):
    for version in ("1", "2"):
        book = RecipeBook(own=Recipe("root", image="debian/12", version=version))
        builder.ensure(pixels, book, "root", options=builder.BuildOptions(timeout_s=30))
    truenas.world.add_container("px-base-root-1", status="STOPPED")
    truenas.world.add_container("px-base-root-3", environment={"PIXELS/base": "root", "PIXELS/building": "x"})

    planned = remover.plan(pixels, "root", clones="refuse")
    remover.apply(pixels, planned, options=ApplyOptions(), deadline=Deadline(30))

    assert remover.change(planned).before == {"base-root-3": "running", "base-root-2": "stopped"}
    assert set(truenas.world.containers) == {"px-base-root-1"}


def test_what_another_client_builds_is_not_destroyed(pixels, truenas):
    environment = {"PIXELS/base": "root", "PIXELS/building": BUILDING}
    truenas.world.add_container("px-base-root-1", environment=environment)

    with pytest.raises(Refused, match="base-root-1 is being built by ann@laptop, since 2026-01-01T00:00:00Z"):
        remover.plan(pixels, "root", clones="refuse")
