# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of segments: isolated bridges of a NAS."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments import committer
from ansible_collections.pixels.truenas.plugins.modules import pixels_segment
from tests.simulator import lan

RP_FILTER, DISABLE_IPV6 = "net.ipv4.conf.br77.rp_filter", "net.ipv6.conf.br77.disable_ipv6"

each_release = pytest.mark.parametrize(
    "release",
    [
        pytest.param("25.04", marks=pytest.mark.wide),
        "25.10",
        pytest.param("26.0.0-BETA.3", marks=pytest.mark.wide),
        "26",
    ],
)
newest_incus = pytest.mark.parametrize("release", ["25.10"])


@pytest.fixture(autouse=True)
def static_network(truenas):
    lan.configure_statically(truenas.world)


@pytest.fixture
def segment(run):
    """Run the module."""

    def run_module(**params):
        return run(pixels_segment, **{"name": "br77", **params})

    return run_module


def untouched(truenas):
    """Return whether no change is pending, and none was committed."""
    network = truenas.world.network
    return not network.has_pending_changes and not network.commits and "br77" not in truenas.world.interfaces


@each_release
def test_check_mode_predicts_and_a_second_run_changes_nothing(segment, truenas):
    predicted = segment(check_mode=True)
    assert untouched(truenas)

    done = segment()

    assert (done["changed"], done["diff"]) == (predicted["changed"], predicted["diff"]) == (True, done["diff"])
    assert done["segment"] == {"name": "br77", "isolated": "yes", "open": [], "nas": done["segment"]["nas"]}
    network, bridge = truenas.world.network, truenas.world.interfaces["br77"]
    assert (bridge.details["bridge_members"], bridge.details["stp"], bridge.live) == ([], False, ())
    assert (network.sysctl(RP_FILTER), network.sysctl(DISABLE_IPV6)) == ("1", "1")
    assert (network.has_pending_changes, network.is_waiting) == (False, False)
    again = segment()
    assert (again["changed"], again["segment"], network.commits) == (False, done["segment"], 1)


@each_release
def test_a_segment_is_removed_with_its_sysctls(segment, truenas):
    segment()
    predicted = segment(state="absent", check_mode=True)

    done = segment(state="absent")

    assert (done["changed"], done["diff"]) == (predicted["changed"], predicted["diff"]) == (True, done["diff"])
    assert done["segment"] is None
    assert "br77" not in truenas.world.interfaces
    assert (truenas.world.network.tunables, truenas.world.network.has_pending_changes) == ([], False)
    assert not segment(state="absent")["changed"]


@newest_incus
def test_a_new_login_proves_that_the_nas_answers_before_the_check_in(segment, truenas):
    segment()

    calls = truenas.stats.calls
    assert calls["auth.login_ex"] == 2
    assert (calls["interface.commit"], calls["interface.checkin"], calls["interface.rollback"]) == (1, 1, 0)


@newest_incus
def test_without_a_new_login_the_nas_takes_the_change_back(segment, truenas, no_pauses, monkeypatch):
    monkeypatch.setattr(committer, "time", no_pauses)
    truenas.world.network.breaks_with_commit = True

    result = segment(checkin_timeout=10)

    assert "accepted no new login within 10 s" in result["msg"]
    assert "takes the change back automatically" in result["msg"]
    assert truenas.stats.calls["interface.checkin"] == 0
    truenas.world.network.let_time_pass()
    assert "br77" not in truenas.world.interfaces
    done = segment()
    assert done.get("segment", {}).get("isolated") == "yes", done
