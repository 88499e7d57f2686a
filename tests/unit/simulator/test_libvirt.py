# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of containers of TrueNAS 26 that really run, from the outside."""

from __future__ import annotations

import re
import typing as t

import pytest

from tests.simulator.engines.base import EngineUnavailable
from tests.simulator.releases import HALFMOON_BETA
from tests.simulator.running import RunningSimulator
from tests.unit.simulator.conftest import Connect, Start
from tests.unit.simulator.talk import Talk

IMAGE = {"name": "ubuntu:noble:amd64:default", "version": "20250601_05:24"}
DATASET = "tank/.truenas_containers/containers/px-web"


class Halfmoon:
    """A NAS, and a full admin at it."""

    def __init__(self, simulator: RunningSimulator, talk: Talk) -> None:
        self.simulator = simulator
        self.talk = talk

    def create(self, name: str = "px-web") -> int:
        job = self.talk.job(self.talk.call("container.create", {"name": name, "image": IMAGE}))
        assert job["state"] == "SUCCESS", job
        return t.cast(int, job["result"]["id"])

    def stop(self, number: int, **options: bool) -> str:
        """How the job ended."""
        return t.cast(str, self.talk.job(self.talk.call("container.stop", number, options))["state"])

    def run(self, name: str, script: str) -> str:
        work = self.simulator.world.engine.run(name, ["/bin/sh", "-c", script])
        return t.cast(str, self.simulator.run(work).stdout.decode())

    def read(self, path: str) -> str:
        """A file of the NAS, as a client gets it."""
        _job, address = self.talk.call("core.download", "filesystem.get", [path], "file", True)
        status, content = self.talk.download(address)
        assert status == 200
        return content.decode()


on_beta = pytest.mark.parametrize("halfmoon", [HALFMOON_BETA.name], indirect=True)


@pytest.fixture
def halfmoon(request: pytest.FixtureRequest, start: Start, connect: Connect) -> Halfmoon:
    """Of the release candidate, unless a test names another release."""
    try:
        simulator = start(release=getattr(request, "param", "26"), engine="process", address_seconds=0.0)
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    talk = connect(simulator)
    talk.login()
    return Halfmoon(simulator, talk)


def test_a_container_lives_from_create_to_delete(halfmoon: Halfmoon) -> None:
    number = halfmoon.create()

    halfmoon.talk.call("container.start", number)
    output = halfmoon.run("px-web", "cat /etc/hostname; grep 127.0.1.1 /etc/hosts")
    stopped = halfmoon.stop(number)
    deleted = halfmoon.talk.job(halfmoon.talk.call("container.delete", number))["state"]

    assert output.split() == ["px-web", "127.0.1.1", "px-web"]
    assert (stopped, deleted) == ("SUCCESS", "SUCCESS")
    assert halfmoon.talk.call("container.query") == []


def test_its_address_is_in_the_kernels_table_while_it_runs(halfmoon: Halfmoon) -> None:
    number = halfmoon.create()
    halfmoon.talk.call("container.start", number)
    status = halfmoon.talk.call("container.get_instance", number)["status"]
    [address] = halfmoon.simulator.world.engine.addresses("px-web")

    table = halfmoon.read(f"/proc/{status['pid']}/net/fib_trie")

    assert re.search(rf"\|-- {re.escape(address.address)}\n +/32 host LOCAL\n", table)
    halfmoon.stop(number, force=True)
    refused = halfmoon.talk.call(
        "core.download", "filesystem.get", [f"/proc/{status['pid']}/net/fib_trie"], "file", True
    )
    assert halfmoon.talk.job(refused[0])["state"] == "FAILED"


def test_its_files_are_the_nas_files_whether_it_runs_or_not(halfmoon: Halfmoon) -> None:
    number = halfmoon.create()
    note = "/mnt/.truenas_containers/tank/containers/px-web/root/note"
    halfmoon.talk.call("filesystem.file_receive", note, "aGVsbG8=", {"mode": 0o600, "uid": 0, "gid": 0})

    halfmoon.talk.call("container.start", number)
    seen = halfmoon.run("px-web", "cat /root/note; echo changed > /root/note")

    assert seen == "hello"
    assert halfmoon.read(note) == "changed\n"


