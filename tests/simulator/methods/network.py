# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""network.general.summary: live addresses, default routes and name servers of the NAS."""

from __future__ import annotations

import typing as t

from tests.simulator import lan
from tests.simulator.models.base import Nothing
from tests.simulator.registry import method

if t.TYPE_CHECKING:
    from tests.simulator.registry import Context


@method("network.general.summary", roles=("NETWORK_GENERAL_READ",), model=Nothing)
def summary(context: Context) -> dict[str, t.Any]:
    world = context.world
    return lan.summary(world.interfaces.values(), world.default_routes, world.nameservers)
