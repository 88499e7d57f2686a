# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does core.bulk do one after the other, whatever becomes of each?"""

from __future__ import annotations

import pytest

from tests.simulator.running import RunningSimulator
from tests.unit.simulator.conftest import Connect, Start
from tests.unit.simulator.talk import Talk

NOT_THERE = "[ENOENT] None: VirtInstance px-nowhere does not exist"


def test_plain_calls_come_back_in_order_with_their_errors(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.world.add_container("px-web")

    id = talk.call("core.bulk", "virt.instance.device_list", [["px-nowhere"], ["px-web"]])

    rows = talk.job(id)["result"]
    assert [row["error"] is None for row in rows] == [False, True]
    assert [row["result"] is None for row in rows] == [True, False]


@pytest.mark.parametrize(
    ("release", "keys"), [("25.04", {"error", "result"}), ("25.10", {"job_id", "error", "result"})]
)
def test_only_25_10_always_names_a_job(start: Start, connect: Connect, release: str, keys: set[str]) -> None:
    talk = connect(start(release=release))
    talk.login()

    [row] = talk.job(talk.call("core.bulk", "core.ping", [[]]))["result"]

    assert row.keys() == keys
    assert row["result"] == "pong"


def test_inner_jobs_are_waited_for(simulator: RunningSimulator, talk: Talk) -> None:
    for name in ("px-a", "px-b"):
        simulator.world.add_container(name, status="STOPPED")

    id = talk.call("core.bulk", "virt.instance.start", [["px-a"], ["px-nowhere"], ["px-b"], []])

    rows = talk.job(id)["result"]
    assert [row["job_id"] is None for row in rows] == [False, False, False, True]
    assert [row["result"] for row in rows] == [True, None, True, None]
    assert rows[1]["error"] == NOT_THERE
    assert {container.status for container in simulator.world.containers.values()} == {"RUNNING"}


def test_an_aborted_inner_job_shows_no_error(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.world.add_container("px-web", status="STOPPED")
    simulator.faults.add("abort_job", method="virt.instance.start")

    [row] = talk.job(talk.call("core.bulk", "virt.instance.start", [["px-web"]]))["result"]

    assert (row["error"], row["result"]) == (None, None)


def test_an_unknown_method_and_one_without_the_role_fail_the_whole(simulator: RunningSimulator, stranger: Talk) -> None:
    stranger.login("limited", simulator.add_account("limited", roles=["VIRT_INSTANCE_READ"]))

    unknown = stranger.job(stranger.call("core.bulk", "virt.instance.explode", [["px-web"]]))
    forbidden = stranger.job(stranger.call("core.bulk", "virt.instance.start", [["px-web"]]))
    without_role = stranger.job(stranger.call("core.bulk", "core.ping", [[]]))

    assert unknown["exc_info"]["errno"] == 201
    assert forbidden["error"] == without_role["error"] == "[EPERM] Not authorized"


def test_a_description_is_shown_as_progress(simulator: RunningSimulator, talk: Talk) -> None:
    talk.call("core.subscribe", "core.get_jobs")

    talk.job(talk.call("core.bulk", "virt.instance.device_list", [["px-a"], ["px-b"]], "Looking at {0}"))
    wrong = talk.job(talk.call("core.bulk", "virt.instance.device_list", [["px-a"]], "Looking at {1}"))

    descriptions = {event["fields"]["progress"]["description"] for event in talk.events}
    assert {"0 / 2: Looking at px-a", "1 / 2: Looking at px-b"} <= descriptions
    assert wrong["state"] == "FAILED"
