# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job is, and what is remembered of jobs."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential
from ansible_collections.pixels.truenas.plugins.module_utils._api.error_mapping import refusal
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import (
    MAX_JOBS,
    JobTable,
    Progress,
    job,
    with_masked_texts,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.redaction import Redactor


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
def test_an_invalid_row_is_not_a_job(odd):
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
    book = JobTable()

    book.note(job(row(1)))
    book.note(job(row(2)))
    book.note(job(row(1, state="SUCCESS", result=7)))

    assert book.get(1).result == 7
    assert book.get(2).state == "RUNNING"
    assert book.get(3) is None
    assert book.highest_id == 2


def test_a_finished_job_stays_finished_when_older_news_arrive_late():
    book = JobTable()
    book.note(job(row(1, state="SUCCESS", result=7)))

    book.note(job(row(1, state="RUNNING")))

    assert book.get(1).state == "SUCCESS"


def test_the_second_success_of_a_job_changes_nothing():
    book = JobTable()
    book.note(job(row(1, state="SUCCESS", result=7)))
    first = book.get(1)

    book.note(job(row(1, state="SUCCESS", result=7)))

    assert book.get(1) is first


def test_the_jobs_of_a_busy_nas_do_not_pile_up():
    book = JobTable()

    for identity in range(1, MAX_JOBS + 3):
        book.note(job(row(identity)))

    assert book.get(1) is None
    assert book.get(3) is not None


def test_an_event_of_a_forgotten_job_is_not_kept_but_its_row_is():
    book = JobTable()
    finished = job(row(1, state="SUCCESS", result="large"))
    book.note_event(finished)
    book.forget(1)

    book.note_event(finished)
    assert book.get(1) is None

    book.note(finished)
    assert book.get(1) is finished


def test_forgotten_jobs_do_not_pile_up():
    book = JobTable()

    for identity in range(MAX_JOBS + 1):
        book.forget(identity)
    book.note_event(job(row(0)))

    assert book.get(0) is not None


def test_a_job_can_be_forgotten_twice():
    book = JobTable()
    book.note(job(row(1)))

    book.forget(1)
    book.forget(1)

    assert book.get(1) is None


def test_texts_of_a_job_are_masked_and_bounded():
    row = {"id": 1, "method": "m", "state": "FAILED", "error": "KEY", "exc_info": {"type": "X", "extra": ["KEY"]}}
    row["progress"] = {"percent": float("inf"), "description": "KEY\n" + "x" * 100_000}

    found = job(row, Redactor(Credential("root", password="KEY!")).everywhere)
    masked = job({**row, "error": "no KEY!"}, Redactor(Credential("root", password="KEY!")).everywhere)

    assert found.progress.percent == 100
    assert found.progress.description.startswith("KEY\\n")
    assert len(found.progress.description) <= 1024
    assert masked.failure.reason == "no ********"


@pytest.mark.parametrize("row", [{"id": True}, {"id": 1, "method": {}}, {"id": 1, "method": "m", "state": []}, {}])
def test_an_invalid_row_is_no_job(row):
    assert job(row) is None


def test_rows_are_masked_where_they_explain_a_failure_and_nowhere_else():
    rows = [{"id": 1, "error": "KEY", "exc_info": "KEY", "result": "KEY"}, {"id": 2}, None]

    masked = with_masked_texts(rows, lambda text: text.replace("KEY", "***"))

    assert masked == [{"id": 1, "error": "***", "exc_info": "***", "result": "KEY"}, {"id": 2}, None]
    assert with_masked_texts("no rows", str.upper) == "no rows"


def test_a_failed_validation_with_an_error_number_of_its_own_is_not_about_arguments():
    found = failed(type="ValidationError", errno=2, extra=[["a.name", "no such pool", 2]])

    assert (found.failure.code, found.failure.errname) == (-32001, "ENOENT")
    assert found.failure.problems == (("a.name", "no such pool", 2),)


def test_a_reason_is_shown_without_the_blanks_around_it():
    assert job(row(state="FAILED", error=" [EFAULT] it broke\n", exc_info={})).failure.reason == "[EFAULT] it broke"
