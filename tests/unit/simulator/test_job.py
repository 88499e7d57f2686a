# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the row of a job."""

from __future__ import annotations

import errno as errnos
import typing as t

import pytest

from tests.simulator.accounts import Account, Login
from tests.simulator.errors import CallError, GenericError, InstanceNotFound, ValidationErrors
from tests.simulator.job import Job
from tests.simulator.redact import STARS
from tests.simulator.releases import FANGTOOTH, GOLDEYE, Release


def a_login() -> Login:
    return Login(Account("web", 3000, frozenset()), "API_KEY")


def a_job(method: str = "virt.instance.start", *arguments: t.Any, release: Release = GOLDEYE, **details: t.Any) -> Job:
    def ignore(job: Job, msg: str) -> None: ...

    return Job(1, method, list(arguments), release=release, login=a_login(), changed=ignore, **details)


def test_a_new_job_waits() -> None:
    row = a_job("virt.instance.start", "px-web").row(raw_result=False)

    assert row["state"] == "WAITING"
    assert row["arguments"] == ["px-web"]
    assert row["progress"] == {"percent": 0, "description": "", "extra": None}
    assert (row["result"], row["error"], row["exc_info"], row["time_finished"]) == (None, None, None, None)


def test_only_25_10_knows_message_ids() -> None:
    assert "message_ids" not in a_job(release=FANGTOOTH).row(raw_result=False)
    assert a_job(release=GOLDEYE).row(raw_result=False)["message_ids"] == []


@pytest.mark.parametrize(
    ("failure", "text", "info"),
    [
        (
            CallError("The instance is already stopped"),
            "[EFAULT] The instance is already stopped",
            {"type": "CallError", "errno": 14, "extra": None},
        ),
        (
            ValidationErrors([("virt_instance_create.name", "Name 'px-web' already exists", 22)]),
            "[EINVAL] virt_instance_create.name: Name 'px-web' already exists\n",
            {
                "type": "VALIDATION",
                "errno": None,
                "extra": [["virt_instance_create.name", "Name 'px-web' already exists", 22]],
            },
        ),
        (
            InstanceNotFound("VirtInstance px-web does not exist"),
            "[ENOENT] None: VirtInstance px-web does not exist",
            {
                "type": "VALIDATION",
                "errno": errnos.ENOENT,
                "extra": [[None, "VirtInstance px-web does not exist", errnos.ENOENT]],
            },
        ),
        (GenericError("'id'", "KeyError"), "'id'", {"type": "KeyError", "errno": None, "extra": None}),
    ],
)
def test_a_failure_is_reported_by_its_kind(failure: Exception, text: str, info: dict[str, t.Any]) -> None:
    job = a_job()

    job.fail(failure)

    row = job.row(raw_result=False)
    assert row["state"] == "FAILED"
    assert row["error"] == text
    assert {key: row["exc_info"][key] for key in info} == info


def test_an_aborted_job_has_no_error_and_no_result() -> None:
    job = a_job()

    job.abort()

    row = job.row(raw_result=False)
    assert row["state"] == "ABORTED"
    assert (row["error"], row["exception"], row["exc_info"], row["result"]) == (None, None, None, None)


def test_secrets_of_a_result_are_stars_unless_the_raw_one_is_asked_for() -> None:
    job = a_job("virt.instance.create", {"name": "px-web"})

    job.succeed({"id": "px-web", "raw": {"config": {}}, "vnc_password": None})

    assert job.row(raw_result=False)["result"] == {"id": "px-web", "raw": STARS, "vnc_password": STARS}
    assert job.row(raw_result=True)["result"] == {"id": "px-web", "raw": {"config": {}}, "vnc_password": None}


def test_since_25_10_a_job_forgets_its_owner_when_that_login_ends() -> None:
    old, new = a_job(release=FANGTOOTH), a_job(release=GOLDEYE)

    for job in (old, new):
        assert job.owner is not None
        job.owner.closed = True

    assert old.visible_to(a_login())
    assert not new.visible_to(a_login())
    assert new.row(raw_result=False)["credentials"] is None


def test_a_log_is_shown_only_at_the_end_and_only_its_edges() -> None:
    job = a_job(with_logs=True)

    job.log("\n".join(f"line {number}" for number in range(30)))
    during = job.row(raw_result=False)
    job.close()
    afterwards = job.row(raw_result=False)

    assert (during["logs_path"], during["logs_excerpt"]) == ("/var/log/jobs/1.log", None)
    lines = afterwards["logs_excerpt"].splitlines()
    assert (lines[0], lines[9], lines[11], lines[-1], len(lines)) == ("line 0", "line 9", "line 20", "line 29", 21)


def test_a_job_without_log_has_no_place_for_one() -> None:
    job = a_job()

    job.log("nobody reads this")
    job.close()

    assert job.row(raw_result=False)["logs_path"] is None
    assert job.row(raw_result=False)["logs_excerpt"] is None
