# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse changes of the network of a NAS that could cut it off or interrupt others.

Each check is a way in which `interface.commit` of TrueNAS does harm that the middleware does not prevent: it applies
the pending changes of all clients, takes down interfaces that are not in the configuration, and on 25.04 and 25.10
takes the NICs of running containers off their bridges (plugins/network.py, plugins/interface/bridge.py).
"""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments import segment
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.host_network import HostNetwork

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments.segment import (
        SegmentSpec,
        SegmentState,
    )
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.host_network import HostInterface

REVERT = Hint.advice("apply or revert them in the TrueNAS web interface first")
CONFIGURE = "configure it in the TrueNAS web interface first"
MAX_NAMES = 10
"""The most names of containers in a message."""


def failure(pixels: Pixels, spec: SegmentSpec) -> str:
    """Return the first half of an error: what was not done."""
    verb = "created" if spec.state == "present" else "removed"
    return f"the segment {spec.name} on {pixels.nas} was not {verb}"


def needs_commit(found: SegmentState, spec: SegmentSpec) -> bool:
    """Return whether the specification requires a change of the network of the NAS."""
    if spec.state == "absent":
        return found.bridge is not None or found.is_being_deleted
    return found.bridge is None or found.bridge.is_pending or found.is_being_created


def reject(pixels: Pixels, found: SegmentState, spec: SegmentSpec) -> None:
    """Raise `Refused` or `Unsupported` for a change that is not safe, before anything is changed."""
    if not needs_commit(found, spec):
        return
    what, network = failure(pixels, spec), HostNetwork(pixels.wire)
    if network.is_highly_available():
        problem = f"{what}: {pixels.nas} is licensed for high availability, where a segment is not supported"
        raise Unsupported(problem).with_hints(Hint.advice("use a VLAN of your own, and rules on its router"))
    if found.has_pending_changes and not (found.is_being_created or found.is_being_deleted):
        raise Refused(f"{what}: other changes of the network are pending there").with_hints(REVERT)
    if spec.state == "absent":
        reject_removal(pixels, found, spec)
    if not spec.confirm:
        reject_without_confirmation(pixels, network, found, spec)


def reject_removal(pixels: Pixels, found: SegmentState, spec: SegmentSpec) -> None:
    """Raise `Refused` for a bridge that is in use, or no segment."""
    what, bridge = failure(pixels, spec), found.bridge
    users = sorted({each.container for each in found.attachments if each.parent == spec.name})
    if users:
        problem = f"{what}: {listed(users)} {'is' if len(users) == 1 else 'are'} attached to it"
        raise Refused(problem).with_hints(Hint.advice("destroy them or attach them to another interface first"))
    if bridge is not None and (bridge.members or bridge.has_configured_address or bridge.live):
        uses = "ports" if bridge.members else "an address"
        problem = f"{what}: it has {uses}, so that it is no segment"
        raise Refused(problem).with_hints(Hint.advice("remove it in the TrueNAS web interface if it is not needed"))


def reject_without_confirmation(pixels: Pixels, network: HostNetwork, found: SegmentState, spec: SegmentSpec) -> None:
    """Raise `Refused` for a commit that interrupts containers, or loses settings."""
    what = failure(pixels, spec)
    users = interrupted(pixels, found, spec)
    if users:
        count = f"{len(users)} running container{'s' if len(users) > 1 else ''} on bridges"
        problem = f"{what}: a commit takes the network from {count} until they restart: {listed(users)}"
        raise Refused(problem).with_hints(
            Hint.option("confirm", True, "to do it, which restarts the pixels among them")
        )
    lost = network.settings_lost()
    if lost:
        problem = f"{what}: the NAS may lose {' and '.join(lost)}, which its configuration does not have"
        raise Refused(problem).with_hints(
            Hint.advice("set them in the TrueNAS web interface (Network, Global Configuration)"),
            Hint.option("confirm", True, "if they come from DHCP"),
        )


def interrupted(pixels: Pixels, found: SegmentState, spec: SegmentSpec) -> list[str]:
    """Return the running containers that a commit takes off their bridges."""
    if not pixels.backend.commit_interrupts_bridges:
        return []
    running = (each for each in found.attachments if each.is_running and each.type == "bridged")
    return sorted({each.container for each in running if each.parent != spec.name})


def reject_commit(pixels: Pixels, spec: SegmentSpec, mark: str) -> None:
    """Raise `Refused` if the pending changes are not safe to commit. `mark` is the fingerprint from before them."""
    what, network = failure(pixels, spec), HostNetwork(pixels.wire)
    interfaces = network.interfaces()
    if segment.fingerprint(interfaces, spec.name) != mark:
        raise Refused(f"{what}: another client is changing the network there").with_hints(REVERT)
    # Once the configuration has an interface, those that it does not have lose their addresses with a commit. Until
    # then, it reports DHCP for all of them, so this cannot be checked earlier.
    losers = [each for each in interfaces if each.name != spec.name and each.live and not each.has_configured_address]
    used = network.used_interface()
    cut_off = next((each for each in losers if used in (None, each.name)), None)
    if cut_off:
        raise Refused(f"{what}: {unconfigured(cut_off)}, so that the NAS would lose its address").with_hints(
            Hint.advice(CONFIGURE)
        )
    if losers and not spec.confirm:
        raise Refused(f"{what}: {unconfigured(losers[0])}, so that it would lose its address").with_hints(
            Hint.advice(CONFIGURE), Hint.option("confirm", True, "if it is not needed")
        )


def unconfigured(interface: HostInterface) -> str:
    """Return the clause about an interface that a commit takes down."""
    return f"the interface {interface.name} of the NAS is not in its network settings"


def listed(names: t.Sequence[str]) -> str:
    """Return names for a message."""
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
