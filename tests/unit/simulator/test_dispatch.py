# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that requests are rejected, executed, answered, or hit by a fault."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.simulator.running import RunningSimulator
from tests.unit.simulator.conftest import Connect, Start
from tests.unit.simulator.talk import Talk

CREATE = {"name": "px-web", "image": "ubuntu/24.04", "autostart": False}


def test_an_unknown_method_is_reported_to_strangers_too(stranger: Talk) -> None:
    assert stranger.refusal("no.such.method") == {"code": -32601, "message": "Method does not exist"}


def test_a_stranger_may_call_nothing_else(stranger: Talk) -> None:
    error = stranger.refusal("virt.instance.query", "wrong", "arguments", "too")

    assert (error["code"], error["message"]) == (-32001, "Method call error")
    assert (error["data"]["error"], error["data"]["errname"]) == (207, "ENOTAUTHENTICATED")
    assert error["data"]["reason"] == "[ENOTAUTHENTICATED] Not authenticated"


def test_without_the_role_there_is_no_job(simulator: RunningSimulator, stranger: Talk) -> None:
    stranger.login("reader", simulator.add_account("reader", roles=["VIRT_INSTANCE_READ"]))

    error = stranger.refusal("virt.instance.create", CREATE)

    assert (error["code"], error["data"]["error"]) == (-32001, 13)
    assert error["data"]["reason"] == "[EACCES] Not authorized"
    assert stranger.call("core.get_jobs") == []
    assert stranger.call("virt.instance.query") == []


def test_a_readonly_admin_may_read_everything(simulator: RunningSimulator, stranger: Talk) -> None:
    stranger.login("reader", simulator.add_account("reader", roles=["READONLY_ADMIN"]))

    assert stranger.call("virt.instance.query") == []
    assert stranger.call("system.info")["hostname"] == "truenas"
    assert stranger.refusal("virt.instance.delete", "px-web")["data"]["errname"] == "EACCES"


def test_write_includes_read(simulator: RunningSimulator, stranger: Talk) -> None:
    stranger.login("writer", simulator.add_account("writer", roles=["VIRT_INSTANCE_WRITE"]))

    assert stranger.call("virt.instance.query") == []


