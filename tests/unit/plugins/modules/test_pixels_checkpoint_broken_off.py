# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the next operation starts a pixel that an interrupted checkpoint stopped."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.modules import (
    pixels_checkpoint,
    pixels_checkpoint_restore,
    pixels_container,
)
from tests.unit.plugins.conftest import BETA

START = {"25.10": "virt.instance.start", BETA: "container.start"}
both_generations = pytest.mark.parametrize("release", START)


@pytest.fixture
def release():
    """Test both APIs, because TrueNAS 26 stores metadata differently."""
    return "25.10"


@pytest.fixture
def checkpoint(run):
    def run_module(**params):
        return run(pixels_checkpoint, **{"name": "web", "label": "new", "wait_timeout": 20, **params})

    return run_module


@pytest.fixture
def web(truenas):
    return truenas.world.add_container("px-web")


def refuse_to_start(truenas, release, times):
    fault = {"name": "fail_call", "reason": "no room"} if release == BETA else {"name": "fail_job", "text": "no room"}
    truenas.faults.add(method=START[release], errno=14, times=times, **fault)


def notes(web):
    return getattr(web, "description", None) or dict(web.environment)


@both_generations
def test_it_is_started_at_the_second_try(checkpoint, truenas, web, release):
    refuse_to_start(truenas, release, 1)

    result = checkpoint(quiesce="stop")

    assert "failed" not in result
    assert (web.status, notes(web)) == ("RUNNING", {})


@both_generations
@pytest.mark.wide
def test_an_error_names_the_checkpoint_that_was_taken_and_the_stop_and_the_next_run_starts_it(
    checkpoint, truenas, web, release
):
    refuse_to_start(truenas, release, 2)
    first = checkpoint(quiesce="stop")
    there = web.status

    predicted = checkpoint(quiesce="stop", check_mode=True)
    second = checkpoint(quiesce="stop")
    third = checkpoint(quiesce="stop")

    assert "checkpoint new of web was taken. Starting web" in first["msg"]
    assert "web is now stopped, and ran before. Run this again to start it as well" in first["msg"]
    assert there == "STOPPED"
    assert predicted["diff"] == second["diff"]
    assert (second["changed"], third["changed"]) == (True, False)
    assert (web.status, notes(web)) == ("RUNNING", {})


@pytest.mark.parametrize("fault", ["abort_job", "drop_before_call", "drop_before_reply", "restart_middleware"])
@pytest.mark.wide
def test_it_runs_in_the_end_after_each_failure_of_the_start(checkpoint, truenas, web, fault):
    truenas.faults.add(fault, method="virt.instance.start", times=2)
    checkpoint(quiesce="stop")
    truenas.faults.clear()

    checkpoint(quiesce="stop")

    assert (web.status, web.environment) == ("RUNNING", {})


@pytest.fixture
def interrupted(truenas):
    """Return a pixel that was stopped for a checkpoint by a controller that was killed."""
    return truenas.world.add_container("px-web", status="STOPPED", environment={"PIXELS/stopped_by": "checkpoint"})


@pytest.mark.parametrize("quiesce", ["stop", "none"])
def test_one_whose_controller_was_killed_is_saved_and_started(checkpoint, truenas, interrupted, quiesce):
    assert checkpoint(quiesce=quiesce)["changed"]

    assert (interrupted.status, interrupted.environment) == ("RUNNING", {})
    assert "new" in {each.label for each in truenas.world.snapshots.values()}


@pytest.mark.parametrize("release", [BETA])
def test_a_restore_of_one_that_stays_stopped_puts_its_shutdown_timeout_back(checkpoint, run, truenas):
    web = truenas.world.add_container("px-web", status="STOPPED")
    assert "failed" not in checkpoint(label="ready")
    web.shutdown_timeout = 30
    web.description = 'pixels.truenas: {"shutdown_timeout": 90, "stopped_by": "restore"}'

    assert "failed" not in run(pixels_checkpoint_restore, name="web", label="ready", started=False)

    assert (web.status, web.shutdown_timeout, web.description) == ("STOPPED", 90, "")


@pytest.mark.parametrize("release", [BETA])
def test_one_whose_controller_was_killed_as_it_stopped_has_its_shutdown_timeout_again(checkpoint, truenas):
    web = truenas.world.add_container("px-web", status="STOPPED")
    web.shutdown_timeout = 30
    web.description = 'pixels.truenas: {"shutdown_timeout": 90, "stopped_by": "checkpoint"}'

    assert "failed" not in checkpoint(quiesce="stop")

    assert (web.status, web.shutdown_timeout, web.description) == ("RUNNING", 90, "")


@pytest.mark.parametrize(
    ("state", "status", "kept"),
    [
        ("started", "RUNNING", {}),
        ("stopped", "STOPPED", {}),
        ("present", "STOPPED", {"PIXELS/stopped_by": "checkpoint"}),
    ],
)
def test_it_is_what_is_asked_for_then(run, interrupted, state, status, kept):
    first = run(pixels_container, name="web", state=state, wait="running")
    second = run(pixels_container, name="web", state=state, wait="running")

    assert "failed" not in first
    assert not second["changed"]
    assert (interrupted.status, interrupted.environment) == (status, kept)


def test_a_note_that_is_left_on_one_that_runs_is_removed_by_the_next_change(run, truenas):
    web = truenas.world.add_container("px-web", environment={"PIXELS/stopped_by": "restore", "A": "b"})

    first = run(pixels_container, name="web", wait="running")
    second = run(pixels_container, name="web", wait="running")

    assert (first["changed"], second["changed"]) == (True, False)
    assert web.environment == {"A": "b"}
