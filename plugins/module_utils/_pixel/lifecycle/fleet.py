# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan and apply several pixels in parallel over one session. A pixel that fails does not stop the others."""

from __future__ import annotations

import contextlib
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import SourceCache
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.single_flight import SingleFlight
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import applier, defaults, network, planner
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import CurrentState, PixelSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Nic

MAX_WAITING = 24
"""New pixels to wait for in parallel, in addition to those that the NAS works on."""

Say = t.Callable[[str], None]


@dataclass(frozen=True)
class Member:
    """A pixel of a fleet, with its options."""

    spec: PixelSpec
    options: ApplyOptions
    wait_timeout: float
    """Seconds, counted from the start of work on this pixel."""


@dataclass(frozen=True)
class Planned:
    """The plan of a member, or the error that prevented it."""

    member: Member
    found: CurrentState | None = None
    change: Change | None = None
    error: PixelsError | None = None
    removal: Planned | None = None
    """The plan to destroy the present pixel, which is applied first; None for a pixel that is not replaced."""

    @property
    def name(self) -> str:
        """Bare name."""
        return self.member.spec.name.bare


@dataclass(frozen=True)
class Outcome:
    """The result of applying a plan."""

    planned: Planned
    container: Container | None = None
    error: PixelsError | None = None
    skipped: str | None = None
    """Why the plan was not applied; None if it was."""

    @property
    def result(self) -> str:
        """`failed`, `unchanged`, `created`, `replaced`, `destroyed` or `changed`."""
        change = self.planned.change
        if self.error or change is None:
            return "failed"
        if self.skipped:
            return "unchanged"
        if self.planned.removal:
            return "replaced"
        if not change.needed:
            return "unchanged"
        return "created" if change.before is None else "destroyed" if change.after is None else "changed"


def reject_duplicates(members: t.Sequence[Member]) -> None:
    """Raise `Invalid` for a pixel that is listed more than once."""
    listed = [member.spec.name for member in members]
    duplicates = sorted({name.bare for name in listed if listed.count(name) > 1})
    if duplicates:
        raise Invalid(f"listed more than once: {', '.join(duplicates)}", fields=(("pixels", "listed more than once"),))


def unlisted_members(pixels: Pixels, fleet: str, members: t.Sequence[Member], *, options: ApplyOptions) -> list[Member]:
    """Return members to destroy: pixels with the metadata of this fleet that are no longer listed."""
    listed = {member.spec.name for member in members}
    return [
        Member(PixelSpec(container.name, state="absent"), options, wait_timeout=600)
        for container in pixels.list()
        if container.metadata.fleet == fleet and container.name not in listed
    ]


def plan(
    pixels: Pixels,
    members: t.Sequence[Member],
    *,
    concurrency: int,
    warn: Say,
    listing: t.Sequence[Container] | None = None,
) -> list[Planned]:
    """Compare all members with their current state. One query reads all records, unless `listing` has them."""
    current = {container.name: container for container in (pixels.list() if listing is None else listing)}
    nics: SingleFlight[str, Nic | None] = SingleFlight()
    sources = SourceCache(pixels)
    also_destroyed = frozenset(member.spec.name for member in members if member.spec.state == "absent")

    def default_nic() -> Nic | None:
        return nics.get(pixels.nas, lambda: network.detect_nic(pixels, warn))

    def plan_one(member: Member) -> Planned:
        member = replace(member, spec=replace(member.spec, also_destroyed=also_destroyed))
        try:
            container = current.get(member.spec.name)
            found = planner.inspect(pixels, member.spec, container) if container else None
            spec = defaults.resolve_defaults(pixels, member.spec, found, default_nic=default_nic, sources=sources)
            return Planned(replace(member, spec=spec), found, planner.plan(found, spec))
        except PixelsError as error:
            return Planned(member, error=error)

    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        return list(pool.map(plan_one, members))


def predict(pixels: Pixels, plans: t.Sequence[Planned], *, warn: Say) -> list[Outcome]:
    """Return the outcomes of plans in check mode, with the pixels as they are now."""
    # Only here: it is for check mode alone.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.image_check import ImageCheck

    images = ImageCheck(pixels, warn)

    def error(planned: Planned) -> PixelsError | None:
        is_new = planned.found is None and planned.change is not None and planned.change.needed
        return images.error(planned.member.spec) if is_new else planned.error

    return [Outcome(each, each.found.container if each.found else None, error(each)) for each in plans]


def apply(pixels: Pixels, plans: t.Sequence[Planned], *, concurrency: int, say: Say) -> list[Outcome]:
    """Apply plans, `concurrency` of them at a time, and return the outcomes in the order of the plans.

    A new pixel does not count during the wait for its address or SSH server, when the NAS does not work on it.
    """
    slots = threading.Semaphore(concurrency)

    def apply_one(planned: Planned) -> Outcome:
        if planned.error or planned.change is None:
            return Outcome(planned, error=planned.error)
        member, change = planned.member, planned.change
        found = None if planned.removal else planned.found
        with contextlib.ExitStack() as held:
            held.enter_context(slots)
            deadline = Deadline(member.wait_timeout)
            try:
                if planned.removal:
                    remove(pixels, planned.removal, deadline)
                if change.needed:
                    applier.apply(
                        *(pixels, change, found, member.spec),
                        options=member.options,
                        deadline=deadline,
                        progress=lambda step: say(f"{planned.name}: {step.percent} % {step.description}"),
                    )
                if change.before is None:
                    held.close()
                container = applier.wait_for_state(
                    *(pixels, change, found, member.spec), options=member.options, deadline=deadline
                )
            except PixelsError as error:
                outcome = Outcome(planned, planned.found.container if planned.found else None, error)
            else:
                outcome = Outcome(planned, container)
        say(f"{planned.name}: {outcome.result}")
        return outcome

    with ThreadPoolExecutor(max_workers=concurrency + MAX_WAITING) as pool:
        return list(pool.map(apply_one, plans))


def remove(pixels: Pixels, planned: Planned, deadline: Deadline) -> None:
    """Destroy a pixel that is replaced."""
    if planned.change:
        spec = planned.member.spec
        applier.apply(pixels, planned.change, planned.found, spec, options=planned.member.options, deadline=deadline)
