# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""interface.query: the NAS's own network interfaces (without the bridge of Incus and the interfaces of containers)."""

from __future__ import annotations

import typing as t

from tests.simulator import query
from tests.simulator.models.query import query_model
from tests.simulator.registry import method
from tests.simulator.releases import RELEASES

if t.TYPE_CHECKING:
    from tests.simulator.registry import Context


def query_interfaces(context: Context, filters: list[t.Any], options: dict[str, t.Any]) -> t.Any:
    rows = [each.row(context.release) for each in context.world.interfaces.values()]
    return query.apply(rows, filters, options)


for each in RELEASES.values():
    method("interface.query", releases=[each.name], roles=("NETWORK_INTERFACE_READ",), model=query_model(each))(
        query_interfaces
    )
