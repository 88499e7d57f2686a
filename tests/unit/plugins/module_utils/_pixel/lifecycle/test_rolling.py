# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of replacing the members of a fleet batch by batch."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.modules import pixels_fleet
from tests.unit.plugins.conftest import both_generations, put

NAMES = ("web-1", "web-2", "web-3")
CALLS = [f"{api}.{call}" for api in ("virt.instance", "container") for call in ("create", "delete")]
OLD, NEW = "debian/12", "ubuntu/24.04"


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture
def roll(run):
    def run_module(image=NEW, **options):
        pixels = [{"name": name, "image": image} for name in NAMES]
        return run(pixels_fleet, **{"pixels": pixels, "replace": "rolling", "health_timeout": 1, **options})

    return run_module


@pytest.fixture
def old(roll):
    """Three members from the old image."""
    roll(OLD)


def outcomes(result):
    return {each["name"]: each["outcome"] for each in result["pixels"]}


def images(truenas):
    return {name: each.environment.get("PIXELS/image") for name, each in truenas.world.containers.items()}


def starts(truenas):
    return [each for each in truenas.stats.methods_called if each in CALLS]


def test_without_it_a_member_that_cannot_be_changed_is_an_error(old, roll, truenas):
    result = roll(replace="never")

    assert set(outcomes(result).values()) == {"failed"}
    assert set(images(truenas).values()) == {OLD}


@both_generations
@pytest.mark.wide
def test_members_are_replaced_one_after_the_other_and_a_second_run_changes_nothing(old, roll, truenas):
    before = len(starts(truenas))
    predicted = roll(check_mode=True)

    result = roll(health_command=["true"])
    again = roll(health_command=["false"])

    assert outcomes(predicted) == outcomes(result) == dict.fromkeys(NAMES, "replaced")
    assert predicted["diff"] == result["diff"]
    assert result["summary"]["replaced"] == 3
    kinds = [each.rpartition(".")[2] for each in starts(truenas)[before:]]
    assert kinds == ["delete", "create"] * 3
    assert (again["changed"], set(outcomes(again).values())) == (False, {"unchanged"})


def test_a_failed_health_check_stops_the_roll_and_says_what_stands(old, roll, truenas):
    result = roll(health_command=["test", "-e", "/etc/no-such-file"])

    assert outcomes(result) == {"web-1": "failed", "web-2": "unchanged", "web-3": "unchanged"}
    assert "web-1: checking the health of web-1 on" in result["msg"]
    assert "the health command did not succeed within 1 s (exit status 1: no output)" in result["msg"]
    assert result["msg"].endswith("Replaced: none. Not replaced: web-2, web-3")
    assert [each.get("msg") for each in result["pixels"][1:]] == ["not replaced, because web-1 failed"] * 2
    assert [each["changed"] for each in result["pixels"]] == [True, False, False]
    assert images(truenas) == {"px-web-1": NEW, "px-web-2": OLD, "px-web-3": OLD}


@pytest.mark.wide
def test_the_next_run_does_not_go_on_before_the_first_one_is_healthy(old, roll, truenas):
    command = ["test", "-e", "/etc/healthy"]
    roll(health_command=command)

    still = roll(health_command=command)
    put(truenas, "/etc/healthy", "", name="px-web-1")
    second = roll(health_command=command)

    assert outcomes(still) == {"web-1": "failed", "web-2": "unchanged", "web-3": "unchanged"}
    assert outcomes(second) == {"web-1": "unchanged", "web-2": "failed", "web-3": "unchanged"}


@pytest.mark.wide
def test_a_batch_is_replaced_together(old, roll, truenas):
    result = roll(batch_size=2, health_command=["sh", "-c", "! hostname | grep web-2"])

    assert outcomes(result) == {"web-1": "replaced", "web-2": "failed", "web-3": "unchanged"}
    assert result["msg"].endswith("Replaced: web-1. Not replaced: web-3")


@pytest.mark.wide
def test_what_cannot_be_destroyed_is_found_before_anything_is_replaced(old, roll, run, truenas):
    truenas.world.containers["px-web-2"].environment["PIXELS/protected"] = "yes"

    result = roll()

    assert outcomes(result) == {"web-1": "unchanged", "web-2": "failed", "web-3": "unchanged"}
    assert "web-2" in result["msg"]
    assert set(images(truenas).values()) == {OLD}


@pytest.mark.wide
def test_a_member_that_cannot_be_created_again_stops_the_roll_and_the_next_run_creates_it(old, roll, truenas):
    truenas.faults.add("fail_job", method="virt.instance.create", errno=28, text="no space left")

    broken = roll()
    healed = roll()

    assert outcomes(broken) == {"web-1": "failed", "web-2": "unchanged", "web-3": "unchanged"}
    assert "web-1 does not exist now" in broken["msg"]
    assert outcomes(healed) == {"web-1": "created", "web-2": "replaced", "web-3": "replaced"}


def test_a_batch_without_members_is_refused(roll):
    assert "batch_size is invalid: set it to 1 or more" in roll(batch_size=0)["msg"]
