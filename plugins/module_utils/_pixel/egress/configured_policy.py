# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The egress policy of new pixels, from the configuration file, `PIXELS_NETWORK_*` variables and options."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy as policies

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.defaults import EgressDefaults
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy

OPTION = "network"
"""The table of the configuration file, which errors name."""

NOT_TAKEN = {
    "unrestricted": ("allow", "deny", "presets", "lan"),
    "none": ("allow", "deny", "presets"),
    "internet": ("allow", "presets"),
}
"""Lists that a mode does not take."""


def build(configured: EgressDefaults) -> EgressPolicy | None:
    """Return the configured policy; None if nothing is configured. Raises `Invalid`.

    The mode and the lists may come from different sources. Lists of the file and of variables that the mode does not
    take are ignored; those of options are an error.
    """
    implies_allowlist = {"allow", "presets"} & configured.options
    mode = configured.mode or ("allowlist" if implies_allowlist else None)
    if mode is None and not configured.options:
        return None
    if mode is None:
        given = ", ".join(sorted(configured.options))
        raise policies.invalid("egress", f"{given} is set without a mode", f"use one of {', '.join(policies.MODES)}")
    lists = {
        name: entries
        for name, entries in configured.lists.items()
        if name in configured.options or name not in NOT_TAKEN.get(mode, ())
    }
    sudo = configured.sudo if mode != "unrestricted" or "sudo" in configured.options else None
    policy = policies.parse({"mode": mode, "sudo": sudo, **lists}, option=OPTION, is_consistent=False)
    if "deny" not in configured.options:
        policy = replace(policy, deny=tuple(entry for entry in policy.deny if policies.affects(policy, entry)))
    policies.check_combination(policy, f"{OPTION}.")
    return policy
