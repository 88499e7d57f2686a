# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""interface.*: the NAS's own network interfaces, and changes of them (middleware plugins/network.py).

The bridge of Incus and the interfaces of containers are not listed. Only bridges can be created here.
"""

from __future__ import annotations

import errno as errnos
import typing as t

from tests.simulator import lan, query
from tests.simulator.errors import CallError, InstanceNotFound, Triple, ValidationErrors
from tests.simulator.lan import Interface
from tests.simulator.models import interface as models
from tests.simulator.models.base import Nothing
from tests.simulator.models.query import query_model
from tests.simulator.registry import method
from tests.simulator.releases import FANGTOOTH, INCUS_HAS, RELEASES, SINCE_GOLDEYE

if t.TYPE_CHECKING:
    from tests.simulator.registry import Context
    from tests.simulator.world import World

Row = dict[str, t.Any]

READ = ("NETWORK_INTERFACE_READ", "NETWORK_INTERFACE_WRITE")
WRITE = ("NETWORK_INTERFACE_WRITE",)


def rows(context: Context) -> list[Row]:
    return lan.rows(context.world.interfaces.values(), context.release)


def query_interfaces(context: Context, filters: list[t.Any], options: Row) -> t.Any:
    return query.apply(rows(context), filters, options)


for each in RELEASES.values():
    method("interface.query", releases=[each.name], roles=READ, model=query_model(each))(query_interfaces)


def refuse_failover(world: World, schema: str) -> None:
    """Raises ValidationErrors."""
    if world.network.failover:
        raise ValidationErrors([(schema, "Failover must be disabled.", errnos.EINVAL)])


@method("interface.create", releases=[FANGTOOTH.name], roles=WRITE, model=models.OldCreate)
@method("interface.create", releases=SINCE_GOLDEYE, roles=WRITE, model=models.Create)
def create(context: Context, data: Row) -> Row:
    """Only in the database; a commit makes it."""
    world = context.world
    refuse_failover(world, "interface.create")
    if data["type"] != "BRIDGE":
        raise CallError("The simulator creates bridges only.")
    listed = {row["name"] for row in rows(context)}
    name = data.get("name") or next(f"br{number}" for number in range(1000) if f"br{number}" not in listed)
    wrong: list[Triple] = []
    if name in listed:
        wrong.append(("interface_create.name", "Interface name is already in use.", errnos.EINVAL))
    if not (name.startswith("br") and name[2:].isdigit()):
        text = 'Bridge interface must start with "br" followed by an unique number.'
        wrong.append(("interface_create.name", text, errnos.EINVAL))
    members = data.get("bridge_members", [])
    for index, member in enumerate(members):
        if member not in listed:
            wrong.append((f"interface_create.bridge_members.{index}", "Not a valid interface.", errnos.EINVAL))
    if wrong:
        raise ValidationErrors(wrong)
    made = Interface(
        name,
        "BRIDGE",
        static=tuple(f"{each['address']}/{each['netmask']}" for each in data.get("aliases", [])),
        dhcp=data.get("ipv4_dhcp", False),
        details={
            "bridge_members": list(members),
            "stp": data.get("stp", True),
            "enable_learning": data.get("enable_learning", True),
        },
        description=data.get("description", ""),
        made=False,
    )
    world.network.add(made)
    return next(row for row in rows(context) if row["name"] == name)


@method("interface.delete", roles=WRITE, model=models.Delete)
def delete(context: Context, id: str) -> str:
    """Only in the database; a commit takes it from the kernel."""
    refuse_failover(context.world, "interface.delete")
    if id not in {row["name"] for row in rows(context)}:
        raise InstanceNotFound(f"Interface {id} does not exist")
    if context.world.bridge == id and context.release.name in INCUS_HAS:
        # TrueNAS 26 does not look.
        raise CallError(f"{id} is in use by virtualization.")
    context.world.network.remove(id)
    return id


@method("interface.has_pending_changes", roles=WRITE, model=Nothing)
def has_pending_changes(context: Context) -> bool:
    return context.world.network.has_pending_changes


@method("interface.commit", roles=WRITE, model=models.Commit)
def commit(context: Context, options: Row) -> None:
    refuse_failover(context.world, "interface.commit")
    context.world.network.commit(rollback=options["rollback"], checkin_timeout=options["checkin_timeout"])


@method("interface.checkin", roles=WRITE, model=Nothing)
def checkin(context: Context) -> None:
    context.world.network.check_in()


@method("interface.checkin_waiting", roles=WRITE, model=Nothing)
def checkin_waiting(context: Context) -> int | None:
    return context.world.network.seconds_left


@method("interface.rollback", roles=WRITE, model=Nothing)
def rollback(context: Context) -> None:
    context.world.network.roll_back()


@method("interface.websocket_interface", roles=READ, model=Nothing)
def websocket_interface(context: Context) -> Row | None:
    name = context.world.network.management
    return next((row for row in rows(context) if row["name"] == name), None)


@method("interface.network_config_to_be_removed", releases=SINCE_GOLDEYE, roles=READ, model=Nothing)
def network_config_to_be_removed(context: Context) -> list[str]:
    return context.world.network.settings_to_be_removed()


@method("interface.default_route_will_be_removed", releases=[FANGTOOTH.name], roles=READ, model=Nothing)
def default_route_will_be_removed(context: Context) -> bool:
    return "ipv4gateway" in context.world.network.settings_to_be_removed()
