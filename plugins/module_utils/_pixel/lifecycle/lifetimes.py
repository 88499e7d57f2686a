# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extend lifetimes, and destroy the pixels that expired."""

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
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import fleet
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import PixelSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import lifetime

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Metadata

DESTROY, STOP, KEEP = "destroy", "stop", "keep"

WAIT_TIMEOUT_S = 600.0
UPDATE_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Expired:
    """A pixel whose lifetime has ended, and what is to be done with it."""

    container: Container
    action: str
    """`destroy`, `stop` or `keep`."""
    reason: str
    planned: fleet.Planned | None = None
    """The plan of the action; None for `keep`."""
    error: PixelsError | None = None
    """Why the action failed, or could not be planned."""

    @property
    def name(self) -> str:
        """Bare name."""
        return self.container.name.bare


def find_expired(pixels: Pixels, *, clones: str, options: ApplyOptions, concurrency: int) -> list[Expired]:
    """Return all expired pixels with what is to be done with each, which changes nothing.

    `clones` is the policy for clones of a pixel to destroy, as in `PixelSpec`.
    """
    listing = pixels.list()
    if not any(each.metadata.expires for each in listing):
        return []
    now = pixels.now
    due = [each for each in listing if (end := lifetime.expires(each)) and end <= now]
    kept = [each for each in due if each.metadata.protected]
    specs = [due_spec(each, now, clones=clones) for each in due if each not in kept]
    # What is suspended cannot stop gracefully.
    suspended = {each.name for each in due if each.suspended}
    killing = replace(options, force=True)
    members = [fleet.Member(spec, killing if spec.name in suspended else options, WAIT_TIMEOUT_S) for spec in specs]
    plans = fleet.plan(pixels, members, concurrency=concurrency, warn=pixels.warn, listing=listing)
    found = [Expired(each, KEEP, "it is protected") for each in kept]
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
    return (now.expires, now.ttl_keep, now.protected) != (then.expires, then.ttl_keep, None)


def extend(pixels: Pixels, name: str, duration: str) -> Container:
    """Let a pixel expire later, by a duration such as `2h` from now or from its end, or `never`. Return the pixel.

    Raises `Invalid` for another duration, and `Refused` for a pixel without a lifetime.
    """
    container = pixels.get(name)
    bare = container.name.bare
    if duration.strip().lower() == lifetime.NEVER:
        metadata = replace(container.metadata, ttl=None, expires=None, ttl_keep=None)
    else:
        seconds = lifetime.parse_duration("duration", duration)
        end = lifetime.expires(container)
        if end is None:
            raise Refused(f"{bare} on {pixels.nas} has no lifetime to extend").with_hints(
                Hint.advice("set the option ttl of pixels_container")
            )
        try:
            later = max(end, pixels.now) + datetime.timedelta(seconds=seconds)
        except OverflowError:
            raise Invalid.in_field("duration", f"cannot extend the lifetime of {bare}", "use never") from None
        metadata = replace(container.metadata, expires=lifetime.format_time(later))
    return record(pixels, container, metadata)


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
