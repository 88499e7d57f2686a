# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test bulk calls, the logs of jobs, and the list of methods."""

from __future__ import annotations

import pytest

from tests.simulator.releases import INCUS_HAS
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


def test_the_log_of_a_job_can_be_fetched_once(talk: Talk) -> None:
    cron_job = talk.call("cronjob.create", {"command": "zfs destroy tank/nothing", "user": "root", "stdout": False})
    id = talk.call("cronjob.run", cron_job["id"])
    excerpt = talk.job(id)["logs_excerpt"]

    path = talk.call("core.job_download_logs", id, "run.log")

    assert excerpt
    assert talk.download(path) == (200, f"{excerpt}\n".encode())
    assert talk.download(path)[0] == 401


def test_a_log_may_be_empty(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.world.add_container("px-web", status="STOPPED")
    id = talk.call("virt.instance.start", "px-web")
    talk.job(id)

    path = talk.call("core.job_download_logs", id, "start.log", True)

    assert talk.download(path) == (200, b"")


def test_not_every_job_has_a_log(talk: Talk) -> None:
    id = talk.call("core.bulk", "core.ping", [])
    talk.job(id)

    data = talk.refusal("core.job_download_logs", id, "bulk.log")["data"]

    assert (data["error"], data["reason"]) == (14, "[EFAULT] This job has no logs")


def test_a_log_is_only_for_the_user_that_started_the_job(
    simulator: RunningSimulator, talk: Talk, connect: Connect
) -> None:
    simulator.world.add_container("px-web", status="STOPPED")
    simulator.world.add_container("px-db", status="STOPPED")
    other = connect(simulator)
    other.login("limited", simulator.add_account("limited", roles=["VIRT_INSTANCE_WRITE"]))
    others, own = talk.call("virt.instance.start", "px-web"), other.call("virt.instance.start", "px-db")

    refused = other.refusal("core.job_download_logs", others, "start.log")["data"]
    path = other.call("core.job_download_logs", own, "start.log")

    assert (refused["error"], refused["reason"]) == (1, "[EPERM] Job is not owned by current session")
    assert other.download(path)[0] == 200


def test_containers_of_26_are_another_service(start: Start, connect: Connect) -> None:
    talk = connect(start(release="26"))
    talk.login()

    jobs = {name for name, each in talk.call("core.get_methods", "container").items() if each["job"]}

    assert jobs == {"container.create", "container.stop", "container.delete", "container.migrate"}
    assert talk.call("core.get_methods", "virt.instance") == {}


@pytest.mark.parametrize("release", INCUS_HAS)
def test_methods_of_a_service_say_whether_they_are_jobs(start: Start, connect: Connect, release: str) -> None:
    talk = connect(start(release=release))
    talk.login()

    found = talk.call("core.get_methods", "virt.instance")

    assert {name.rpartition(".")[0] for name in found} == {"virt.instance"}
    assert found["virt.instance.create"] == {"job": True, "downloadable": False, "uploadable": False}
    assert found["virt.instance.query"] == {"job": False, "downloadable": False, "uploadable": False}
    assert "virt.instance.get_shell" not in found, "private methods are not listed"


def test_methods_say_whether_they_take_or_give_a_file(talk: Talk) -> None:
    found = talk.call("core.get_methods")

    assert [name for name, each in found.items() if each["uploadable"]] == ["filesystem.put"]
    assert [name for name, each in found.items() if each["downloadable"]] == ["filesystem.get"]
    assert "filesystem.file_receive" not in found


def test_snapshots_are_listed_under_their_public_name(each_release: RunningSimulator, connect: Connect) -> None:
    talk = connect(each_release)
    talk.login()

    services = {name.rpartition(".")[0] for name in talk.call("core.get_methods")}

    assert services & {"zfs.snapshot", "pool.snapshot"} == {each_release.release.snapshot_service}
    assert "zfs.dataset" not in services


def test_only_methods_that_may_be_called_are_listed(simulator: RunningSimulator, stranger: Talk) -> None:
    stranger.login("limited", simulator.add_account("limited", roles=["VIRT_INSTANCE_READ"]))

    found = stranger.call("core.get_methods")

    assert "virt.instance.query" in found
    assert "core.get_jobs" in found
    assert "auth.login_ex" in found
    assert not found.keys() & {"virt.instance.create", "cronjob.query", "filesystem.get"}


def test_only_25_04_lists_methods_before_a_login(start: Start, connect: Connect) -> None:
    old, new = connect(start(release="25.04")), connect(start(release="25.10"))

    listed = old.call("core.get_methods")

    assert "auth.login_ex" in listed
    assert "virt.instance.query" not in listed
    assert new.refusal("core.get_methods")["data"]["error"] == 207


def test_services_are_listed_with_their_kinds(talk: Talk) -> None:
    found = talk.call("core.get_services")

    kinds = {name: each["type"] for name, each in found.items()}
    assert (kinds["virt.instance"], kinds["virt.global"], kinds["core"]) == ("crud", "config", "service")
    assert found["core"]["config"]["namespace"] == "core"
    assert "zfs.dataset" not in found, "private services are not listed"
    assert talk.call("core.get_services", "CLI") == found


def test_services_are_listed_without_a_login_by_the_oldest_release_only(start: Start, connect: Connect) -> None:
    assert "core" in connect(start(release="25.04")).call("core.get_services")
    assert connect(start(release="25.10")).refusal("core.get_services")["data"]["error"] == 207