@on_beta
def test_a_rollback_brings_its_files_back(halfmoon: Halfmoon) -> None:
    number = halfmoon.create()
    halfmoon.talk.call("container.start", number)
    halfmoon.run("px-web", "echo old > /root/note")
    base = halfmoon.talk.call("pool.snapshot.create", {"dataset": DATASET, "name": "base"})["id"]
    halfmoon.run("px-web", "echo new > /root/note")
    halfmoon.stop(number)

    halfmoon.talk.call("pool.snapshot.rollback", base)
    halfmoon.talk.call("container.start", number)

    assert halfmoon.run("px-web", "cat /root/note") == "old\n"


def test_a_new_name_keeps_the_files_and_is_the_hostname(halfmoon: Halfmoon) -> None:
    number = halfmoon.create()
    halfmoon.talk.call("container.start", number)
    halfmoon.run("px-web", "echo kept > /root/note")
    halfmoon.stop(number)

    halfmoon.talk.call("container.update", number, {"name": "px-new"})
    halfmoon.talk.call("container.start", number)

    assert halfmoon.run("px-new", "cat /root/note /etc/hostname") == "kept\npx-new\n"
    assert list(halfmoon.simulator.world.containers) == ["px-new"]


def test_what_is_wrong_with_a_create_is_reported_by_its_job(halfmoon: Halfmoon) -> None:
    number = halfmoon.talk.call("container.create", {"name": "px_web", "image": IMAGE})

    job = halfmoon.talk.job(number)

    assert (job["state"], job["exc_info"]["type"]) == ("FAILED", "VALIDATION")
    assert [each[0] for each in job["exc_info"]["extra"]] == ["container_create.name"]


def test_a_stop_of_what_does_not_run_fails_by_the_name_of_the_error(halfmoon: Halfmoon) -> None:
    number = halfmoon.create()

    job = halfmoon.talk.job(halfmoon.talk.call("container.stop", number))

    assert (job["state"], job["error"]) == ("FAILED", "Domain 'px-web' does not exist")
    assert (job["exc_info"]["type"], job["exc_info"]["errno"]) == ("DomainDoesNotExistError", None)


@on_beta
def test_a_second_start_is_an_error_without_a_number_of_its_own(halfmoon: Halfmoon) -> None:
    number = halfmoon.create()
    halfmoon.talk.call("container.start", number)

    error = halfmoon.talk.refusal("container.start", number)

    assert (error["code"], error["data"]["error"], error["data"]["errname"]) == (-32001, 22, "EINVAL")
    assert error["data"]["reason"] == "Domain 'px-web' is already started (<DomainState.RUNNING: 'RUNNING'>)."


@on_beta
def test_a_reset_takes_orphans_along(halfmoon: Halfmoon) -> None:
    number = halfmoon.create()
    halfmoon.talk.call("pool.snapshot.create", {"dataset": DATASET, "name": "base"})
    orphaned = halfmoon.talk.refusal("container.delete", number)

    halfmoon.simulator.reset()

    assert orphaned["data"]["extra"][0][2] == 39
    assert halfmoon.create() == 1


def test_an_account_that_may_read_containers_gets_their_events(halfmoon: Halfmoon, connect: Connect) -> None:
    reader, other = connect(halfmoon.simulator), connect(halfmoon.simulator)
    reader.login("reader", halfmoon.simulator.add_account("reader", roles=["CONTAINER_READ"]))
    other.login("other", halfmoon.simulator.add_account("other", roles=["SNAPSHOT_READ"]))

    reader.call("core.subscribe", "container.query")
    refused = other.refusal("core.subscribe", "container.query")
    number = halfmoon.create()

    event = reader.event(lambda event: event["collection"] == "container.query")
    assert (event["msg"], event["id"], event["fields"]["name"]) == ("added", number, "px-web")
    assert refused["data"]["reason"] == "[EACCES] Not authorized"
    assert reader.call("container.get_instance", number)["name"] == "px-web"
    assert reader.refusal("container.start", number)["data"]["reason"] == "[EACCES] Not authorized"
