# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extend lifetimes, destroy the pixels that expired, and stop those that are idle."""

from __future__ import annotations

import datetime
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    PixelsError,
    Refused,
    Unsupported,
    may_still_happen,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import fleet, idle
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import PixelSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import base_versions, lifetime

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Metadata

DESTROY, STOP, KEEP = "destroy", "stop", "keep"

ANSWER_WITHIN_S = 10.0
"""Seconds that the NAS may take to report when a pixel expires, while the user waits for the error."""

WAIT_TIMEOUT_S = 600.0
UPDATE_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Expired:
    """A pixel whose lifetime has ended, or that can be stopped when it is idle, and what is to be done with it."""

    container: Container
    action: str
    """`destroy`, `stop` or `keep`."""
    reason: str
    planned: fleet.Planned | None = None
    """The plan of the action; None for `keep`."""
    error: PixelsError | None = None
    """Why the action failed, or could not be planned."""
    idle_limit_s: int | None = None
    """Seconds of a pixel that is to be stopped because it is idle."""

    @property
    def name(self) -> str:
        """Bare name."""
        return self.container.name.bare


def find_due(
    pixels: Pixels, *, clones: str, options: ApplyOptions, concurrency: int, dry_run: bool = False
) -> list[Expired]:
    """Return all expired and idle pixels with what is to be done with each, which changes nothing on the NAS.

    `clones` is the policy for clones of a pixel to destroy, as in `PixelSpec`. With `dry_run`, pixels that are not idle
    for long enough are returned as well, and the measurement leaves no trace in them.
    """
    listing = pixels.list()
    expired = find_expired(pixels, listing, clones=clones, options=options, concurrency=concurrency)
    others = [each for each in listing if each.name not in {one.container.name for one in expired}]
    idle_pixels = find_idle(pixels, others, options=options, concurrency=concurrency, keep=not dry_run)
    shown = [each for each in idle_pixels if dry_run or each.error or each.action != KEEP]
    return sorted([*expired, *shown], key=lambda each: each.name)


def find_idle(
    pixels: Pixels, listing: t.Sequence[Container], *, options: ApplyOptions, concurrency: int, keep: bool
) -> list[Expired]:
    """Return the running pixels with a limit of their idle time, and which of them are to be stopped."""
    limits = {each.name: limit for each in listing if each.running and (limit := idle.limit(each))}
    measured = [each for each in listing if each.name in limits]
    if not measured:
        return []

    def measure(container: Container) -> Expired:
        limit_s = limits[container.name]
        try:
            activity = idle.measure(pixels, container, keep=keep)
        except PixelsError as error:
            return Expired(container, KEEP, "its activity is unknown", error=error)
        action = STOP if activity.idle_s >= limit_s else KEEP
        return Expired(container, action, activity.describe(limit_s), idle_limit_s=limit_s)

    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        found = list(pool.map(measure, measured))
    specs = [PixelSpec(each.container.name, state="stopped") for each in found if each.action == STOP]
    members = [fleet.Member(spec, options, WAIT_TIMEOUT_S) for spec in specs]
    plans = fleet.plan(pixels, members, concurrency=concurrency, warn=pixels.warn, listing=listing) if members else []
    planned = {each.member.spec.name: each for each in plans}
    return [with_plan(each, planned.get(each.container.name)) for each in found]


def with_plan(found: Expired, planned: fleet.Planned | None) -> Expired:
    """Return an idle pixel with the plan to stop it, or the error that prevents it."""
    if planned is None or planned.error:
        return replace(found, action=KEEP, error=found.error or (planned.error if planned else None))
    return replace(found, planned=planned)


def find_expired(
    pixels: Pixels, listing: t.Sequence[Container], *, clones: str, options: ApplyOptions, concurrency: int
) -> list[Expired]:
    """Return all expired pixels with what is to be done with each, which changes nothing."""
    if not any(each.metadata.expires for each in listing):
        return []
    now = pixels.now
    due = [each for each in listing if (end := lifetime.expires(each)) and end <= now]
    kept = {each.name: "it is protected" for each in due if each.metadata.protected}
    kept |= {each.name: "it is a base" for each in due if base_versions.is_version(each)}
    specs = [due_spec(each, now, clones=clones) for each in due if each.name not in kept]
    # What is suspended cannot stop gracefully.
    suspended = {each.name for each in due if each.suspended}
    killing = replace(options, force=True)
    members = [fleet.Member(spec, killing if spec.name in suspended else options, WAIT_TIMEOUT_S) for spec in specs]
    plans = fleet.plan(pixels, members, concurrency=concurrency, warn=pixels.warn, listing=listing)
    found = [Expired(each, KEEP, kept[each.name]) for each in due if each.name in kept]
    containers = {each.name: each for each in due}
    found += [planned_action(containers[planned.member.spec.name], planned, now) for planned in plans]
    return sorted(found, key=lambda each: each.name)


def due_spec(container: Container, now: datetime.datetime, *, clones: str) -> PixelSpec:
    """Return the specification of an expired pixel: stopped while it is kept, then absent."""
    end = lifetime.kept_until(container.metadata)
    if end is None or now < end:
        return PixelSpec(container.name, state="stopped", autostart=False)
    return PixelSpec(container.name, state="absent", clones=clones)


