# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tunable.*: settings of the kernel that the NAS keeps (middleware plugins/tunables.py). Only sysctls are played."""

from __future__ import annotations

import errno as errnos
import typing as t

from tests.simulator import query
from tests.simulator.errors import InstanceNotFound, Triple, ValidationErrors
from tests.simulator.models import tunable as models
from tests.simulator.models.query import query_model
from tests.simulator.network_changes import Tunable
from tests.simulator.registry import job, method
from tests.simulator.releases import FANGTOOTH, RELEASES, SINCE_GOLDEYE

if t.TYPE_CHECKING:
    from tests.simulator.job import Job
    from tests.simulator.registry import Context
    from tests.simulator.world import World

Row = dict[str, t.Any]

READ = ("SYSTEM_TUNABLE_READ", "SYSTEM_TUNABLE_WRITE")
WRITE = ("SYSTEM_TUNABLE_WRITE",)


def lock(*_arguments: t.Any) -> str:
    return "tunable_crud"


def query_tunables(context: Context, filters: list[t.Any], options: Row) -> t.Any:
    return query.apply([each.row() for each in context.world.network.tunables], filters, options)


for each in RELEASES.values():
    method("tunable.query", releases=[each.name], roles=READ, model=query_model(each))(query_tunables)


def find(world: World, id: int) -> Tunable:
    """Raises InstanceNotFound."""
    for each in world.network.tunables:
        if each.id == id:
            return each
    raise InstanceNotFound(f"Tunable {id} does not exist")


@job("tunable.create", releases=[FANGTOOTH.name], roles=WRITE, model=models.OldCreate, lock=lock)
@job("tunable.create", releases=SINCE_GOLDEYE, roles=WRITE, model=models.Create, lock=lock)
async def create(context: Context, job: Job, data: Row) -> Row:
    """The names of sysctls are those that existed as the middleware first listed them."""
    network = context.world.network
    wrong: list[Triple] = []
    if any(each.var == data["var"] for each in network.tunables):
        wrong.append(("tunable_create.var", f"Tunable {data['var']!r} already exists in database.", errnos.EEXIST))
    if data["var"] not in network.names_listed():
        wrong.append(("tunable_create.var", f"Sysctl {data['var']!r} does not exist in kernel.", errnos.ENOENT))
    if wrong:
        raise ValidationErrors(wrong)
    kept = {name: data[name] for name in ("type", "var", "value", "comment", "enabled")}
    number = max((each.id for each in network.tunables), default=0) + 1
    made = Tunable(number, **kept, orig_value=network.sysctl(data["var"]))
    network.tunables.append(made)
    if made.enabled:
        network.set_sysctl(made.var, made.value)
    return made.row()


@job("tunable.update", releases=[FANGTOOTH.name], roles=WRITE, model=models.OldChange, lock=lock)
@job("tunable.update", releases=SINCE_GOLDEYE, roles=WRITE, model=models.Change, lock=lock)
async def update(context: Context, job: Job, id: int, data: Row) -> Row:
    found = find(context.world, id)
    for name, value in data.items():
        if name != "update_initramfs":
            setattr(found, name, value)
    context.world.network.set_sysctl(found.var, found.value if found.enabled else found.orig_value)
    return found.row()


@job("tunable.delete", roles=WRITE, model=models.Id, lock=lock)
async def delete(context: Context, job: Job, id: int) -> None:
    found = find(context.world, id)
    context.world.network.tunables.remove(found)
    context.world.network.set_sysctl(found.var, found.orig_value)
