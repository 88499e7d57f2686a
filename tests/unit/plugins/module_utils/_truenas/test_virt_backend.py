# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of containers through `virt.*`."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Refused, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Nic
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.detect import detect_backend
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.virt_backend import (
    VirtBackend,
    stop_arguments,
    stop_attempts,
)
from tests.unit.plugins.conftest import both_generations


@pytest.mark.parametrize(("seconds", "sent"), [(30, 30), (0, 1), (0.2, 1), (4000, 300)])
def test_a_graceful_stop_never_sends_what_would_kill_or_outlast_the_job(seconds, sent):
    assert stop_arguments(seconds, force=False) == {"timeout": sent}


@pytest.mark.parametrize(("seconds", "each"), [(30, [5, 25]), (300, [5, 295]), (10, [10]), (1, [1])])
def test_a_graceful_stop_is_asked_for_twice_where_there_is_time_for_that(seconds, each):
    asked = stop_attempts(seconds, force=False)

    assert [seconds for seconds, _last in asked] == each
    assert [last for _seconds, last in asked][-1:] == [True]


def test_a_forced_stop_has_no_timeout():
    assert stop_arguments(30, force=True) == {"force": True}


class NoWire:
    nas = "nas"


@pytest.mark.parametrize(
    ("state", "advice"),
    [("NO_POOL", "choose a storage pool"), ("LOCKED", "unlock"), ("INITIALIZING", "try again")],
)
def test_a_nas_without_containers_says_what_to_do(state, advice):
    with pytest.raises(Refused, match=f"nas cannot run containers.*{state}.*{advice}"):
        VirtBackend(NoWire(), {"state": state}).ensure_ready()


def test_the_default_pool_comes_first():
    backend = VirtBackend(NoWire(), {"pool": "tank", "storage_pools": ["fast", "tank", "archive"]})

    assert backend.pools() == ("tank", "archive", "fast")


@both_generations
def test_a_container_with_an_invalid_name_is_omitted_with_a_warning(session, truenas):
    warnings = []
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-bad").name = "px-a\nHost *\n  ProxyCommand touch owned"
    truenas.world.add_container("px-twice").name = "px-px-web"

    found = detect_backend(session, warnings.append).list("px-")

    assert [each.name for each in found] == ["px-web"]
    assert len(warnings) == 2
    assert all(text.isprintable() for text in warnings)


@pytest.fixture
def web(truenas):
    """A running container."""
    return truenas.world.add_container("px-web")


def test_a_stop_that_takes_longer_than_its_first_try_is_waited_for(pixels, truenas, web):
    truenas.faults.add("stop_times_out", method="virt.instance.stop", late=0.3)

    pixels.containers.stop("px-web", graceful=30, timeout=60)

    assert web.status == "STOPPED"
    assert pixels.containers.find("px-web").status == "stopped"
    assert truenas.stats.calls["virt.instance.stop"] == 1


def test_a_stop_that_exceeds_its_timeout_is_reported_as_still_running(pixels, truenas, web):
    truenas.faults.add("stop_times_out", method="virt.instance.stop", late=60)

    with pytest.raises(TimedOut, match="still running after 1 s"):
        pixels.containers.stop("px-web", graceful=1, timeout=60)

    pixels.containers.stop("px-web", graceful=1, force=True, timeout=60)
    assert web.status == "STOPPED"


@pytest.mark.parametrize("force", [False, True])
def test_a_container_that_another_client_has_stopped_needs_no_stop(pixels, truenas, web, force):
    web.status = "STOPPED"

    pixels.containers.stop("px-web", graceful=30, force=force, timeout=60)

    assert truenas.stats.calls["virt.instance.stop"] == 1


def test_a_refused_stop_of_a_running_container_is_an_error(pixels, truenas, web):
    truenas.faults.add("fail_job", method="virt.instance.stop", errno=14, text="bad luck")

    with pytest.raises(Refused, match="bad luck"):
        pixels.containers.stop("px-web", graceful=30, timeout=60)


def test_a_container_starts_although_the_stop_before_it_shows_no_status_yet(pixels, truenas, web):
    web.status = "STOPPED"
    # ReadOnce for the start itself, and three times for the look after it.
    truenas.faults.add("shows_status", method="px-web", status="UNKNOWN", times=4)

    pixels.containers.start("px-web", timeout=60)

    assert web.status == "RUNNING"
    assert truenas.faults.waiting == []


@pytest.mark.parametrize("status", ["UNKNOWN", "STOPPING", "ABORTING", "FREEZING"])
def test_a_status_that_passes_after_a_stop_is_waited_out(pixels, truenas, web, status):
    truenas.faults.add("shows_status", method="px-web", status=status, times=3)

    pixels.containers.stop("px-web", graceful=30, timeout=60)

    assert truenas.faults.waiting == []
    assert pixels.containers.find("px-web").status == "stopped"


def test_a_status_that_stays_is_reported_as_it_is(pixels, truenas, web):
    web.status = "FROZEN"

    with pytest.raises(Invalid, match="current status is: FROZEN"):
        pixels.containers.start("px-web", timeout=60)

    assert truenas.stats.calls["virt.instance.start"] == 1


@pytest.mark.parametrize("force", [False, True])
def test_a_restart_finds_a_stop_under_way_and_the_container_runs_in_the_end(pixels, truenas, web, force):
    truenas.faults.add("stop_times_out", method="virt.instance.stop", late=0.3)
    with pytest.raises(Refused, match="deadline exceeded"):
        pixels.wire.run_job("virt.instance.stop", "px-web", {"timeout": 1})

    pixels.containers.restart("px-web", graceful=30, force=force, timeout=60)

    assert web.status == "RUNNING"
    assert web.starts == 1


def test_a_restart_whose_stop_takes_longer_than_its_first_try_ends_with_the_container_running(pixels, truenas, web):
    truenas.faults.add("stop_times_out", method="virt.instance.restart", late=0.3)

    pixels.containers.restart("px-web", graceful=30, timeout=60)

    assert web.status == "RUNNING"
    assert web.starts == 1


def test_settings_are_changed_once_incus_has_let_go_of_a_stop(pixels, truenas, web):
    truenas.world.options.busy_seconds = 0.3
    truenas.faults.add("stop_times_out", method="virt.instance.stop")
    with pytest.raises(TimedOut):
        pixels.containers.stop("px-web", graceful=1, timeout=60)

    pixels.containers.update("px-web", {"cpu": "1"}, timeout=60)
    pixels.containers.set_nic("px-web", Nic("eno1"))

    assert web.cpu == "1"


def test_a_network_card_is_changed_once_incus_has_let_go_of_a_stop(pixels, truenas, web):
    truenas.world.options.busy_seconds = 0.3
    truenas.faults.add("stop_times_out", method="virt.instance.stop")
    with pytest.raises(TimedOut):
        pixels.containers.stop("px-web", graceful=1, timeout=60)

    pixels.containers.set_nic("px-web", Nic("eno1"))

    assert web.devices["eth0"]["parent"] == "eno1"


def test_a_container_is_deleted_once_its_stop_is_over(pixels, truenas, web):
    truenas.faults.add("stop_times_out", method="virt.instance.stop", late=0.3)
    with pytest.raises(Refused, match="deadline exceeded"):
        pixels.wire.run_job("virt.instance.stop", "px-web", {"timeout": 1})

    pixels.containers.delete("px-web", timeout=60)

    assert truenas.world.containers == {}
