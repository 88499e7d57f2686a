# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of real containers on a simulated TrueNAS 26."""

from __future__ import annotations

import re
import time

import pytest

from tests.simulator.running import running_simulator
from tests.unit.simulator.talk import Talk

IMAGE = {"name": "debian:bookworm:amd64:default", "version": "20250601_05:24"}
DATASET = "tank/.truenas_containers/containers/px-web"


@pytest.fixture
def talk():
    with running_simulator(release="26.0.0-BETA.3", engine="lxc", address_seconds=0.0) as simulator:
        talk = Talk(simulator)
        talk.simulator = simulator
        talk.login()
        yield talk
        talk.close()


def create(talk):
    job = talk.job(talk.call("container.create", {"name": "px-web", "image": IMAGE}))
    assert job["state"] == "SUCCESS", job
    return job["result"]["id"]


def say(talk, name, command):
    """What a command in a container prints."""
    return talk.simulator.run(talk.simulator.world.engine.run(name, ["/bin/sh", "-c", command])).stdout.decode()


def addresses(text):
    return set(re.findall(r"\|-- (\S+)\n +/32 host LOCAL", text))


def test_the_nas_shows_the_table_that_the_container_has(talk):
    number = create(talk)
    talk.call("container.start", number)
    pid = talk.call("container.get_instance", number)["status"]["pid"]

    until = time.monotonic() + 20
    while len(addresses(inside := say(talk, "px-web", "cat /proc/net/fib_trie"))) < 2:
        assert time.monotonic() < until
        time.sleep(0.1)

    _job, address = talk.call("core.download", "filesystem.get", [f"/proc/{pid}/net/fib_trie"], "file", True)

    assert addresses(talk.download(address)[1].decode()) == addresses(inside)


def test_a_container_is_stopped_rolled_back_renamed_and_deleted(talk):
    number = create(talk)
    talk.call("container.start", number)
    say(talk, "px-web", "until [ -d /run/systemd/system ]; do sleep 0.1; done; echo old > /root/note")
    base = talk.call("pool.snapshot.create", {"dataset": DATASET, "name": "base"})["id"]
    say(talk, "px-web", "echo new > /root/note")

    stopped = talk.job(talk.call("container.stop", number))["state"]
    talk.call("pool.snapshot.rollback", base)
    talk.call("container.update", number, {"name": "px-new"})
    talk.call("container.start", number)
    message = say(talk, "px-new", "cat /root/note /etc/hostname")
    talk.call("pool.snapshot.delete", base.replace("px-web", "px-new"))
    talk.call("container.delete", number)

    assert stopped == "SUCCESS"
    assert message == "old\npx-new\n"
    assert talk.call("container.query") == []
    assert talk.simulator.contract_errors == []
