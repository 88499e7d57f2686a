# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many pixels at once, over one session: each is planned and converged by itself, and one that fails stops no other."""

from __future__ import annotations

import contextlib
import functools
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import cloning, lifecycle, names
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

MOST_WAITING = 24
"""New pixels that are waited for beside those that are worked on."""

Say = t.Callable[[str], None]
T = t.TypeVar("T")


@dataclass(frozen=True)
class Member:
    """One pixel of a fleet, and how long it may take."""

    wanted: lifecycle.Wanted
    patience: lifecycle.Patience
    wait_timeout: float
    """Seconds, counted from when its turn comes."""


@dataclass(frozen=True)
class Planned:
    """What is to be done about one member; an error when that could not be found out."""

    member: Member
    found: lifecycle.Found | None = None
    change: Change | None = None
    error: PixelsError | None = None

    @property
    def name(self) -> str:
        return names.bare_name(self.member.wanted.name)


@dataclass(frozen=True)
class Outcome:
    """How it went with one member."""

    planned: Planned
    container: Container | None = None
    error: PixelsError | None = None

    @property
    def word(self) -> str:
        """C(failed), C(unchanged), C(created), C(destroyed) or C(changed)."""
        change = self.planned.change
        if self.error or change is None:
            return "failed"
        if not change.needed:
            return "unchanged"
        return "created" if change.before is None else "destroyed" if change.after is None else "changed"


def refuse_doubles(members: t.Sequence[Member]) -> None:
    """Raises C(Invalid): a pixel that is listed twice cannot be two things at once."""
    listed = [member.wanted.name for member in members]
    twice = sorted({names.bare_name(name) for name in listed if listed.count(name) > 1})
    if twice:
        raise Invalid(f"listed more than once: {', '.join(twice)}", fields=(("pixels", "listed more than once"),))


def leftovers(pixels: Pixels, fleet: str, members: t.Sequence[Member], *, patience: lifecycle.Patience) -> list[Member]:
    """Members to be destroyed: those that carry the mark of this fleet and are not listed any more."""
    listed = {member.wanted.name for member in members}
    return [
        Member(lifecycle.Wanted(container.name, state="absent"), patience, wait_timeout=600)
        for container in pixels.list()
        if container.marks.fleet == fleet and container.name not in listed
    ]


def plan(pixels: Pixels, members: t.Sequence[Member], *, concurrency: int, warn: Say) -> list[Planned]:
    """Compare all of them with what is there: one query for their records, whatever their number."""
    there = {container.name: container for container in pixels.list()}
    default_nic = once(lambda: lifecycle.detect_nic(pixels, warn))
    sources = cloning.Sources(pixels)
    going = frozenset(member.wanted.name for member in members if member.wanted.state == "absent")

    def plan_one(member: Member) -> Planned:
        member = replace(member, wanted=replace(member.wanted, going=going))
        try:
            container = there.get(member.wanted.name)
            found = lifecycle.look(pixels, member.wanted, container) if container else None
            wanted = lifecycle.complete(pixels, member.wanted, found, default_nic=default_nic, sources=sources)
            return Planned(replace(member, wanted=wanted), found, lifecycle.plan(found, wanted))
        except PixelsError as error:
            return Planned(member, error=error)

    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        return list(pool.map(plan_one, members))


def once(ask: t.Callable[[], T]) -> t.Callable[[], T]:
    """The first who needs an answer asks, in whichever thread; the others wait for it, and take the same."""
    alone = threading.Lock()
    answer = functools.cache(ask)

    def asked() -> T:
        with alone:
            return answer()

    return asked


def converge(pixels: Pixels, plans: t.Sequence[Planned], *, concurrency: int, say: Say) -> list[Outcome]:
    """Do what the plans say, C(concurrency) of them at a time, and return how each went, in the order of the plans.

    A new one does not count while it is only waited for: the NAS has nothing to do for it, and nobody uses it yet.
    """
    turn = threading.Semaphore(concurrency)

    def converge_one(planned: Planned) -> Outcome:
        if planned.error or planned.change is None:
            return Outcome(planned, error=planned.error)
        member, change = planned.member, planned.change
        with contextlib.ExitStack() as held:
            held.enter_context(turn)
            deadline = Deadline(member.wait_timeout)
            try:
                if change.needed:
                    lifecycle.converge(
                        *(pixels, change, planned.found, member.wanted),
                        patience=member.patience,
                        deadline=deadline,
                        progress=lambda step: say(f"{planned.name}: {step.percent} % {step.description}"),
                    )
                if change.before is None:
                    held.close()
                container = lifecycle.arrive(
                    *(pixels, change, planned.found, member.wanted), patience=member.patience, deadline=deadline
                )
            except PixelsError as error:
                outcome = Outcome(planned, planned.found.container if planned.found else None, error)
            else:
                outcome = Outcome(planned, container)
        say(f"{planned.name}: {outcome.word}")
        return outcome

    with ThreadPoolExecutor(max_workers=concurrency + MOST_WAITING) as pool:
        return list(pool.map(converge_one, plans))
