# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create a pixel from the recipe of a base, on a NAS that cannot clone the base.

The scripts of the recipe and of those below run in the new pixel. Its metadata record that until they have succeeded;
the next run with the same source runs them again.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import RUNNING_STATES
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.book import RecipeBook
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import readiness

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import PixelSpec
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Metadata

UNFINISHED = "recipe"
"""The value of `Metadata.building` until all scripts have succeeded."""
UPDATE_TIMEOUT_S = 60.0


def resolve(pixels: Pixels, spec: PixelSpec, container: Container | None) -> PixelSpec:
    """Return the specification with the recipe of the base that it names, where the NAS cannot clone one.

    `container` is the existing pixel, which is set up if that was interrupted. Raises `Invalid`.
    """
    origin = spec.origin
    if origin is None or origin.base is None or not pixels.containers.no_swap_reason:
        return spec
    if container and container.metadata.building != UNFINISHED:
        return spec
    bare = spec.name.bare
    if spec.state not in RUNNING_STATES:
        problem = f"its recipe is applied to {bare}, which requires a running pixel. Set state to started"
        raise Invalid.in_field("from", f"cannot clone {origin} on {pixels.nas}", problem)
    chain = RecipeBook(pixels.defaults.bases).chain(origin.base)
    pixels.warn(f"{pixels.nas} cannot clone {origin}: its recipe is applied to {bare}")
    setup = tuple((recipe.name, recipe.setup or "true") for recipe in chain)
    if container:
        return replace(spec, setup=setup)
    policies = [recipe.egress for recipe in chain if recipe.egress]
    return replace(
        spec, setup=setup, image=spec.image or chain[0].image, egress=spec.egress or next(reversed(policies), None)
    )


def unfinished(spec: PixelSpec, metadata: Metadata) -> Metadata:
    """Return the metadata of a new pixel that is to be set up."""
    return replace(metadata, origin=str(spec.origin), building=UNFINISHED)


def set_up(pixels: Pixels, spec: PixelSpec, *, deadline: Deadline) -> None:
    """Run the scripts in a running pixel, and record that they have succeeded."""
    if not spec.setup:
        return
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes import setup_script

    for step in ("address", "ready"):
        readiness.wait_for(pixels, spec.name, step, deadline=deadline)
    for name, script in spec.setup:
        setup_script.run(pixels, spec.name, script, step=setup_script.step_of(name), timeout=deadline.left)
    made = pixels.get(spec.name)
    settings = {"environment": made.environment, "metadata": replace(made.metadata, building=None)}
    pixels.containers.update(spec.name, settings, timeout=max(deadline.left, UPDATE_TIMEOUT_S))
