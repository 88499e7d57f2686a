# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare bases with their recipes."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, NotFound
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.bases import lock
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import checkpoints, dataset_layout
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import recorded_origin
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import base_versions
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes import recipe as recipes

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.book import RecipeBook
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.recipe import Recipe
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

Listing = t.Sequence["Container"]


@dataclass(frozen=True)
class Link:
    """A base in the chain of bases that are built from one another."""

    recipe: Recipe
    digest: str
    newest: Container | None
    """The newest complete version."""
    outdated: bool
    """Whether a new version is to be built."""


@dataclass(frozen=True)
class BasePlan:
    """The changes to make to a base, and to those that it is built from."""

    links: tuple[Link, ...]
    """The root first, the base itself last. A base on the NAS without a recipe of the user is not among them."""
    superseded: tuple[Container, ...]
    """Earlier versions of these bases that no pixel was cloned from, in the order in which they can be destroyed."""
    interrupted: tuple[Container, ...]
    """Versions whose build was interrupted."""
    in_progress: tuple[Container, ...]
    """Versions that another client is building."""
    listing: Listing
    """All pixels but those whose build was interrupted."""

    @property
    def base(self) -> Link:
        """The base itself."""
        return self.links[-1]

    @property
    def to_build(self) -> Link | None:
        """The first base to build."""
        return next((link for link in self.links if link.outdated), None)

    @property
    def changes_description(self) -> bool:
        """Whether only the description of the newest version changes."""
        base = self.base
        return bool(
            not base.outdated
            and base.newest
            and (base.newest.metadata.description or "") != (base.recipe.description or "")
        )


def plan(pixels: Pixels, book: RecipeBook, name: str, listing: Listing, *, rebuild: bool = False) -> BasePlan:
    """Compare a base and those that it is built from with their recipes.

    `rebuild` builds the base again even if its recipe is that of the newest version. Raises `Invalid` for an unknown or
    a wrong recipe, and `NotFound` for a base to build from that neither exists nor has a recipe.
    """
    found, parent = chain(pixels, book, name, listing)
    links: list[Link] = []
    for recipe in found:
        is_base = recipe.name == name
        digest = recipe.digest(parent)
        newest = base_versions.newest(listing, recipe.name)
        outdated = newest is None or newest.metadata.recipe != digest or (is_base and rebuild)
        if is_base and newest and not outdated:
            # A checkpoint can be deleted like any other.
            outdated = base_versions.READY not in pixels.snapshots.labels(dataset_layout.dataset_of(pixels, newest))
        links.append(Link(recipe, digest, newest, outdated))
        parent = digest
    names = {link.recipe.name for link in links if link.outdated} | {name}
    unfinished = [each for each in listing if is_unfinished(each) and each.metadata.base in names]
    interrupted = [each for each in unfinished if is_interrupted(pixels, each)]
    return BasePlan(
        links=tuple(links),
        superseded=tuple(superseded(pixels, listing, {link.recipe.name for link in links})),
        interrupted=tuple(interrupted),
        in_progress=tuple(each for each in unfinished if each not in interrupted),
        listing=[each for each in listing if each not in interrupted],
    )


def is_unfinished(container: Container) -> bool:
    """Return whether a pixel is a version of a base that is not complete."""
    return base_versions.is_version(container) and not base_versions.is_complete(container)


def is_interrupted(pixels: Pixels, version: Container) -> bool:
    """Return whether the build of an unfinished version has ended."""
    held = lock.parse(version.metadata.building)
    return held is None or held.is_stale(pixels.now)


def chain(pixels: Pixels, book: RecipeBook, name: str, listing: Listing) -> tuple[list[Recipe], str | None]:
    """Return the recipes that a base is built from, the root first, and the digest of the base below the root, if any.

    A base on the NAS is used as it is, unless the user has declared a recipe for it.
    """
    found = [book.get(name)]
    while (source := found[0].source) is not None:
        if any(each.name == source for each in found):
            circle = " from ".join([*(each.name for each in reversed(found)), source])
            raise Invalid.in_field("from", f"invalid recipe of the base {name}", f"a circle: {circle}")
        declared = book.find_declared(source)
        existing = None if declared else base_versions.newest(listing, source)
        if existing:
            return found, existing.metadata.recipe
        known = declared or book.find(source)
        if known is None:
            raise NotFound(
                f"the base {name} is built from {source}, and there is neither a base nor a recipe of that name on "
                f"{pixels.nas}"
            )
        found.insert(0, known)
    return found, None


def superseded(pixels: Pixels, listing: Listing, bases: set[str]) -> list[Container]:
    """Return earlier versions of bases, and of those that they are built from, that no other pixel was cloned from.

    They are in the order in which they can be destroyed.
    """
    bases = set(bases)
    while below := {each for base in bases for each in bases_below(listing, base)} - bases:
        bases |= below
    earlier: dict[str, Container] = {}
    for base in sorted(bases):
        complete = [each for each in base_versions.versions(listing, base) if base_versions.is_complete(each)]
        earlier.update((each.name, each) for each in complete[:-1])
    clones = {name: clones_of(pixels, each) for name, each in earlier.items()}
    found: list[Container] = []
    while free := [name for name in earlier if clones[name] <= {each.name for each in found}]:
        found += [earlier.pop(name) for name in free]
    return found


def bases_below(listing: Listing, base: str) -> set[str]:
    """Return the bases that versions of a base were cloned from."""
    origins = (recorded_origin(each.metadata.origin) for each in base_versions.versions(listing, base))
    return {below for origin in origins if origin and (below := base_versions.base_of(origin.name))}


def clones_of(pixels: Pixels, version: Container) -> set[str]:
    """Return the names of the datasets that were cloned from a version of a base."""
    found = checkpoints.list_checkpoints(pixels, version)
    return {clone.rpartition("/")[2] for each in found for clone in each.clones}


def change(planned: BasePlan) -> Change:
    """Return the difference of a plan: for each base, its newest version, the recipe of that and its description."""
    before: dict[str, t.Any] = {}
    after: dict[str, t.Any] = {}
    for link in planned.links:
        name, newest = link.recipe.name, link.newest
        if newest:
            before[name] = after[name] = {
                "version": newest.name.bare,
                "recipe": recipes.shown(newest.metadata.recipe),
                "description": newest.metadata.description or "",
            }
        if link.outdated:
            after[name] = {
                "version": base_versions.next_name(planned.listing, name).bare,
                "recipe": recipes.shown(link.digest),
                "description": link.recipe.description,
            }
    if planned.changes_description:
        base = planned.base.recipe
        after[base.name] = {**after[base.name], "description": base.description}
    for each in (*planned.superseded, *planned.interrupted):
        before[each.name.bare] = "interrupted" if each in planned.interrupted else "superseded"
    return Change(before, after)
