# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the second half of error messages: how the pixel is after the failure, and what to do next."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionLost,
    JobAborted,
    OutcomeUnknown,
    PixelsError,
    Refused,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.failure_report import reporting_state
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName


@pytest.fixture
def release():
    """One is enough: nothing here depends on it."""
    return "25.10"


def reported(pixels, error):
    with pytest.raises(type(error)) as caught, reporting_state(pixels, PixelName("px-web")):
        raise error
    return str(caught.value)


@pytest.mark.parametrize(("status", "word"), [("RUNNING", "running"), ("STOPPED", "stopped")])
def test_reports_the_state_of_the_pixel_on_the_nas(pixels, truenas, status, word):
    truenas.world.add_container("px-web", status=status)

    message = reported(pixels, Refused("changing web: bad luck."))

    assert message == f"changing web: bad luck. web is now {word}. Remove the cause, then run this again"


def test_says_that_it_does_not_exist(pixels, truenas):
    assert "web does not exist now" in reported(pixels, Refused("bad luck"))


def test_says_that_it_ran_before_an_operation_stopped_it(pixels, truenas):
    truenas.world.add_container("px-web", status="STOPPED", environment={"PIXELS/stopped_by": "restore"})

    assert "web is now stopped, and ran before" in reported(pixels, Refused("bad luck"))


@pytest.mark.parametrize("error", [OutcomeUnknown("lost"), TimedOut("late", pending=True)])
def test_promises_nothing_while_the_request_may_still_be_carried_out(pixels, truenas, error):
    truenas.world.add_container("px-web")

    message = reported(pixels, error)

    assert "web is now running, which may still change" in message
    assert message.endswith("Run this again to finish it")


@pytest.mark.parametrize("error", [ConnectionLost("cut"), JobAborted("aborted")])
def test_what_passes_by_itself_is_to_be_run_again(pixels, truenas, error):
    assert reported(pixels, error).endswith("Run this again to finish it")


def test_a_next_step_that_is_known_is_kept(pixels, truenas):
    error = TimedOut("still running").with_hints(Hint.option("force", True, "to kill it"))

    assert reported(pixels, error).endswith("web does not exist now. Set force: true to kill it")


def test_says_when_the_state_cannot_be_read(pixels, truenas):
    assert pixels.containers
    truenas.faults.add("fail_call", method="virt.instance.query", errno=14, reason="no database")

    message = reported(pixels, PixelsError("bad luck"))

    assert "The state of web could not be read (" in message
    assert "no database" in message
