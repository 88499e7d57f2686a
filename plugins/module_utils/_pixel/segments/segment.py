# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a segment, an isolated bridge of the NAS, and compare it with its specification.

All changes of the network of a NAS, by any client, are one pending set. So the description of a bridge that is
pending, and the comment of the sysctls of one whose deletion is, contain the fingerprint of the rest of the network
configuration: while that is the same, the pending changes are those of this collection alone, also after an
interruption.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, NotPermitted, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments import isolation
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import nas, values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import NIC
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.host_network import HostNetwork
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.sysctls import WRITE, Sysctls

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Attachment
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.host_network import HostInterface
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.sysctls import Sysctl

NOTE = "pixels: isolated segment"
"""Begins the description of the bridge, and the comments of its sysctls."""

MIN_CHECKIN_S, MAX_CHECKIN_S = 10, 600


@dataclass(frozen=True)
class SegmentSpec:
    """The specification of a segment."""

    name: str
    """Name of the bridge: `br` and a number."""
    state: str = "present"
    """`present` or `absent`."""
    confirm: bool = False
    """Whether a commit may interrupt the network of containers, and lose settings that only DHCP provides."""
    checkin_timeout_s: int = 60
    """Seconds after which the NAS takes a commit back if no new login proves that it answers."""


@dataclass(frozen=True)
class SegmentState:
    """The current state of a segment."""

    interfaces: tuple[HostInterface, ...]
    bridge: HostInterface | None
    has_pending_changes: bool | None
    """None if the account may not know it."""
    sysctls: t.Mapping[str, Sysctl] | None
    """Those that the NAS sets; None if the account may not read them."""
    can_set_sysctls: bool
    attachments: tuple[Attachment, ...]

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the rest of the network configuration."""
        return fingerprint(self.interfaces, self.bridge.name if self.bridge else "")

    @property
    def is_being_created(self) -> bool:
        """Whether the pending changes are the creation of this bridge alone."""
        noted = self.bridge is not None and self.bridge.description == note(self.fingerprint)
        return bool(self.has_pending_changes) and noted

    @property
    def is_being_deleted(self) -> bool:
        """Whether the pending changes are the deletion of this bridge alone."""
        comments = {each.comment for each in (self.sysctls or {}).values()}
        return bool(self.has_pending_changes) and self.bridge is None and note(self.fingerprint) in comments


def check_spec(spec: SegmentSpec) -> SegmentSpec:
    """Return a specification. Raises `Invalid` for an invalid name or timeout."""
    if not values.is_bridge_name(spec.name):
        problem = "use br and a number, such as br77"
        raise Invalid.in_field("name", f"invalid name of a segment {spec.name!r}", problem)
    if not MIN_CHECKIN_S <= spec.checkin_timeout_s <= MAX_CHECKIN_S:
        problem = f"use {MIN_CHECKIN_S} to {MAX_CHECKIN_S} seconds"
        raise Invalid.in_field("checkin_timeout", f"invalid checkin_timeout {spec.checkin_timeout_s}", problem)
    return spec


def note(mark: str) -> str:
    """Return the description of a bridge, and the comment of its sysctls."""
    return f"{NOTE} ({mark})"


def fingerprint(interfaces: t.Iterable[HostInterface], without: str) -> str:
    """Return eight hexadecimal digits that stand for the configuration of all interfaces but one.

    While no interface is in the configuration, TrueNAS reports DHCP for all, and for none once one is. Both count as
    the same.
    """
    rows = []
    for each in interfaces:
        if each.name == without:
            continue
        dynamic = [each.ipv4_dhcp, each.ipv6_auto]
        is_default = not each.aliases and dynamic in ([True, True], [False, False])
        rest = [each.description, each.aliases, each.members, each.has_stp, [str(value) for value in each.settings]]
        rows.append([each.name, each.kind, None if is_default else dynamic, *rest])
    return hashlib.sha256(json.dumps(sorted(rows, key=lambda row: str(row[0]))).encode()).hexdigest()[:8]


def find(pixels: Pixels, name: str) -> SegmentState:
    """Return the current state of a segment, whether or not it exists."""
    network = HostNetwork(pixels.wire)
    interfaces = tuple(network.interfaces())
    return SegmentState(
        interfaces=interfaces,
        bridge=next((each for each in interfaces if each.name == name), None),
        has_pending_changes=network.has_pending_changes(),
        sysctls=Sysctls(pixels.wire).find(list(isolation.wanted_sysctls(name))),
        can_set_sysctls=nas.account(pixels.wire).may(*WRITE),
        attachments=tuple(pixels.backend.attachments()),
    )


def plan(found: SegmentState, spec: SegmentSpec) -> Change:
    """Compare the current state of a segment with its specification."""
    before = describe(found, spec.name)
    if spec.state == "absent":
        return Change(before, None)
    after: dict[str, t.Any] = {**(before or {"name": spec.name}), "pending": False}
    if found.can_set_sysctls:
        wanted, known = isolation.wanted_sysctls(spec.name), found.sysctls or {}
        after["sysctls"] = {
            name: known[name].value if isolation.is_set(known.get(name), accepted) else accepted[0]
            for name, accepted in wanted.items()
        }
    return Change(before, after)


def describe(found: SegmentState, name: str) -> dict[str, t.Any] | None:
    """Return the state of a segment as the diff shows it; None if nothing of it exists."""
    if found.bridge is None and not found.sysctls and not found.is_being_deleted:
        return None
    is_pending = found.bridge is None or found.bridge.is_pending or found.is_being_created or found.is_being_deleted
    return {"name": name, "pending": is_pending, "sysctls": isolation.states(found.sysctls or {}, name)}


def judge(pixels: Pixels, found: SegmentState) -> isolation.Isolation | None:
    """Determine whether a segment is isolated; None if it does not exist."""
    if found.bridge is None:
        return None
    kind = pixels.backend.segment_nic_type
    return isolation.judge(found.bridge, found.sysctls, found.attachments, nic_type=kind)


def without_unknown(change: Change, unknown: t.Collection[str]) -> Change:
    """Return a change without sysctls that the NAS could not set."""
    if change.after is None or not unknown:
        return change
    sysctls = {name: None if name in unknown else value for name, value in change.after["sysctls"].items()}
    return Change(change.before, {**change.after, "sysctls": sysctls})


def warning(pixels: Pixels, name: str, verdict: isolation.Isolation) -> str:
    """Return the warning about a segment that is not isolated, or may not be."""
    certainly = "does not keep" if verdict.isolated == isolation.NO else "may not keep"
    advice = (
        "Remove what connects it in the TrueNAS web interface"
        if verdict.isolated == isolation.NO
        else "Restart the NAS, and run this again before you run code there that you do not trust"
    )
    return f"{name} {certainly} pixels from {pixels.nas} and other networks: {'; '.join(verdict.open)}. {advice}"


def of_pixel(pixels: Pixels, name: PixelName) -> str | None:
    """Return the segment that the only NIC of a pixel is on; None for a pixel that may reach other networks.

    `name` is the full name.
    """
    nic = pixels.containers.nic(name)
    if nic is None or nic.type != pixels.containers.segment_nic_type:
        return None
    if not may_be_isolated(pixels, nic.parent):
        return None
    others = [each for each in pixels.containers.devices.list(name) if each.type == NIC]
    return None if others else nic.parent


def may_be_isolated(pixels: Pixels, name: str) -> bool:
    """Return whether an interface is a bridge without ports and addresses; false if the account cannot read that."""
    try:
        interfaces = HostNetwork(pixels.wire).interfaces()
    except NotPermitted:
        return False
    bridge = next((each for each in interfaces if each.name == name and each.kind == "bridge"), None)
    if bridge is None:
        return False
    return isolation.judge(bridge, {}, (), nic_type=pixels.backend.segment_nic_type).isolated != isolation.NO


def reject_open(pixels: Pixels, name: str) -> None:
    """Raise `Refused` for a segment that is not isolated. Warn of one that may not be, or of which it is not known."""
    network = HostNetwork(pixels.wire)
    try:
        bridge = next((each for each in network.interfaces() if each.name == name), None)
    except NotPermitted as error:
        pixels.warn(f"whether {name} on {pixels.nas} is isolated is not known: {error.message}")
        return
    if bridge is None:
        return
    sysctls = Sysctls(pixels.wire).find(list(isolation.wanted_sysctls(name)))
    verdict = isolation.judge(bridge, sysctls, (), nic_type=pixels.backend.segment_nic_type)
    if verdict.isolated == isolation.NO:
        problem = f"{name} on {pixels.nas} is no segment: {'; '.join(verdict.open)}"
        raise Refused(problem).with_hints(Hint.advice("use nic.parent if that is intended"))
    if verdict.isolated == isolation.UNKNOWN:
        pixels.warn(warning(pixels, name, verdict))
