# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fault at each step of a change of a segment: the NAS keeps its network, and the next run converges."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.login_limiter import LoginRateLimiter
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments import committer
from ansible_collections.pixels.truenas.plugins.modules import pixels_segment
from tests.simulator.running import running_simulator

STEPS = {
    "present": ("interface.create", "interface.commit", "interface.checkin", "tunable.create"),
    "absent": ("interface.delete", "interface.commit", "interface.checkin", "tunable.delete"),
}
LATER = (
    "interface.query",
    "interface.has_pending_changes",
    "interface.checkin_waiting",
    "interface.websocket_interface",
)
"""Reads between the steps."""

FAULTS = {
    "refused": ("fail_call", {"errno": 14, "reason": "bad luck"}),
    "not permitted": ("fail_call", {"errno": 13, "reason": "Not authorized"}),
    "cut before the call": ("drop_before_call", {}),
    "cut before the reply": ("drop_before_reply", {}),
    "cut after the reply": ("drop_after_reply", {}),
    "middleware restarted": ("restart_middleware", {"seconds": 0.0}),
    "nonsense": ("answer_with", {"value": [7]}),
}
GONE = "gone"
"""The NAS answers the step, and nothing after it."""
ALL = [(state, step, fault) for state, steps in STEPS.items() for step in steps for fault in (*FAULTS, GONE)]
READS = [(state, step, fault) for state in STEPS for step in LATER for fault in ("refused", GONE)]
FEW = [
    ("present", "interface.commit", "cut before the reply"),
    ("present", "interface.checkin", GONE),
    ("absent", "interface.commit", GONE),
]
"""Those that leave the NAS in the middle of a change."""


def cases():
    """Yield all cases; the default suite runs a few."""
    for release in ("25.04", "25.10", "26"):
        for state, step, fault in (*ALL, *READS):
            marks = [] if release == "25.10" and (state, step, fault) in FEW else [pytest.mark.wide]
            # Whether the time for a check-in is over before the next run.
            for is_late in (False, True) if fault in (GONE, "cut before the reply") else (False,):
                name = f"{release}-{state}-{step}-{fault}-{'late' if is_late else 'soon'}"
                yield pytest.param(release, state, step, fault, is_late, marks=marks, id=name)


@pytest.fixture
def truenas(release, tmp_path, monkeypatch):
    """Run a simulator that admits any number of logins: without pauses, a client that is cut off tries many times."""
    monkeypatch.setattr(LoginRateLimiter, "admit", lambda *_arguments: None)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIXELS_SESSION", "direct")
    with running_simulator(release=release, engine="paper", login_limit=1_000_000) as simulator:
        yield simulator
        assert simulator.contract_errors == []


@pytest.mark.parametrize(("release", "state", "step", "fault", "is_late"), list(cases()))
def test_a_fault_leaves_the_network_as_it_was_or_complete(
    run, truenas, no_pauses, monkeypatch, state, step, fault, is_late
):
    monkeypatch.setattr(committer, "time", no_pauses)

    def segment(**params):
        return run(pixels_segment, name="br77", checkin_timeout=10, **params)

    world, network = truenas.world, truenas.world.network
    if state == "absent":
        segment()
    commits = network.commits
    # The first query is that of the plan.
    after = 1 if step in LATER[:2] else 0
    limits = {}
    if fault == GONE:
        truenas.faults.go_away(after=after + 1, of=step)
        # Each attempt to reconnect is a login.
        limits = {"call_timeout": 1, "connect_timeout": 1}
    else:
        name, details = FAULTS[fault]
        truenas.faults.add(name, method=step, after=after, **details)

    result = segment(state=state, **limits)

    assert world.interfaces["eno1"].live
    assert truenas.stats.calls["interface.rollback"] == 0
    if result.get("failed") and step in STEPS[state]:
        assert "br77" in result["msg"]
    truenas.faults.clear()
    if is_late:
        network.let_time_pass()
        assert world.interfaces["eno1"].live
    again = segment(state=state)
    assert not again.get("failed"), (result, again)
    assert not segment(state=state)["changed"]
    assert not network.has_pending_changes
    assert network.commits - commits <= 2
    if state == "present":
        assert world.has_interface("br77")
        assert {each.var: each.value for each in network.tunables} == {
            "net.ipv4.conf.br77.rp_filter": "1",
            "net.ipv6.conf.br77.disable_ipv6": "1",
        }
    else:
        assert "br77" not in {each.name for each in world.listed_interfaces}
        assert network.tunables == []
