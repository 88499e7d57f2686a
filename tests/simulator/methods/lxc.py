# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lxc.* of TrueNAS 26: the default pool and network of containers."""

from __future__ import annotations

import errno as errnos
import ipaddress
import typing as t

from tests.simulator.errors import Triple, ValidationErrors
from tests.simulator.methods.container import pools
from tests.simulator.models.base import Nothing
from tests.simulator.models.lxc import Change
from tests.simulator.registry import method
from tests.simulator.releases import LIBVIRT_HAS

if t.TYPE_CHECKING:
    from tests.simulator.registry import Context
    from tests.simulator.world import World

Row = dict[str, t.Any]

READ = ("LXC_CONFIG_READ", "LXC_CONFIG_WRITE")
AUTO = "[AUTO]"
LEAST_ADDRESSES = 4
NETWORKS = ("v4_network", "v6_network")


def entry(world: World) -> Row:
    return {
        "id": 1,
        "preferred_pool": world.default_pool,
        "bridge": world.bridge,
        "v4_network": world.v4_network,
        "v6_network": world.v6_network,
    }


@method("lxc.config", releases=LIBVIRT_HAS, roles=READ, model=Nothing)
def config(context: Context) -> Row:
    return entry(context.world)


@method("lxc.bridge_choices", releases=LIBVIRT_HAS, roles=READ, model=Nothing)
def bridge_choices(context: Context) -> Row:
    names = [each.name for each in context.world.listed_interfaces if each.type == "BRIDGE"]
    return {AUTO: "Automatic", **{name: name for name in names}}


@method("lxc.update", releases=LIBVIRT_HAS, roles=("LXC_CONFIG_WRITE",), model=Change)
def update(context: Context, data: Row) -> Row:
    world = context.world
    new = {**entry(world), **data}
    new["bridge"] = None if new["bridge"] in (None, "", AUTO) else new["bridge"]
    wrong: list[Triple] = []
    if new["bridge"] is not None and new["bridge"] not in bridge_choices(context):
        wrong.append(("lxc_config_update.bridge", "Invalid bridge", errnos.EINVAL))
    if new["preferred_pool"] is not None and new["preferred_pool"] not in pools(world):
        wrong.append(("lxc_config_update.preferred_pool", "Pool not found.", errnos.EINVAL))
    for key in NETWORKS:
        text = wrong_network(world, new[key], changed=new[key] != entry(world)[key])
        if text is not None:
            wrong.append((f"lxc_config_update.{key}", text, errnos.EINVAL))
    if wrong:
        raise ValidationErrors(wrong)
    world.default_pool, world.bridge = new["preferred_pool"], new["bridge"]
    world.v4_network, world.v6_network = new["v4_network"], new["v6_network"]
    return entry(world)


def wrong_network(world: World, text: str, *, changed: bool) -> str | None:
    network = ipaddress.ip_network(text)
    if network.num_addresses < LEAST_ADDRESSES:
        return f"The network must have at least {LEAST_ADDRESSES} addresses"
    live = [ipaddress.ip_interface(address).network for each in world.interfaces.values() for address in each.live]
    if changed and any(network.version == each.version and network.overlaps(each) for each in live):
        return f"Network {text} overlaps with an existing system network"
    return None
