# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destroy all versions of a base."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.bases import lock, planner
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import applier
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import planner as lifecycle
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import CurrentState, PixelSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import base_versions

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container


@dataclass(frozen=True)
class Removal:
    """A version to destroy."""

    spec: PixelSpec
    found: CurrentState
    change: Change


def plan(pixels: Pixels, base: str, *, clones: str) -> list[Removal]:
    """Return the versions of a base to destroy, the newest first; none if the base does not exist.

    `clones` is the policy for clones, as in `PixelSpec`. Raises `Refused` for a version that another client builds, and
    for one with clones that the policy protects.
    """
    versions = base_versions.versions(pixels.list(), base)[::-1]
    names = frozenset(each.name for each in versions)
    planned = []
    with trying(f"destroying the base {base} on {pixels.nas}"):
        for each in versions:
            reject_in_progress(pixels, each)
        for each in versions:
            spec = PixelSpec(each.name, state="absent", clones=clones, unprotect=True, also_destroyed=names)
            found = lifecycle.inspect(pixels, spec, each)
            if found:
                planned.append(Removal(spec, found, lifecycle.plan(found, spec)))
    return planned


def reject_in_progress(pixels: Pixels, version: Container) -> None:
    """Raise `Refused` for a version that another client is building."""
    if not planner.is_unfinished(version) or planner.is_interrupted(pixels, version):
        return
    held = lock.parse(version.metadata.building)
    by = held.description if held else "another client"
    raise Refused(f"{version.name.bare} is being built by {by}, and nothing was changed").with_hints(
        Hint.run_again("once that has ended"), Hint.state("absent", version.name.bare, "if it has ended already")
    )


def change(planned: t.Sequence[Removal]) -> Change:
    """Return the difference."""
    return Change({each.spec.name.bare: each.found.container.status for each in planned}, {})


def apply(pixels: Pixels, planned: t.Sequence[Removal], *, options: ApplyOptions, deadline: Deadline) -> None:
    """Destroy the versions."""
    for each in planned:
        applier.apply(pixels, each.change, each.found, each.spec, options=options, deadline=deadline)
