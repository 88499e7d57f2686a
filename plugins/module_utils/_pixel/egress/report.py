# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The egress policy of a pixel as it is shown: what was set, what enforces it, and what was refused."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import gateway, inspection, record

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

GATEWAY, GUEST, NOTHING = "gateway", "guest", "none"


@dataclass(frozen=True)
class Report:
    """The policy of one pixel."""

    policy: EgressPolicy | None
    """None where it is unknown."""
    drift: list[str]
    enforced_by: str
    """`gateway`, `guest` or `none`."""
    refused: list[dict[str, t.Any]]

    def as_dict(self) -> dict[str, t.Any]:
        """Return it as plain values."""
        return {
            "egress": self.policy.as_dict() if self.policy else {"mode": "unknown"},
            "drift": self.drift,
            "enforced_by": self.enforced_by,
            "refused": self.refused,
        }


def read(pixels: Pixels, name: PixelName) -> Report:
    """Read the policy of a running pixel, from its gateway if it has one. Raises what `record.root_shell` raises."""
    with record.root_shell(pixels, name) as shell:
        found = inspection.inspect(shell)
        refused = inspection.refused_destinations(shell) if found.rules else []
    container = pixels.get(name)
    policy = record.declared_policy(container, found)
    drift = record.drift(policy, found)
    outside = gateway.protection(pixels, container)
    if outside is None:
        return Report(policy, drift, GUEST if found.rules else NOTHING, refused)
    # Rules in the pixel can only refuse more.
    inside = drift if container.metadata.egress else []
    return Report(outside.policy, [*outside.drift, *inside], GATEWAY, list(outside.refused))
