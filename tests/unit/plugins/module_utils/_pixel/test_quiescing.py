# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a pixel that stands still for a moment."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import quiescing
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import Patience
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline


@pytest.fixture
def release():
    """One is enough: nothing here depends on it."""
    return "25.10"


@pytest.fixture
def stand_still(pixels):
    def stopped(name="web", *, really=True, **patience):
        return quiescing.stopped(
            pixels, pixels.get(name), patience=Patience(**patience), deadline=Deadline(20), really=really
        )

    return stopped


def test_it_stands_still_inside_and_runs_afterwards(stand_still, truenas):
    web = truenas.world.add_container("px-web")

    with stand_still():
        assert web.status == "STOPPED"

    assert web.status == "RUNNING"


@pytest.mark.parametrize(("status", "really"), [("RUNNING", False), ("STOPPED", True), ("STOPPED", False)])
def test_otherwise_it_is_left_alone(stand_still, truenas, status, really):
    web = truenas.world.add_container("px-web", status=status)

    with stand_still(really=really):
        assert web.status == status

    assert web.status == status


def test_it_runs_again_after_a_failure_which_is_told(stand_still, truenas):
    web = truenas.world.add_container("px-web")

    with pytest.raises(Refused, match=r"bad luck\. web is running, as it was before"), stand_still():
        raise Refused("bad luck")

    assert web.status == "RUNNING"


def test_one_that_cannot_be_brought_back_is_told(stand_still, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("fail_job", method="virt.instance.start", errno=14, text="no room")

    with (
        pytest.raises(PixelsError, match="bad luck.*could not be started again.*no room.*started: true"),
        stand_still(),
    ):
        raise Refused("bad luck")


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
