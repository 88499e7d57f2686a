# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commit a change of the network of a NAS, prove with a new login that the NAS answers, and check in.

Without the check-in, the NAS takes the change back. It is never asked to: `interface.rollback` of TrueNAS configures
all interfaces again. Before a commit, pending changes are undone by their reverse and a check-in, which touches no
interface.
"""

from __future__ import annotations

import time
import typing as t
from contextlib import contextmanager

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    OutcomeUnknown,
    PixelsError,
    RateLimited,
    Refused,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments import safety, segment
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.host_network import HostNetwork

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments.segment import SegmentSpec

UNREACHABLE = (ConnectionFailed, OutcomeUnknown, TimedOut, RateLimited)
"""Errors after which another attempt at a login may succeed."""

CHECKIN_RESERVE_S = 3.0
"""Seconds before the end of the timeout after which no check-in is attempted."""
RETRY_PAUSE_S = 1.0

DONE, NOTHING, TAKEN_BACK = "done", "nothing", "taken back"
"""The result of a commit: it is checked in, it did not happen, or the NAS has taken it back."""


def change(pixels: Pixels, spec: SegmentSpec, mark: str, *, is_pending: bool) -> None:
    """Create or delete the bridge of a segment. `mark` is the fingerprint of the rest of the network configuration.

    With `is_pending`, the pending changes do so already: an earlier run was interrupted.
    """
    network = HostNetwork(pixels.wire)
    with undoing(pixels, spec, mark):
        lost = None
        if not is_pending:
            forward(network, spec, mark)
        if not is_pending or network.seconds_to_check_in() is None:
            safety.reject_commit(pixels, spec, mark)
            lost = commit(network, spec)
        result = check_in(pixels, spec)
        if result == NOTHING:
            raise lost or Refused(f"{safety.failure(pixels, spec)}: the NAS did not apply the change")
    if result == TAKEN_BACK:
        problem = f"{safety.failure(pixels, spec)}: the NAS has taken the change of its network back"
        raise Refused(problem).with_hints(Hint.run_again())


def forward(network: HostNetwork, spec: SegmentSpec, mark: str) -> None:
    """Add the change to the pending ones."""
    if spec.state == "present":
        network.create_bridge(spec.name, segment.note(mark))
    else:
        network.delete(spec.name)


def backward(network: HostNetwork, spec: SegmentSpec, mark: str) -> None:
    """Take the change from the pending ones."""
    if spec.state == "present":
        network.delete(spec.name)
    else:
        network.create_bridge(spec.name, segment.note(mark))


def is_applied(network: HostNetwork, spec: SegmentSpec) -> bool:
    """Return whether the NAS has the bridge, or no longer has it, as the specification says."""
    there = any(each.name == spec.name and not each.is_pending for each in network.interfaces())
    return there == (spec.state == "present")


def is_configured(network: HostNetwork, spec: SegmentSpec) -> bool:
    """Return whether the configuration has the bridge, whether or not it is pending."""
    return any(each.name == spec.name for each in network.interfaces())


def commit(network: HostNetwork, spec: SegmentSpec) -> PixelsError | None:
    """Commit all pending changes. Return the error if the outcome is unknown: the commit may cut the connection."""
    try:
        network.commit(checkin_timeout_s=spec.checkin_timeout_s)
    except UNREACHABLE as error:
        return error
    return None


def check_in(pixels: Pixels, spec: SegmentSpec) -> str:
    """Log in again, and keep the commit. Return the result.

    Raises `Unproven` if no login succeeds before the NAS takes the change back.
    """
    end = time.monotonic() + spec.checkin_timeout_s - CHECKIN_RESERVE_S
    while True:
        try:
            with pixels.log_in() as fresh:
                network = HostNetwork(fresh)
                if network.seconds_to_check_in() is not None:
                    network.check_in()
                    return DONE
                if network.has_pending_changes():
                    return NOTHING
                # Checked in by an attempt whose reply was lost, or taken back.
                return DONE if is_applied(network, spec) else TAKEN_BACK
        except UNREACHABLE as error:
            if time.monotonic() + RETRY_PAUSE_S >= end:
                raise Unproven(pixels, spec, error) from error
        time.sleep(RETRY_PAUSE_S)


class Unproven(Refused):
    """No new login to the NAS succeeded after a commit, which it therefore takes back."""

    def __init__(self, pixels: Pixels, spec: SegmentSpec, error: PixelsError) -> None:
        super().__init__(
            f"{safety.failure(pixels, spec)}: {pixels.nas} accepted no new login within {spec.checkin_timeout_s} s "
            f"after the change of its network, and takes the change back automatically ({error.message})"
        )
        self.hints = (Hint.run_again(after="wait until it answers, and check its network"),)


@contextmanager
def undoing(pixels: Pixels, spec: SegmentSpec, mark: str) -> t.Iterator[None]:
    """Take the change from the pending ones if an error is raised inside, unless a commit may have applied it."""
    try:
        yield
    except Unproven:
        raise
    except PixelsError as error:
        try:
            undo(pixels, spec, mark)
        except PixelsError:
            error.add_suffix(f"The change of {spec.name} may still be pending there")
            error.hints = error.hints or (Hint.run_again("to finish it"),)
        else:
            error.hints = error.hints or (Hint.run_again(after="remove the cause"),)
        raise


def undo(pixels: Pixels, spec: SegmentSpec, mark: str) -> None:
    """Take the change from the pending ones, and forget them if there are no others."""
    network = HostNetwork(pixels.wire)
    if not network.has_pending_changes() or network.seconds_to_check_in() is not None:
        # Nothing is pending, or the change is committed and the NAS takes it back.
        return
    interfaces = network.interfaces()
    is_alone = segment.fingerprint(interfaces, spec.name) == mark
    if is_configured(network, spec) == (spec.state == "present"):
        backward(network, spec, mark)
    if is_alone:
        network.check_in()
