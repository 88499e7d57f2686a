# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Summarize the bases of a NAS, and those that have a recipe only."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.bases import lock, planner
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import dataset_layout
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import base_versions, lifetime
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes import recipe as recipes

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.book import RecipeBook
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

READY, OUTDATED, MISSING, BUILDING, INTERRUPTED = "ready", "outdated", "missing", "building", "interrupted"


def summarize(
    pixels: Pixels, book: RecipeBook, base: str, listing: t.Sequence[Container], *, with_checkpoint: bool = False
) -> dict[str, t.Any]:
    """Return what is known of a base. `with_checkpoint` reads when its checkpoint was taken."""
    versions = base_versions.versions(listing, base)
    newest = base_versions.newest(listing, base)
    recipe = book.find(base)
    unfinished = [each for each in versions if planner.is_unfinished(each)]
    metadata = newest.metadata if newest else None
    summary: dict[str, t.Any] = {
        "name": base,
        "status": status(pixels, book, base, listing, newest, unfinished),
        "version": newest.name.bare if newest else None,
        "recipe": recipes.shown(metadata.recipe) if metadata else None,
        "image": recipe.image if recipe else metadata and metadata.image,
        "from": recipe.source if recipe else None,
        "description": (metadata.description if metadata else recipe and recipe.description) or "",
        "declared": book.origin(base) if recipe else None,
        "versions": [each.name.bare for each in versions],
        "built_by": next((builder(each) for each in unfinished), None),
    }
    if with_checkpoint:
        taken = newest and pixels.snapshots.find(dataset_layout.dataset_of(pixels, newest), base_versions.READY)
        summary["created"] = lifetime.format_time(taken.created) if taken else None
    return summary


def builder(version: Container) -> str | None:
    """Return the builder of a version, with the start of the build; None if that is unknown."""
    held = lock.parse(version.metadata.building)
    return held.description if held else None


def status(
    pixels: Pixels,
    book: RecipeBook,
    base: str,
    listing: t.Sequence[Container],
    newest: Container | None,
    unfinished: t.Sequence[Container],
) -> str:
    """Return the status of a base: `ready`, `outdated`, `missing`, `building` or `interrupted`."""
    if any(not planner.is_interrupted(pixels, each) for each in unfinished):
        return BUILDING
    if newest is None:
        return INTERRUPTED if unfinished else MISSING
    if book.find(base) is None:
        return READY
    try:
        found, digest = planner.chain(pixels, book, base, listing)
    except NotFound:
        # The base below was destroyed. This one does not need it.
        return READY
    for recipe in found:
        digest = recipe.digest(digest)
    return READY if newest.metadata.recipe == digest else OUTDATED


def summarize_all(pixels: Pixels, book: RecipeBook, *, with_checkpoint: bool = False) -> list[dict[str, t.Any]]:
    """Return all bases of the NAS and all that have a recipe, sorted by name."""
    listing = pixels.list()
    on_nas = {each.metadata.base or "" for each in listing if base_versions.is_version(each)}
    return [
        summarize(pixels, book, name, listing, with_checkpoint=with_checkpoint)
        for name in sorted({*on_nas, *book.names()})
    ]
