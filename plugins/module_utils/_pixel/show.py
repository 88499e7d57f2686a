# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pixel as modules, the inventory and machine output show it."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import Checkpoint
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container


def container(found: Container, pixels: Pixels) -> dict[str, t.Any]:
    """All that is known of a pixel, as plain values."""
    return {
        "name": names.bare_name(found.name),
        "full_name": found.name,
        "status": found.status,
        "ipv4": found.ipv4,
        "addresses": [dict(vars(address)) for address in found.addresses],
        "cpu": found.cpu,
        "memory": found.memory,
        "image": dict(vars(found.image)),
        "environment": dict(found.environment),
        "autostart": found.autostart,
        "fleet": found.marks.fleet,
        "owner": found.marks.owner,
        "labels": dict(found.marks.labels),
        "origin": found.marks.origin,
        "pool": found.pool,
        "dataset": found.dataset,
        "generation": pixels.backend.generation,
        "nas": pixels.nas,
    }


def checkpoint(found: Checkpoint, order: int) -> dict[str, t.Any]:
    """All that is known of a checkpoint, as plain values; C(order) counts from the oldest, which is 1."""
    snapshot = found.snapshot
    return {
        "label": snapshot.label,
        "created": snapshot.created.isoformat().replace("+00:00", "Z"),
        "order": order,
        "used": snapshot.used,
        "referenced": snapshot.referenced,
        "clones": [{"name": names.bare_name(clone.rpartition("/")[2]), "dataset": clone} for clone in found.clones],
        "holds": list(snapshot.holds),
        "purpose": found.purpose,
        "set_aside": found.depth > 0,
        "snapshot": snapshot.id,
    }
