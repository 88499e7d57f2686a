# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Egress policies of pixels that can have none, as those here; tests/integration/test_egress.py has pixels that can."""

from __future__ import annotations

import math

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import record
from ansible_collections.pixels.truenas.plugins.modules import pixels_container, pixels_egress, pixels_exec


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture
def egress(run, truenas):
    truenas.world.add_container("px-web")
    # An init system that is not supported.
    run(pixels_exec, name="web", transport="shell", argv=["rm", "-r", "/run/systemd"])

    def run_module(**params):
        return run(pixels_egress, **{"name": "web", **params})

    return run_module


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_pixel_without_a_policy_is_unrestricted_already(egress, check_mode):
    done = egress(mode="unrestricted", check_mode=check_mode)

    assert not done["changed"]
    assert done["egress"] == {"mode": "unrestricted"}


def test_a_pixel_that_cannot_be_restricted_is_stopped(egress, truenas):
    failed = egress(mode="agent")

    assert "the pixel has neither systemd nor OpenRC" in failed["msg"]
    assert "web was stopped, because it would have had no rules" in failed["msg"]
    assert truenas.world.containers["px-web"].status == "STOPPED"


def test_check_mode_says_so_and_stops_nothing(egress, truenas):
    failed = egress(mode="agent", check_mode=True)

    assert "the pixel has neither systemd nor OpenRC" in failed["msg"]
    assert truenas.world.containers["px-web"].status == "RUNNING"


def test_an_invalid_policy_is_refused_before_anything_is_done(run, truenas):
    failed = run(pixels_egress, name="web", mode="allowlist", allow=["http://a.example/"])

    assert failed["msg"].startswith("invalid allow: 'http://a.example/' is not a domain name. Give the name alone")
    assert truenas.stats.logins == 0


def test_a_stopped_pixel_is_refused(egress, truenas):
    truenas.world.containers["px-web"].status = "STOPPED"

    assert "web is stopped" in egress(mode="agent")["msg"]


@pytest.mark.parametrize("fault", ["end_shell", "drop_shell"])
def test_another_shell_is_opened_where_one_is_lost(egress, truenas, monkeypatch, fault):
    monkeypatch.setattr(record, "SHELL_PAUSES_S", (0.0, 0.0))
    truenas.faults.add(fault, method="px-web", times=2)

    assert not egress(mode="unrestricted")["changed"]
    assert truenas.faults.waiting == []


def test_a_pixel_whose_shells_are_all_lost_stays_as_it_is(egress, truenas, monkeypatch):
    monkeypatch.setattr(record, "SHELL_PAUSES_S", (0.0,))
    truenas.faults.add("drop_shell", method="px-web", times=math.inf)

    failed = egress(mode="none")

    # Its rules are not known: they may be in force.
    assert "cannot open a web shell in web" in failed["msg"]
    assert truenas.world.containers["px-web"].status == "RUNNING"


def test_a_pixel_that_was_started_and_cannot_be_read_is_stopped(run, truenas, monkeypatch):
    monkeypatch.setattr(record, "SHELL_PAUSES_S", (0.0,))
    truenas.world.add_container("px-web", status="STOPPED", environment={"PIXELS/egress": '{"mode": "none"}'})
    truenas.faults.add("drop_shell", method="px-web", times=math.inf)

    failed = run(pixels_container, name="web")

    assert "web was stopped, because it would have had no rules" in failed["msg"]
    assert "Set egress: unrestricted for web to start it without rules" in failed["msg"]
    assert truenas.world.containers["px-web"].status == "STOPPED"


@pytest.mark.wide
def test_a_policy_that_cannot_be_enforced_is_given_up_by_name(run, truenas):
    truenas.world.add_container("px-web", status="STOPPED", environment={"PIXELS/egress": '{"mode": "none"}'})

    assert run(pixels_container, name="web", egress="unrestricted")["changed"]

    assert truenas.world.containers["px-web"].status == "RUNNING"
    assert "PIXELS/egress" not in truenas.world.containers["px-web"].environment
    assert not run(pixels_container, name="web", egress="unrestricted")["changed"]