def planned_action(container: Container, planned: fleet.Planned, now: datetime.datetime) -> Expired:
    """Return what is to be done with an expired pixel that is not protected."""
    end = t.cast(datetime.datetime, lifetime.expires(container))
    since = f"it expired {lifetime.format_duration((now - end).total_seconds())} ago"
    if isinstance(planned.error, (Refused, Unsupported)):
        # Such as a pixel that others were cloned from: it is kept until they are gone.
        return Expired(container, KEEP, str(planned.error))
    if planned.error:
        return Expired(container, KEEP, since, error=planned.error)
    if planned.member.spec.state == "absent":
        return Expired(container, DESTROY, since, planned)
    kept_until = lifetime.kept_until(container.metadata)
    until = lifetime.format_time(kept_until) if kept_until else "it is destroyed by hand"
    if planned.change and planned.change.needed:
        return Expired(container, STOP, f"{since} and is kept until {until}", planned)
    return Expired(container, KEEP, f"{since} and is kept until {until}")


def reap(
    pixels: Pixels, expired: t.Sequence[Expired], *, concurrency: int, say: t.Callable[[str], None]
) -> list[Expired]:
    """Destroy or stop the expired pixels, and return what was done with each."""

    def reap_one(each: Expired) -> Expired:
        if each.planned is None:
            return each
        try:
            # Just before it is destroyed: others may have extended or protected it since.
            if has_changed(each.container, pixels.containers.find(each.container.name)):
                return replace(each, action=KEEP, reason="it was changed meanwhile", planned=None)
            if each.idle_limit_s is not None:
                activity = idle.measure(pixels, each.container, keep=True)
                if activity.idle_s < each.idle_limit_s:
                    return replace(each, action=KEEP, reason=activity.describe(each.idle_limit_s), planned=None)
        except PixelsError as error:
            return replace(each, error=error)
        return replace(each, error=fleet.apply(pixels, [each.planned], concurrency=1, say=say)[0].error)

    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        return list(pool.map(reap_one, expired))


def has_changed(container: Container, current: Container | None) -> bool:
    """Return whether an expired pixel that is not protected was extended, protected or destroyed since it was found."""
    if current is None:
        return True
    then, now = container.metadata, current.metadata
    if (now.expires, now.ttl_keep, now.idle_stop) != (then.expires, then.ttl_keep, then.idle_stop):
        return True
    return now.protected != then.protected


def extend(pixels: Pixels, name: str, end: str) -> Container:
    """Let a pixel expire at a time, or later by a duration such as `2h` from now or from its end, or `never`.

    Returns the pixel. Raises `Invalid` for another value, and `Refused` for a pixel without a lifetime.
    """
    container = pixels.get(name)
    bare = container.name.bare
    if end.strip().lower() == lifetime.NEVER:
        metadata = replace(container.metadata, ttl=None, expires=None, ttl_keep=None)
    else:
        current = lifetime.expires(container)
        # Only a duration is added again when it is repeated.
        moment = lifetime.parse_ttl(end) if "-" in end else None
        seconds = 0 if moment else lifetime.parse_duration("duration", end)
        if current is None:
            raise Refused(f"{bare} on {pixels.nas} has no lifetime to extend").with_hints(
                Hint.advice("set the option ttl of pixels_container")
            )
        if moment:
            with trying(f"cannot change the lifetime of {bare} on {pixels.nas}"):
                lifetime.reject_past("duration", moment, pixels.now)
        try:
            later = max(current, pixels.now) + datetime.timedelta(seconds=seconds)
        except OverflowError:
            raise Invalid.in_field("duration", f"cannot extend the lifetime of {bare}", "use never") from None
        metadata = replace(container.metadata, expires=moment or lifetime.format_time(later))
    try:
        return record(pixels, container, metadata)
    except PixelsError as error:
        if may_still_happen(error) and recorded_end(pixels, container, metadata.expires, error):
            return replace(container, metadata=metadata)
        raise


def recorded_end(pixels: Pixels, container: Container, wanted: str | None, error: PixelsError) -> bool:
    """Return whether a new end was recorded after all. If not, add the recorded one and a safe command to the error.

    The same duration would be added to whichever end is recorded by then.
    """
    bare = container.name.bare
    try:
        found = pixels.containers.find(container.name, timeout=ANSWER_WITHIN_S)
        if found and found.metadata.expires == wanted:
            return True
        end = f"expires at {found.metadata.expires}" if found and found.metadata.expires else "does not expire"
        now = f"{bare} {end} now" if found else f"{bare} does not exist now"
        error.add_suffix(f"{now}, which may still change: the NAS may still execute the request")
    except PixelsError as another:
        error.add_suffix(f"When {bare} expires could not be read ({another.message})")
    error.hints = (Hint.advice(f"run pixels extend {bare} {wanted or lifetime.NEVER}, which may be repeated"),)
    return False


def protect(pixels: Pixels, name: str, *, protected: bool) -> Container:
    """Protect a pixel from being destroyed and restored, or end that. Return the pixel."""
    container = pixels.get(name)
    return record(pixels, container, replace(container.metadata, protected="yes" if protected else None))


def record(pixels: Pixels, container: Container, metadata: Metadata) -> Container:
    """Record metadata with a pixel, and return the pixel with it."""
    if metadata != container.metadata:
        with trying(f"changing {container.name.bare} on {pixels.nas}"):
            settings = {"environment": container.environment, "metadata": metadata}
            pixels.containers.update(container.name, settings, timeout=UPDATE_TIMEOUT_S)
    return replace(container, metadata=metadata)
