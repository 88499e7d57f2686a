# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of commands that a client leaves on the NAS and runs."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator.errors import CallError, InstanceNotFound
from tests.unit.simulator.nas import Nas

DISABLED: dict[str, t.Any] = {"user": "root", "enabled": False, "stdout": False}


def create(nas: Nas, command: str, **details: t.Any) -> int:
    return int(nas.call("cronjob.create", {**DISABLED, "command": command, **details})["id"])


def test_a_new_cron_job_has_defaults_and_no_newlines(nas: Nas) -> None:
    assert nas.call("cronjob.create", {"command": "true\n", "user": "root"}) == {
        "id": 1,
        "enabled": True,
        "stderr": False,
        "stdout": True,
        "schedule": {"minute": "00", "hour": "*", "dom": "*", "month": "*", "dow": "*"},
        "command": "true",
        "description": "",
        "user": "root",
    }


@pytest.mark.parametrize(
    ("details", "triple"),
    [
        ({"user": "nobody-here"}, ("cron_job_create.user", "Specified user does not exist", 22)),
        ({"user": "a b"}, ("cron_job_create.user", "Usernames cannot have spaces", 22)),
        ({"command": ""}, ("cron_job_create.command", "Please specify a command for cronjob task.", 22)),
    ],
)
def test_a_wrong_cron_job_is_refused(nas: Nas, details: dict[str, t.Any], triple: tuple[str, str, int]) -> None:
    error = nas.refusal("cronjob.create", {**DISABLED, "command": "true", **details})

    assert error.triples == [triple]


def test_a_schedule_must_be_crons(nas: Nas) -> None:
    error = nas.refusal("cronjob.create", {**DISABLED, "command": "true", "schedule": {"hour": "noon!"}})

    assert error.triples[0][0] == "data.schedule"
    assert error.triples[0][1].startswith("Value error, Please ensure fields match cron syntax - ")


def test_a_command_that_fails_says_so_with_its_redirections(nas: Nas) -> None:
    loud, hidden = create(nas, "false"), create(nas, "false", stdout=True, stderr=True)

    assert str(nas.refusal("cronjob.run", loud)) == ('[EFAULT] CronTask "false" exited with 1 (non-zero) exit status.')
    assert '"false > /dev/null 2> /dev/null"' in str(nas.refusal("cronjob.run", hidden))


def test_an_unknown_command_fails_and_is_not_run(nas: Nas) -> None:
    error = nas.refusal("cronjob.run", create(nas, "touch /tmp/pixels-was-here"))

    assert isinstance(error, CallError)
    assert "exited with 127" in str(error)


def test_zfs_commands_work_on_the_simulated_pools(nas: Nas) -> None:
    nas.add("px-web", "STOPPED")
    nas.add("px-copy", "STOPPED")
    [base] = nas.snapshot("px-web", "base")
    copy = nas.world.containers["px-copy"].dataset

    assert nas.call("cronjob.run", create(nas, f"zfs destroy -r {copy} && zfs clone {base} {copy}")) is None

    assert nas.world.storage.zfs.datasets[copy].origin == base
    assert "exited with 1" in str(nas.refusal("cronjob.run", create(nas, f"zfs destroy {base}")))


def test_disabled_jobs_run_unless_they_shall_be_skipped(nas: Nas) -> None:
    number = create(nas, "true")

    assert nas.call("cronjob.run", number) is None
    assert str(nas.refusal("cronjob.run", number, True)) == "[EINVAL] Cron job is disabled"


def test_deleting_is_always_fine_and_asking_is_not(nas: Nas) -> None:
    number = create(nas, "true")
    assert nas.call("cronjob.update", number, {"command": "false"})["command"] == "false"
    assert nas.call("cronjob.get_instance", number)["command"] == "false"

    assert nas.call("cronjob.delete", number) is True
    assert nas.call("cronjob.delete", number) is True

    assert nas.call("cronjob.query") == []
    error = nas.refusal("cronjob.get_instance", number)
    assert isinstance(error, InstanceNotFound)
    assert "CronJob 1 does not exist" in str(error)