def test_a_role_can_be_taken_away_and_comes_back(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.faults.add("remove_role", role="VIRT_INSTANCE_WRITE")
    without = talk.refusal("virt.instance.create", CREATE)
    roles = talk.call("auth.me")["privilege"]["roles"]["$set"]
    simulator.faults.clear()

    assert without["data"]["errname"] == "EACCES"
    assert "VIRT_INSTANCE_READ" in roles
    assert "VIRT_INSTANCE_WRITE" not in roles
    assert talk.job(talk.call("virt.instance.create", CREATE))["state"] == "SUCCESS"


def test_ping_needs_a_login_on_25_04_only(start: Start, connect: Connect) -> None:
    old, new = connect(start(release="25.04")), connect(start(release="25.10"))

    assert old.refusal("core.ping")["data"]["errname"] == "ENOTAUTHENTICATED"
    assert new.call("core.ping") == "pong"


def test_the_twenty_first_login_of_a_minute_is_refused_though_all_were_right(
    simulator: RunningSimulator, connect: Connect
) -> None:
    for _login in range(20):
        assert connect(simulator).login()["response_type"] == "SUCCESS"

    error = connect(simulator).refusal(
        "auth.login_ex", {"mechanism": "API_KEY_PLAIN", "username": "pixels", "api_key": simulator.api_key}
    )

    assert (error["code"], error["data"]["error"], error["data"]["errname"]) == (-32001, 16, "EBUSY")
    assert error["data"]["reason"] == "[EBUSY] Rate Limit Exceeded"
    assert connect(simulator).call("auth.login_with_api_key", simulator.api_key) is True


def test_the_window_can_be_short(start: Start, connect: Connect) -> None:
    simulator = start(login_limit=1, login_window=0.1)
    talk = connect(simulator)
    talk.call("core.ping")

    answers = [talk.ask("core.ping")]
    while "error" in answers[-1]:
        answers.append(talk.ask("core.ping"))

    assert answers[-1]["result"] == "pong"


def test_calls_after_the_login_are_not_counted_and_options_never_are(start: Start, connect: Connect) -> None:
    simulator = start(login_limit=1)
    talk = connect(simulator)
    for _call in range(3):
        talk.call("core.set_options", {"private_methods": True})
    talk.login()

    assert [talk.call("core.ping") for _call in range(3)] == ["pong"] * 3


def test_a_rate_limit_can_be_ordered(simulator: RunningSimulator, stranger: Talk) -> None:
    simulator.faults.add("rate_limit", times=2)

    refusals = [stranger.refusal("core.ping")["data"]["errname"] for _call in range(2)]

    assert refusals == ["EBUSY", "EBUSY"]
    assert stranger.call("core.ping") == "pong"
    assert simulator.stats.rate_limited == 2


def test_the_twenty_first_call_at_the_same_time_is_refused_without_data(
    simulator: RunningSimulator, talk: Talk
) -> None:
    simulator.faults.add("delay", method="core.ping", seconds=0.3, times=20)

    requests = [talk.start("core.ping") for _call in range(21)]

    assert talk.receive() == {
        "jsonrpc": "2.0",
        "error": {"code": -32000, "message": "Maximum number of concurrent calls (20) has exceeded"},
        "id": requests[20],
    }
    assert [talk.reply(request)["result"] for request in requests[:20]] == ["pong"] * 20
    assert simulator.stats.most_in_flight == 21


def test_replies_come_as_they_are_ready(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.faults.add("delay", method="system.version", seconds=0.2)

    talk.start("system.version", id="slow")
    talk.start("core.ping", id="quick")

    assert [talk.receive()["id"], talk.receive()["id"]] == ["quick", "slow"]


def test_replies_can_be_made_to_come_out_of_order(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.faults.add("reorder", method="system.version")

    talk.start("system.version", id="first")
    talk.start("core.ping", id="second")

    assert [talk.receive()["id"], talk.receive()["id"]] == ["second", "first"]


def test_a_call_can_be_dropped_before_it_is_executed(simulator: RunningSimulator, talk: Talk, connect: Connect) -> None:
    simulator.faults.add("drop_before_call", method="virt.instance.create")

    talk.start("virt.instance.create", CREATE)

    assert talk.ending() == (None, "")
    assert simulator.world.containers == {}
    assert simulator.faults.waiting == []


@pytest.mark.parametrize("fault", ["drop_before_reply", "drop_mid_job"])
def test_a_job_outlives_the_connection_that_started_it(
    simulator: RunningSimulator, talk: Talk, connect: Connect, fault: str
) -> None:
    simulator.faults.add(fault, method="virt.instance.create")

    talk.start("virt.instance.create", CREATE, id="mine")
    talk.ending()
    again = connect(simulator)
    again.login()

    [row] = again.call("core.get_jobs", [["message_ids", "rin", "mine"]])
    assert again.job(row["id"])["state"] == "SUCCESS"
    assert list(simulator.world.containers) == ["px-web"]


def test_a_connection_can_break_right_after_the_reply(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.faults.add("drop_after_reply", method="core.ping")

    assert talk.call("core.ping") == "pong"
    assert talk.ending() == (None, "")


def test_a_call_can_be_made_to_fail(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.faults.add("fail_call", method="system.version", errno=28, reason="No space left")

    assert talk.refusal("system.version")["data"]["reason"] == "[ENOSPC] No space left"
    assert talk.call("system.version") == "TrueNAS-25.10.6"


@pytest.mark.parametrize(
    ("details", "error", "kind"),
    [
        ({"errno": 16, "text": "busy", "extra": {"x": 1}}, "[EBUSY] busy", "CallError"),
        (
            {"kind": "VALIDATION", "extra": [["virt_instance_create.name", "no", 22]]},
            "[EINVAL] virt_instance_create.name: no\n",
            "VALIDATION",
        ),
        ({"kind": "TimeoutError", "text": "late"}, "late", "TimeoutError"),
    ],
)
def test_a_job_can_be_made_to_fail(
    simulator: RunningSimulator, talk: Talk, details: dict[str, t.Any], error: str, kind: str
) -> None:
    simulator.faults.add("fail_job", method="virt.instance.create", **details)

    row = talk.job(talk.call("virt.instance.create", CREATE))

    assert (row["state"], row["error"], row["exc_info"]["type"]) == ("FAILED", error, kind)
    assert simulator.world.containers == {}


def test_a_call_can_be_answered_with_the_job_of_another_user(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.faults.add("substitute_job", method="virt.instance.create")

    row = talk.job(talk.call("virt.instance.create", CREATE))

    assert row["method"] == "virt.instance.create"
    assert row["arguments"] != [CREATE]
    assert simulator.world.containers == {}


def test_a_restart_in_the_middle_of_a_job_forgets_it(simulator: RunningSimulator, talk: Talk, connect: Connect) -> None:
    simulator.faults.add("restart_middleware", method="virt.instance.create")

    talk.call("virt.instance.create", CREATE)
    talk.ending()
    again = connect(simulator)
    again.login()

    assert again.call("core.get_jobs") == []


def test_a_restart_swallows_a_plain_call(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.faults.add("restart_middleware", method="core.ping")

    talk.start("core.ping")

    assert talk.ending() == (None, "")


@pytest.mark.parametrize(("release", "taken"), [("25.10", ["tank@base"]), ("26", [])])
def test_since_26_a_call_ends_with_its_connection(
    start: Start, connect: Connect, release: str, taken: list[str]
) -> None:
    simulator = start(release=release, snapshot_seconds=0.2)
    talk, other = connect(simulator), connect(simulator)
    talk.login()
    other.login()
    simulator.faults.add("delay", method="core.ping", seconds=0.5)

    talk.start("pool.snapshot.create", {"dataset": "tank", "name": "base"})
    while "pool.snapshot.create" not in simulator.stats.calls:
        other.call("system.version")
    talk.leave()
    other.call("core.ping")

    assert list(simulator.world.snapshots) == taken


def test_a_job_of_26_outlives_its_connection(start: Start, connect: Connect) -> None:
    simulator = start(release="26", create_seconds=0.3)
    talk, other = connect(simulator), connect(simulator)
    talk.login()
    other.login()
    image = {"name": "ubuntu:noble:amd64:default", "version": "20250601_05:24"}

    number = talk.call("container.create", {"name": "px-web", "image": image})
    talk.leave()

    assert other.job(number)["state"] == "SUCCESS"
    assert "px-web" in simulator.world.containers


def test_a_start_of_26_goes_on_without_its_connection(start: Start, connect: Connect) -> None:
    simulator = start(release="26", start_seconds=0.2)
    web = simulator.world.add_container("px-web", status="STOPPED")
    talk, other = connect(simulator), connect(simulator)
    talk.login()
    other.login()
    other.call("core.subscribe", "container.query")

    talk.start("container.start", 1)
    other.event(lambda event: event["collection"] == "container.query")
    talk.leave()
    other.event(lambda event: event["fields"]["status"]["state"] == "RUNNING")

    assert web.status == "RUNNING"


def test_since_26_the_trace_of_an_error_holds_no_arguments(start: Start, connect: Connect) -> None:
    simulator = start(release="26")

    error = connect(simulator).refusal("auth.login_ex", {"mechanism": "API_KEY_PLAIN", "api_key": simulator.api_key})

    assert error["data"]["trace"].keys() == {"class", "formatted", "repr"}
    assert simulator.api_key not in json.dumps(error)


def test_the_trace_of_an_error_holds_the_arguments(simulator: RunningSimulator, stranger: Talk) -> None:
    error = stranger.refusal("auth.login_ex", {"mechanism": "API_KEY_PLAIN", "api_key": simulator.api_key})

    assert simulator.api_key in error["data"]["trace"]["frames"][0]["locals"]["params"]
    assert error["data"]["extra"] == [["login_data.API_KEY_PLAIN.username", "Field required", 22]]
    assert error["data"]["reason"] == "[EINVAL] login_data.API_KEY_PLAIN.username: Field required\n"
