# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a pixel that stands still for a moment."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import OutcomeUnknown, PixelsError, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import quiesce
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName


@pytest.fixture
def release():
    """One is enough: nothing here depends on it."""
    return "25.10"


@pytest.fixture
def stand_still(pixels):
    def stopped(name="web", *, enabled=True, **options):
        return quiesce.quiesced(
            pixels, pixels.get(name), options=ApplyOptions(**options), deadline=Deadline(20), enabled=enabled
        )

    return stopped


def test_it_stands_still_inside_and_runs_afterwards(stand_still, truenas):
    web = truenas.world.add_container("px-web")

    with stand_still():
        assert web.status == "STOPPED"

    assert web.status == "RUNNING"


@pytest.mark.parametrize(("status", "enabled"), [("RUNNING", False), ("STOPPED", True), ("STOPPED", False)])
def test_otherwise_it_is_left_alone(stand_still, truenas, status, enabled):
    web = truenas.world.add_container("px-web", status=status)

    with stand_still(enabled=enabled):
        assert web.status == status

    assert web.status == status


def test_it_runs_again_after_a_failure(stand_still, truenas):
    web = truenas.world.add_container("px-web")

    with pytest.raises(Refused, match="bad luck"), stand_still():
        raise Refused("bad luck")

    assert web.status == "RUNNING"
    assert web.environment == {}


def test_one_that_cannot_be_brought_back_is_reported(stand_still, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("fail_job", method="virt.instance.start", errno=14, text="no room", times=2)

    with (
        pytest.raises(PixelsError, match="bad luck.*could not be started again.*no room") as caught,
        stand_still(),
    ):
        raise Refused("bad luck")

    assert caught.value.hints == quiesce.start_hints(PixelName("px-web"))


def test_after_an_interrupt_it_runs_again_and_the_interrupt_goes_on(stand_still, truenas):
    web = truenas.world.add_container("px-web")

    with pytest.raises(KeyboardInterrupt), stand_still():
        raise KeyboardInterrupt

    assert web.status == "RUNNING"


def test_an_interrupt_is_not_hidden_by_what_goes_wrong_then(stand_still, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("fail_job", method="virt.instance.start", errno=14, text="no room")

    with pytest.raises(KeyboardInterrupt), stand_still():
        raise KeyboardInterrupt


def test_what_stopped_it_is_noted_until_it_runs_again(stand_still, truenas):
    web = truenas.world.add_container("px-web", environment={"GREETING": "hello"})

    with stand_still():
        assert web.environment == {"GREETING": "hello", "PIXELS/stopped_by": "checkpoint"}

    assert web.environment == {"GREETING": "hello"}


def test_it_starts_at_the_second_try(stand_still, truenas):
    web = truenas.world.add_container("px-web")
    truenas.faults.add("fail_job", method="virt.instance.start", errno=14, text="no room")

    with stand_still():
        pass

    assert web.status == "RUNNING"


def test_what_was_done_meanwhile_is_reported_where_it_does_not_start_again(stand_still, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("fail_job", method="virt.instance.start", errno=14, text="no room", times=2)

    message = r"^checkpoint new of web was taken\. Starting web .* again: .*no room"
    with pytest.raises(Refused, match=message), stand_still() as done:
        done.append("checkpoint new of web was taken")


def test_one_that_an_earlier_checkpoint_stopped_is_started(stand_still, truenas):
    web = truenas.world.add_container("px-web", status="STOPPED", environment={"PIXELS/stopped_by": "checkpoint"})

    with stand_still(enabled=False):
        assert web.status == "STOPPED"

    assert (web.status, web.environment) == ("RUNNING", {})


def test_while_it_may_still_be_stopped_the_note_stays(stand_still, truenas):
    web = truenas.world.add_container("px-web")

    with pytest.raises(OutcomeUnknown), stand_still():
        raise OutcomeUnknown("lost")

    assert (web.status, web.environment) == ("RUNNING", {"PIXELS/stopped_by": "checkpoint"})


def test_one_that_an_earlier_checkpoint_did_not_quite_stop_is_stopped_first(stand_still, truenas):
    web = truenas.world.add_container("px-web", status="FROZEN", environment={"PIXELS/stopped_by": "checkpoint"})

    with stand_still():
        assert web.status == "STOPPED"

    assert (web.status, web.environment) == ("RUNNING", {})
