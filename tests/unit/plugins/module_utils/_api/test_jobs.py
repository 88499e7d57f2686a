# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job is, and what is remembered of jobs."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import REMEMBERED, JobBook, Progress, job
from ansible_collections.pixels.truenas.plugins.module_utils._api.refusals import refusal


def row(identity=1, **fields):
    return {
        "id": identity,
        "message_ids": ["abc"],
        "method": "virt.instance.create",
        "arguments": [{"name": "px-a"}],
        "progress": {"percent": 40, "description": "Downloading", "extra": None},
        "result": None,
        "error": None,
        "exception": None,
        "exc_info": None,
        "state": "RUNNING",
        **fields,
    }


def failed(**exc_info):
    return job(row(state="FAILED", error="[EFAULT] it broke", exc_info={"repr": "S3CRET", **exc_info}))


def test_a_row_becomes_a_job():
    found = job(row())

    assert (found.id, found.method, found.state) == (1, "virt.instance.create", "RUNNING")
    assert found.progress == Progress(40, "Downloading")
    assert found.message_ids == ("abc",)
    assert not found.is_finished


def test_truenas_25_04_has_no_message_ids():
    old = row()
    del old["message_ids"]

    assert job(old).message_ids is None


@pytest.mark.parametrize("state", ["SUCCESS", "FAILED", "ABORTED"])
def test_three_states_are_the_end(state):
    assert job(row(state=state)).is_finished


@pytest.mark.parametrize("odd", [{}, {"id": "x"}, {"id": 1, "method": None, "state": "RUNNING"}])
def test_a_row_without_sense_is_no_job(odd):
    assert job(odd) is None


def test_odd_progress_is_no_progress():
    assert job(row(progress=None)).progress == Progress(0, "")
    assert job(row(progress={"percent": 12.7, "description": None})).progress == Progress(12, "")


def test_what_can_hold_secrets_is_left_behind():
    found = job(
        row(
            state="FAILED",
            error="[EFAULT] it broke",
            exception="Traceback S3CRET",
            logs_excerpt="S3CRET",
            exc_info={"repr": "S3CRET", "type": "CallError", "errno": 14, "extra": {"key": "S3CRET"}},
        )
    )

    assert "S3CRET" not in str(vars(found))


def test_arguments_and_results_are_not_shown():
    shown = repr(job(row(arguments=["S3CRET"], result="S3CRET", state="SUCCESS")))

    assert "S3CRET" not in shown


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (failed(type="VALIDATION", errno=None, extra=[["a.name", "Field required", 22]]), "Invalid"),
        (failed(type="VALIDATION", errno=None, extra=[[None, "VirtInstance x does not exist", 2]]), "NotFound"),
        (failed(type="VALIDATION", errno=None, extra=[["a.name", "Name 'x' already exists", 22]]), "AlreadyExists"),
        (failed(type="ValidationError", errno=22, extra=None), "Invalid"),
        (failed(type="InstanceNotFound", errno=2, extra=None), "NotFound"),
        (failed(type="CallError", errno=2, extra=None), "NotFound"),
        (failed(type="CallError", errno=17, extra=None), "AlreadyExists"),
        (failed(type="CallError", errno=1, extra=None), "NotPermitted"),
        (failed(type="CallError", errno=14, extra={"x": 1}), "Refused"),
        (failed(type="KeyError", errno=None, extra=None), "Refused"),
        (job(row(state="FAILED", error=None, exc_info=None)), "Refused"),
    ],
)
def test_a_failed_job_fails_as_a_call_would(found, kind):
    error = refusal(found.failure, method="virt.instance.create", nas="nas.lan")

    assert type(error).__name__ == kind
    assert "S3CRET" not in str(error)


def test_a_failed_job_keeps_errno_and_its_name():
    error = refusal(failed(type="CallError", errno=16, extra=None).failure, method="m", nas="n")

    assert (error.errno, error.errname) == (16, "EBUSY")


def test_the_book_keeps_the_last_news_of_each_job():
    book = JobBook()

    book.note(job(row(1)))
    book.note(job(row(2)))
    book.note(job(row(1, state="SUCCESS", result=7)))

    assert book.get(1).result == 7
    assert book.get(2).state == "RUNNING"
    assert book.get(3) is None
    assert book.highest_id == 2


def test_a_finished_job_stays_finished_when_older_news_arrive_late():
    book = JobBook()
    book.note(job(row(1, state="SUCCESS", result=7)))

    book.note(job(row(1, state="RUNNING")))

    assert book.get(1).state == "SUCCESS"


def test_the_second_success_of_a_job_changes_nothing():
    book = JobBook()
    book.note(job(row(1, state="SUCCESS", result=7)))
    first = book.get(1)

    book.note(job(row(1, state="SUCCESS", result=7)))

    assert book.get(1) is first


def test_the_jobs_of_a_busy_nas_do_not_pile_up():
    book = JobBook()

    for identity in range(1, REMEMBERED + 3):
        book.note(job(row(identity)))

    assert book.get(1) is None
    assert book.get(3) is not None


def test_a_job_can_be_forgotten_twice():
    book = JobBook()
    book.note(job(row(1)))

    book.forget(1)
    book.forget(1)

    assert book.get(1) is None
