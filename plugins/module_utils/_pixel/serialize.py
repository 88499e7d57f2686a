# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert pixels and checkpoints to plain values for results of modules, the inventory and JSON output."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints.checkpoints import Checkpoint
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container


def container(found: Container, pixels: Pixels) -> dict[str, t.Any]:
    """Return all properties of a pixel."""
    return {
        "name": found.name.bare,
        "full_name": found.name.full,
        "status": found.status,
        "ipv4": found.ipv4,
        "ipv6": found.ipv6,
        "addresses": [
            {"family": address.family, "address": address.address, "prefix": address.prefix}
            for address in found.addresses
        ],
        "cpu": found.cpu,
        "memory": found.memory,
        "image": dict(vars(found.image)),
        "environment": dict(found.environment),
        "autostart": found.autostart,
        "fleet": found.metadata.fleet,
        "owner": found.metadata.owner,
        "labels": dict(found.metadata.labels),
        "ttl": found.metadata.ttl,
        "expires": found.metadata.expires,
        "protected": bool(found.metadata.protected),
        "idle_stop": found.metadata.idle_stop,
        "gateway": (found.metadata.gateway or "").split(),
        "base": found.metadata.base,
        "origin": found.metadata.origin,
        "pool": found.pool,
        "dataset": found.dataset,
        "generation": pixels.backend.generation,
        "nas": pixels.nas,
    }


def checkpoint(found: Checkpoint, order: int) -> dict[str, t.Any]:
    """Return all properties of a checkpoint; `order` is its position by age, and 1 is the oldest."""
    snapshot = found.snapshot
    return {
        "label": snapshot.label,
        "created": snapshot.created.isoformat().replace("+00:00", "Z"),
        "order": order,
        "used": snapshot.used,
        "referenced": snapshot.referenced,
        "clones": [{"name": PixelName(clone.rpartition("/")[2]).bare, "dataset": clone} for clone in found.clones],
        "holds": list(snapshot.holds),
        "purpose": found.purpose,
        "set_aside": found.depth > 0,
        "snapshot": snapshot.id,
    }
