# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the network interface of the NAS that a new pixel is attached to."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.defaults import Defaults
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import network
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Nic

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels


def choose_nic(defaults: Defaults, default_nic: t.Callable[[], Nic | None]) -> Nic | None:
    """Return the interface of the settings, or the default one. None is the internal bridge of the NAS."""
    if defaults.parent:
        return Nic(parent=defaults.parent, type=defaults.nic_type)
    return None if defaults.network else default_nic()


def detect_nic(pixels: Pixels, warn: t.Callable[[str], None]) -> Nic | None:
    """Return the interface whose network contains the default gateway, else the first one that is up with IPv4."""
    skip = Hint.option("nic", purpose="to skip this")
    with trying(f"detecting the network interface of {pixels.nas} for new containers", skip):
        candidates = network.interfaces(pixels.wire)
        chosen = network.preferred(candidates, network.default_gateway(pixels.wire))
    if chosen is None:
        warn(
            f"{pixels.nas} has no interface that is up and has an IPv4 address: the new container is attached to the "
            "internal bridge of TrueNAS and cannot be reached from outside. Set defaults.parent in the configuration "
            "file to choose an interface"
        )
        return None
    return chosen.nic()


def resolve_segment(pixels: Pixels, nic: Nic) -> Nic:
    """Return the NIC for a segment with the type that this release has for it. Raises `Invalid` for an unknown one."""
    bridges = pixels.containers.parents("bridged")
    if bridges is not None and nic.parent not in bridges:
        problem = f"{pixels.nas} has no such bridge. Create it with pixels_segment"
        raise Invalid.in_field("nic.segment", f"cannot attach a container to the segment {nic.parent!r}", problem)
    return replace(nic, type=pixels.containers.segment_nic_type)


def is_on_segment(pixels: Pixels, nic: Nic) -> bool:
    """Return whether a NIC is on an isolated bridge, as far as the account can read that."""
    if nic.type != pixels.containers.segment_nic_type:
        return False
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments import segment

    return segment.may_be_isolated(pixels, nic.parent)


def reject_open_segment(pixels: Pixels, nic: Nic) -> None:
    """Raise `Refused` for a bridge that connects pixels to other networks, and warn of one that may do so."""
    # Only here: few pixels are on a segment, and the others do not wait for what it imports.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments import segment

    segment.reject_open(pixels, nic.parent)


def reject_unknown_parent(pixels: Pixels, nic: Nic) -> None:
    """Raise `Invalid` for an interface that the NAS does not have or that does not support the type of NIC."""
    parents = pixels.containers.parents(nic.type)
    if parents is not None and nic.parent not in parents:
        problem = f"{pixels.nas} has {', '.join(parents) or 'no interface'} for the type {nic.type}"
        raise Invalid.in_field("nic.parent", f"cannot attach a container to {nic.parent!r}", problem)
