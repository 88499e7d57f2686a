# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the order in which jobs wait, run and end."""

from __future__ import annotations

import pytest

from tests.simulator.running import RunningSimulator
from tests.unit.simulator.conftest import Connect, Start
from tests.unit.simulator.talk import Message, Talk

CREATE = {"name": "px-web", "image": "ubuntu/24.04", "autostart": False}


def states(talk: Talk, id: int) -> list[tuple[str, str]]:
    talk.event(lambda event: event["id"] == id and event["fields"]["state"] in ("FAILED", "ABORTED"))
    return [(event["msg"], event["fields"]["state"]) for event in talk.events if event["id"] == id]


def test_a_job_is_announced_before_the_reply_and_runs_after_it(talk: Talk) -> None:
    talk.call("core.subscribe", "core.get_jobs")

    talk.start("virt.instance.create", CREATE, id="create")

    first, second, third = talk.receive(), talk.receive(), talk.receive()
    assert (first["params"]["msg"], first["params"]["fields"]["state"]) == ("added", "WAITING")
    assert second == {"jsonrpc": "2.0", "result": 1, "id": "create"}
    assert (third["params"]["msg"], third["params"]["fields"]["state"]) == ("changed", "RUNNING")


def test_success_is_reported_twice_with_the_log_in_the_last_event(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.world.add_container("px-web", status="STOPPED")
    talk.call("core.subscribe", "core.get_jobs")

    talk.call("virt.instance.start", "px-web")

    def is_last(event: Message) -> bool:
        return event["collection"] == "core.get_jobs" and event["fields"]["logs_excerpt"] is not None

    talk.event(is_last)
    endings = [event["fields"] for event in talk.events if event["fields"]["state"] == "SUCCESS"]
    assert [(row["progress"]["percent"], row["logs_excerpt"] is None) for row in endings] == [(100, True), (100, False)]
    assert [row["result"] for row in endings] == [True, True]


def test_wrong_arguments_make_a_job_that_fails(talk: Talk) -> None:
    id = talk.call("virt.instance.create", {"nonsense": 1})

    row = talk.job(id)

    assert row["state"] == "FAILED"
    assert row["exc_info"]["type"] == "VALIDATION"
    assert ["virt_instance_create.name", "Field required", 22] in row["exc_info"]["extra"]


def test_too_many_arguments_fail_the_job_too(talk: Talk) -> None:
    row = talk.job(talk.call("virt.instance.start", "px-web", "px-db"))

    assert row["exc_info"]["extra"] == [["", "Too many arguments (expected 1, found 2)", 22]]


def test_arguments_that_name_no_lock_make_no_job(talk: Talk) -> None:
    error = talk.refusal("virt.instance.start")

    assert error["code"] == -32001
    assert error["data"]["error"] == 22
    assert error["data"]["reason"] == (
        "[EINVAL] Error handling job lock. This is most likely caused by invalid call arguments."
    )
    assert talk.call("core.get_jobs") == []


def test_a_full_lock_queue_answers_with_the_last_waiting_job(start: Start, connect: Connect) -> None:
    simulator = start(start_seconds=0.3)
    simulator.world.add_container("px-web", status="STOPPED")
    talk = connect(simulator)
    talk.login()

    requests = [talk.start("virt.instance.start", "px-web", id=f"call {number}") for number in range(8)]
    ids = [talk.reply(request)["result"] for request in requests]

    assert ids == [1, 2, 3, 4, 5, 6, 6, 6]
    [row] = talk.call("core.get_jobs", [["id", "=", 6]])
    assert row["message_ids"] == ["call 5", "call 6", "call 7"]


def test_a_limited_user_is_refused_instead_of_getting_the_job_of_another(start: Start, connect: Connect) -> None:
    simulator = start(start_seconds=0.3)
    simulator.world.add_container("px-web", status="STOPPED")
    admin, limited = connect(simulator), connect(simulator)
    admin.login()
    limited.login("limited", simulator.add_account("limited", roles=["VIRT_INSTANCE_WRITE"]))
    for _call in range(6):
        admin.call("virt.instance.start", "px-web")

    error = limited.refusal("virt.instance.start", "px-web")

    assert error["data"]["errname"] == "EBUSY"
    assert error["data"]["reason"] == "[EBUSY] This job is already being performed by another user"


def test_a_running_job_is_aborted_immediately_and_a_waiting_one_when_its_turn_comes(
    start: Start, connect: Connect
) -> None:
    simulator = start(start_seconds=30.0)
    simulator.world.add_container("px-web", status="STOPPED")
    talk = connect(simulator)
    talk.login()
    talk.call("core.subscribe", "core.get_jobs")
    running, waiting = (talk.call("virt.instance.start", "px-web") for _call in range(2))

    talk.call("core.job_abort", waiting)
    [before] = talk.call("core.get_jobs", [["id", "=", waiting]])
    talk.call("core.job_abort", running)

    assert before["state"] == "WAITING"
    assert states(talk, running)[-1] == ("changed", "ABORTED")
    assert states(talk, waiting) == [("added", "WAITING"), ("changed", "ABORTED")]


@pytest.mark.parametrize(("release", "code"), [("25.04", -32001), ("25.10", -32602)])
def test_an_unknown_job_cannot_be_aborted(start: Start, connect: Connect, release: str, code: int) -> None:
    talk = connect(start(release=release))
    talk.login()

    assert talk.refusal("core.job_abort", 7)["code"] == code


def test_others_see_nothing_of_a_job(simulator: RunningSimulator, talk: Talk, connect: Connect) -> None:
    other = connect(simulator)
    other.login("other", simulator.add_account("other", roles=["VIRT_INSTANCE_READ"]))
    other.call("core.subscribe", "core.get_jobs")
    id = talk.call("virt.instance.create", CREATE)
    talk.job(id)

    assert other.call("core.get_jobs") == []
    assert other.events == []
    assert other.refusal("core.job_abort", id)["data"]["reason"] == "[EPERM] Job is not owned by current session"


@pytest.mark.parametrize(("release", "visible"), [("25.04", True), ("25.10", False)])
def test_a_limited_user_loses_sight_of_a_job_when_its_connection_ends(
    start: Start, connect: Connect, release: str, *, visible: bool
) -> None:
    simulator = start(release=release)
    key = simulator.add_account("limited", roles=["VIRT_INSTANCE_WRITE"])
    first = connect(simulator)
    first.login("limited", key)
    first.job(first.call("virt.instance.create", CREATE))

    simulator.cut_connections()
    first.ending()
    second = connect(simulator)
    second.login("limited", key)

    assert bool(second.call("core.get_jobs")) is visible


def test_ids_start_again_after_a_restart(simulator: RunningSimulator, talk: Talk, connect: Connect) -> None:
    talk.job(talk.call("virt.instance.create", CREATE))

    simulator.restart_middleware()
    talk.ending()
    again = connect(simulator)
    again.login()

    assert again.call("core.get_jobs") == []
    assert again.call("virt.instance.delete", "px-web") == 1
    assert again.job(1)["state"] == "SUCCESS"


def test_only_a_thousand_jobs_are_remembered(talk: Talk) -> None:
    for turn in range(101):
        # Each of another method, so that none waits for another, or is discarded for one that waits.
        requests = [talk.start("core.bulk", f"nothing.number_{turn}_{number}", []) for number in range(10)]
        for request in requests:
            talk.reply(request)

    assert talk.call("core.get_jobs", [], {"count": True}) <= 1000
    assert talk.call("core.get_jobs", [["id", "=", 1]]) == []


def test_job_wait_mirrors_a_failure_without_its_structure(talk: Talk) -> None:
    failed = talk.call("virt.instance.create", {"nonsense": 1})

    row = talk.job(talk.call("core.job_wait", failed))

    assert row["state"] == "FAILED"
    assert row["exc_info"]["type"] == "CallError"
    assert row["error"].startswith("[EFAULT] [EINVAL] virt_instance_create.name: Field required")


def test_the_result_may_be_asked_for_as_reply_since_25_10(talk: Talk) -> None:
    options = talk.call("core.set_options", {"legacy_jobs": False})

    created = talk.call("virt.instance.create", CREATE)
    refused = talk.refusal("virt.instance.create", {"nonsense": 1})

    assert options == {"legacy_jobs": False, "private_methods": False, "py_exceptions": False}
    assert created["id"] == "px-web"
    assert refused["code"] == -32602


def test_in_that_style_an_aborted_job_looks_like_success(simulator: RunningSimulator, talk: Talk) -> None:
    talk.call("core.set_options", {"legacy_jobs": False})
    simulator.faults.add("abort_job")

    assert talk.ask("virt.instance.create", CREATE)["result"] is None


def test_25_04_does_not_know_that_style(start: Start, connect: Connect) -> None:
    talk = connect(start(release="25.04"))
    talk.login()

    assert talk.call("core.set_options", {"py_exceptions": False}) is None
    assert talk.call("virt.instance.create", CREATE) == 1


def test_a_job_called_by_a_notification_spoils_every_list_it_is_in(talk: Talk) -> None:
    talk.send('{"jsonrpc": "2.0", "method": "core.bulk", "params": ["core.ping", []]}')

    error = talk.refusal("core.get_jobs")

    assert (error["code"], error["message"]) == (-32603, "Failed to JSON serialize server message")
    assert error["data"]["reason"] == "Object of type Undefined is not JSON serializable"
