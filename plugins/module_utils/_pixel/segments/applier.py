# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create or remove a segment: the bridge first, then the sysctls that close it.

A fault leaves the bridge as it was or complete, and the next run does what is missing.
"""

from __future__ import annotations

import typing as t
from contextlib import contextmanager

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments import (
    committer,
    isolation,
    safety,
    segment,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.host_network import HostNetwork
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PREFIX, PixelName
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.sysctls import Sysctl, Sysctls

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments.segment import (
        SegmentSpec,
        SegmentState,
    )

RESTART_TIMEOUT_S, STOP_TIMEOUT_S = 120.0, 30.0
"""For a pixel that a commit took off its bridge."""


class Applied(t.NamedTuple):
    """What was done in addition to the change."""

    restarted: tuple[str, ...]
    """Names of pixels that a commit took off their bridges."""
    unknown_sysctls: tuple[str, ...]
    """Sysctls that the NAS cannot set before it restarts."""


def apply(pixels: Pixels, found: SegmentState, spec: SegmentSpec) -> Applied:
    """Bring a segment to its specification. `safety.reject` must have accepted it."""
    restarted: tuple[str, ...] = ()
    mark = found.fingerprint
    if safety.needs_commit(found, spec):
        users = safety.interrupted(pixels, found, spec)
        with naming_segment(pixels, spec):
            if spec.state == "absent":
                mark_sysctls(pixels, found, mark)
            elif found.bridge is not None and not found.is_being_created:
                forget_uncommitted(pixels, found)
            is_pending = found.is_being_created or found.is_being_deleted
            committer.change(pixels, spec, mark, is_pending=is_pending)
        restarted = restart(pixels, users)
    with naming_sysctls(pixels, spec):
        if spec.state == "absent":
            for sysctl in (found.sysctls or {}).values():
                Sysctls(pixels.wire).delete(sysctl)
            return Applied(restarted, ())
        return Applied(restarted, set_sysctls(pixels, found, spec, mark) if found.can_set_sysctls else ())


def forget_uncommitted(pixels: Pixels, found: SegmentState) -> None:
    """Delete a bridge that is configured and not pending: the middleware restarted before its commit."""
    network = HostNetwork(pixels.wire)
    if found.bridge is not None and found.bridge.is_pending:
        network.delete(found.bridge.name)
        network.check_in()


def mark_sysctls(pixels: Pixels, found: SegmentState, mark: str) -> None:
    """Note in the sysctls of a bridge which changes are pending once it is deleted."""
    for sysctl in (found.sysctls or {}).values() if found.can_set_sysctls else ():
        if sysctl.comment != segment.note(mark):
            Sysctls(pixels.wire).update(sysctl, value=sysctl.value, comment=segment.note(mark))


def set_sysctls(pixels: Pixels, found: SegmentState, spec: SegmentSpec, mark: str) -> tuple[str, ...]:
    """Set the sysctls that close a bridge. Return those that the NAS cannot set before it restarts."""
    sysctls, known, unknown = Sysctls(pixels.wire), found.sysctls or {}, []
    for name, values in isolation.wanted_sysctls(spec.name).items():
        if name not in known:
            if not sysctls.create(Sysctl(name, values[0], segment.note(mark))):
                unknown.append(name)
        elif not isolation.is_set(known[name], values):
            sysctls.update(known[name], value=values[0], comment=known[name].comment)
    return tuple(unknown)


def restart(pixels: Pixels, names: t.Iterable[str]) -> tuple[str, ...]:
    """Restart the pixels among containers that a commit took off their bridges. Warn of the others."""
    restarted, others = [], []
    for name in names:
        if not name.startswith(PREFIX):
            others.append(name)
            continue
        try:
            pixels.containers.restart(PixelName(name), graceful=STOP_TIMEOUT_S, timeout=RESTART_TIMEOUT_S)
        except PixelsError as error:
            others.append(name)
            pixels.warn(f"{PixelName(name).bare} on {pixels.nas} could not be restarted: {error.message}")
        else:
            restarted.append(PixelName(name).bare)
    if others:
        pixels.warn(f"restart {safety.listed(others)} on {pixels.nas}: the change took the network from them")
    return tuple(restarted)


@contextmanager
def naming_segment(pixels: Pixels, spec: SegmentSpec) -> t.Iterator[None]:
    """Begin the message of each error with what was not done."""
    what = safety.failure(pixels, spec)
    try:
        yield
    except PixelsError as error:
        if not error.message.startswith(what):
            error.add_prefix(what)
        raise


@contextmanager
def naming_sysctls(pixels: Pixels, spec: SegmentSpec) -> t.Iterator[None]:
    """Begin the message of each error with the state of the bridge, and say what to do."""
    try:
        yield
    except PixelsError as error:
        done = (
            "was created, and its sysctls were not set"
            if spec.state == "present"
            else "was removed without its sysctls"
        )
        error.add_prefix(f"the segment {spec.name} on {pixels.nas} {done}")
        error.hints = error.hints or (Hint.run_again("to finish it"),)
        raise
