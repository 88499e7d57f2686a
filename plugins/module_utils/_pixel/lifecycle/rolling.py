# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace the members of a fleet that cannot be changed, batch by batch, while the others are healthy."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, PixelsError, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import fleet
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.planner import Immutable
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import RUNNING_STATES

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container


@dataclass(frozen=True)
class Rolling:
    """How members are replaced."""

    batch_size: int = 1
    health_command: tuple[str, ...] = ()
    """A command that succeeds in a healthy pixel; empty if all pixels are."""
    health_timeout: float = 60.0
    """Seconds within which the command has to succeed."""

    def __post_init__(self) -> None:
        """Raise `Invalid` for a batch without members."""
        if self.batch_size < 1:
            raise Invalid.in_field("batch_size", "batch_size is invalid", "set it to 1 or more")


def plan(
    pixels: Pixels, members: t.Sequence[fleet.Member], *, concurrency: int, warn: fleet.Say
) -> list[fleet.Planned]:
    """Plan all members as `fleet.plan` does, and those that cannot be changed to be replaced."""
    listing = pixels.list()
    plans = fleet.plan(pixels, members, concurrency=concurrency, warn=warn, listing=listing)
    outdated = {each.member.spec.name: each.member for each in plans if isinstance(each.error, Immutable)}
    if not outdated:
        return plans
    absent = [replace(each, spec=replace(each.spec, state="absent")) for each in outdated.values()]
    removals = fleet.plan(pixels, absent, concurrency=concurrency, warn=warn, listing=listing)
    others = [each for each in listing if each.name not in outdated]
    created = fleet.plan(pixels, list(outdated.values()), concurrency=concurrency, warn=warn, listing=others)
    replacements = {
        new.member.spec.name: replace(new, found=old.found, removal=old, error=old.error or new.error)
        for old, new in zip(removals, created, strict=True)
    }
    return [replacements.get(each.member.spec.name, each) for each in plans]


def apply(
    pixels: Pixels, plans: t.Sequence[fleet.Planned], rolling: Rolling, *, concurrency: int, say: fleet.Say
) -> list[fleet.Outcome]:
    """Apply the plans, those of members to replace last and in batches, and return the outcomes in their order.

    A failure, also of a member that is not replaced, stops the roll: the members that are left are unchanged.
    """
    replaced = [each for each in plans if each.removal]
    others = [each for each in plans if not each.removal]
    outcomes = fleet.apply(pixels, others, concurrency=concurrency, say=say)
    if replaced:
        outcomes = with_health(pixels, outcomes, rolling)
    failed = next((each.name for each in replaced if each.error), first_failure(outcomes))
    for start in range(0, len(replaced), rolling.batch_size):
        batch = replaced[start : start + rolling.batch_size]
        if failed:
            outcomes += [skip(each, f"not replaced, because {failed} failed") for each in batch]
            continue
        say(f"replacing {', '.join(each.name for each in batch)}")
        done = with_health(pixels, fleet.apply(pixels, batch, concurrency=concurrency, say=say), rolling)
        outcomes += done
        failed = first_failure(done)
    by_name = {each.planned.member.spec.name: each for each in outcomes}
    return [by_name[each.member.spec.name] for each in plans]


def first_failure(outcomes: t.Iterable[fleet.Outcome]) -> str | None:
    """Return the name of the first member that failed."""
    return next((each.planned.name for each in outcomes if each.error), None)


def skip(planned: fleet.Planned, reason: str) -> fleet.Outcome:
    """Return the outcome of a member that is not replaced, or the error of its plan."""
    container = planned.found.container if planned.found else None
    return fleet.Outcome(planned, container, planned.error, skipped=None if planned.error else reason)


def with_health(pixels: Pixels, outcomes: t.Sequence[fleet.Outcome], rolling: Rolling) -> list[fleet.Outcome]:
    """Return the outcomes with an error for each running pixel in which the health command does not succeed."""

    def check(outcome: fleet.Outcome) -> fleet.Outcome:
        runs = outcome.container is not None and outcome.container.running
        if outcome.error or not runs or outcome.planned.member.spec.state not in RUNNING_STATES:
            return outcome
        try:
            check_health(pixels, t.cast("Container", outcome.container), rolling)
        except PixelsError as error:
            return replace(outcome, error=error)
        return outcome

    if not rolling.health_command or not outcomes:
        return list(outcomes)
    with ThreadPoolExecutor(max_workers=min(len(outcomes), fleet.MAX_WAITING)) as pool:
        return list(pool.map(check, outcomes))


def check_health(pixels: Pixels, container: Container, rolling: Rolling) -> None:
    """Run the health command in a pixel until it succeeds. Raises `Refused` with its output."""
    deadline = Deadline(rolling.health_timeout)
    last = "it did not run"
    bare = container.name.bare

    def succeeds() -> bool | None:
        nonlocal last
        with WebShellClient(pixels, container.name) as shell:
            command = Command(rolling.health_command)
            result = scripts.run_command(shell, command, timeout=max(deadline.left, 1.0))
        last = f"exit status {result.rc}: {scripts.output_tail(result.stdout + result.stderr)}"
        return True if result.rc == 0 else None

    with trying(f"checking the health of {bare} on {pixels.nas}"):
        if deadline.wait_until(succeeds) is None:
            raise Refused(f"the health command did not succeed within {rolling.health_timeout:g} s ({last})")


def summary(outcomes: t.Sequence[fleet.Outcome]) -> str:
    """Return which members the roll has replaced and which it has not; empty unless it was stopped."""
    skipped = [each.planned.name for each in outcomes if each.skipped]
    if not skipped:
        return ""
    done = [each.planned.name for each in outcomes if each.result == "replaced"]
    return f"Replaced: {', '.join(done) or 'none'}. Not replaced: {', '.join(skipped)}"
