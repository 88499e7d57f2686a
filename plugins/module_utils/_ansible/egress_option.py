# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of `pixels_egress`, and the policy that they describe."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.schema import SUDO_RULES
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy

OPTIONS: dict[str, t.Any] = {
    "mode": {"type": "str", "required": True, "choices": list(policy.MODES)},
    "allow": {"type": "list", "elements": "str", "default": []},
    "deny": {"type": "list", "elements": "str", "default": []},
    "presets": {"type": "list", "elements": "str"},
    "ports": {"type": "list", "elements": "int", "default": list(policy.DEFAULT_PORTS)},
    "lan": {"type": "list", "elements": "str", "default": []},
    "dns": {"type": "list", "elements": "str", "default": []},
    "sudo": {"type": "str", "choices": list(SUDO_RULES), "default": SUDO_RULES[0]},
}


def parse_options(params: t.Mapping[str, t.Any]) -> EgressPolicy:
    """Return the policy that the options of `pixels_egress` describe. Raises `Invalid`."""
    return policy.parse({name: params[name] for name in OPTIONS}, option="")
