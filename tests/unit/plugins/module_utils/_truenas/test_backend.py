# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a container says of itself."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import backend
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import (
    Address,
    Container,
    Image,
    Metadata,
    NewContainer,
    Nic,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.virt_backend import VirtBackend


@pytest.mark.parametrize(("status", "running"), [("running", True), ("stopped", False), ("frozen", False)])
def test_only_one_that_is_running_runs(status, running):
    assert Container(PixelName("px-web"), status).running is running


def test_its_address_is_the_first_of_ipv4():
    addresses = (Address("ipv6", "fd00::2"), Address("ipv4", "10.0.0.2", 24), Address("ipv4", "172.17.0.1", 16))

    assert Container(PixelName("px-web"), "running", addresses).ipv4 == "10.0.0.2"


@pytest.mark.parametrize("addresses", [(), (Address("ipv6", "fd00::2"),), (Address("ipv4", ""),)])
def test_it_may_have_none(addresses):
    assert Container(PixelName("px-web"), "running", addresses).ipv4 is None


def test_the_address_to_connect_to_is_that_of_its_own_nic_and_ipv4_where_there_is_one():
    docker = Address("ipv4", "172.17.0.1", own=False)
    version_6 = Address("ipv6", "fd00::2")

    assert Container(PixelName("px-web"), "running", (docker, version_6)).address == "fd00::2"
    assert Container(PixelName("px-web"), "running", (version_6, Address("ipv4", "10.0.0.2"))).address == "10.0.0.2"
    assert Container(PixelName("px-web"), "running", (docker,)).address is None
    assert Container(PixelName("px-web"), "running", (version_6,)).ipv6 == "fd00::2"


def test_one_that_an_operation_stopped_counts_as_having_run():
    assert Container(PixelName("px-web"), "running").ran
    assert Container(PixelName("px-web"), "stopped", metadata=Metadata(stopped_by="restore")).ran
    assert not Container(PixelName("px-web"), "stopped").ran


def test_nothing_is_known_of_a_container_unless_the_nas_reports_it():
    container = Container(PixelName("px-web"), "stopped")

    assert container == Container(
        *(PixelName("px-web"), "stopped", (), None, None, Image("", "", "", ""), {}),
        autostart=False,
        metadata=Metadata(None, None, {}, None, None, None, None, None, None, None),
        pool=None,
        dataset=None,
        unfinished=(),
    )
    assert NewContainer(PixelName("px-web"), "debian/12") == NewContainer(
        PixelName("px-web"), "debian/12", None, None, {}, Metadata(), None, None
    )
    assert Nic("eno1") == Nic("eno1", "macvlan", "eth0")


class Changing(VirtBackend):
    """Containers whose status changes with each query."""

    def __init__(self, *statuses):
        super().__init__(None, None)
        self._statuses = iter(statuses)

    def find(self, name, *, timeout=None):
        status = next(self._statuses)
        return Container(name, status) if status else None


class Clock:
    """A clock that goes on while a test sleeps."""

    def __init__(self):
        self.now, self.sleeps = 100.0, []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        assert len(self.sleeps) < 100
        self.sleeps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(backend, "time", clock)
    return clock


@pytest.mark.parametrize(("last", "status"), [("running", "running"), ("stopped", "stopped"), (None, None)])
def test_the_end_of_a_transient_status_is_waited_for(clock, last, status):
    found = Changing("starting", "unknown", last).settled("px-web", timeout=5)

    assert (found and found.status) == status
    assert clock.sleeps == pytest.approx([0.05, 0.075])


def test_the_wait_for_a_status_has_pauses_of_a_second_at_most_and_an_end(clock):
    found = Changing(*["stopping"] * 100).settled("px-web", timeout=5)

    assert found.status == "stopping"
    assert clock.now == pytest.approx(105)
    assert clock.sleeps[-3:-1] == pytest.approx([1, 1])
