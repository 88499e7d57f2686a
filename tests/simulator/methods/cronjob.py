# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cronjob.*: commands kept on the NAS and run by hand (middleware plugins/cron.py)."""

from __future__ import annotations

import errno as errnos
import typing as t

from tests.simulator import commands, query
from tests.simulator.cron_job import CronJob
from tests.simulator.errors import CallError, InstanceNotFound, ValidationErrors
from tests.simulator.models import cronjob as models
from tests.simulator.models.query import GetNumbered, query_model
from tests.simulator.registry import job, method
from tests.simulator.releases import RELEASES

if t.TYPE_CHECKING:
    from tests.simulator.job import Job
    from tests.simulator.registry import Context
    from tests.simulator.world import World

Row = dict[str, t.Any]

READ = ("SYSTEM_CRON_READ", "SYSTEM_CRON_WRITE")
WRITE = ("SYSTEM_CRON_WRITE",)


def query_cron_jobs(context: Context, filters: list[t.Any], options: Row) -> t.Any:
    return query.apply([each.row() for each in context.world.cron_jobs.values()], filters, options)


for each in RELEASES.values():
    method("cronjob.query", releases=[each.name], roles=READ, model=query_model(each))(query_cron_jobs)


def find(world: World, id: int) -> CronJob:
    """Raises InstanceNotFound."""
    if id not in world.cron_jobs:
        raise InstanceNotFound(f"CronJob {id} does not exist")
    return world.cron_jobs[id]


@method("cronjob.get_instance", roles=READ, model=GetNumbered)
def get_instance(context: Context, id: int, options: Row) -> Row:
    return find(context.world, id).row()


@method("cronjob.create", roles=WRITE, model=models.Create)
def create(context: Context, data: Row) -> Row:
    """Newlines are taken out of the command."""
    world = context.world
    refuse_wrong(world, "cron_job_create", data)
    made = CronJob(max(world.cron_jobs, default=0) + 1, **data)
    made.command = made.command.replace("\n", "")
    world.cron_jobs[made.id] = made
    return made.row()


@method("cronjob.update", roles=WRITE, model=models.Change)
def update(context: Context, id: int, data: Row) -> Row:
    found = find(context.world, id)
    refuse_wrong(context.world, "cron_job_update", found.row() | data)
    for key, value in data.items():
        setattr(found, key, value)
    return found.row()


def refuse_wrong(world: World, schema: str, data: Row) -> None:
    """Raises ValidationErrors."""
    wrong = []
    if " " in data["user"]:
        wrong.append((f"{schema}.user", "Usernames cannot have spaces", errnos.EINVAL))
    elif data["user"] not in world.users:
        wrong.append((f"{schema}.user", "Specified user does not exist", errnos.EINVAL))
    if not data["command"]:
        wrong.append((f"{schema}.command", "Please specify a command for cronjob task.", errnos.EINVAL))
    if wrong:
        raise ValidationErrors(wrong)


@method("cronjob.delete", roles=WRITE, model=models.Id)
def delete(context: Context, id: int) -> bool:
    """One that is not there is deleted as well."""
    context.world.cron_jobs.pop(id, None)
    return True


def lock(id: int, *_rest: t.Any) -> str:
    return f"cron_job_run_{id}"


@job("cronjob.run", roles=WRITE, model=models.Run, lock=lock, lock_queue_size=1, logs=True)
async def run(context: Context, job: Job, id: int, skip_disabled: bool) -> None:
    """Hidden streams do not reach the log; here everything a command says is on stdout."""
    found = find(context.world, id)
    if skip_disabled and not found.enabled:
        raise CallError("Cron job is disabled", errnos.EINVAL)
    hidden = (" > /dev/null" if found.stdout else "") + (" 2> /dev/null" if found.stderr else "")
    ended = await commands.run(context.world.storage, found.command)
    if ended.output and (not found.stdout or ended.returncode == commands.NOT_UNDERSTOOD):
        job.log(ended.output)
    if ended.returncode:
        text = f'CronTask "{found.command}{hidden}" exited with {ended.returncode} (non-zero) exit status.'
        raise CallError(text)
