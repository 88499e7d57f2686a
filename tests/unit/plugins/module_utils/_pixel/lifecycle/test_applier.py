# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a plan makes of a pixel; tests of the modules apply whole ones."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import applier, planner
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import PixelSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Metadata
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName


@pytest.fixture
def apply(pixels):
    def apply(spec):
        found = planner.find(pixels, spec)
        change = planner.plan(found, spec)
        options = ApplyOptions(wait="running")
        return applier.apply_and_wait(pixels, change, found, spec, options=options, deadline=Deadline(30))

    return apply


def test_a_new_pixel_runs_and_has_its_metadata(apply):
    made = apply(PixelSpec(PixelName("px-web"), image="ubuntu/24.04", fleet="demo", autostart=True))

    assert (made.running, made.autostart, made.metadata.fleet, made.metadata.pending) == (True, True, "demo", None)


@pytest.mark.parametrize(("state", "status"), [("stopped", "stopped"), ("started", "running"), ("present", "running")])
def test_a_running_pixel_ends_in_the_requested_state(truenas, apply, state, status):
    truenas.world.add_container("px-web")

    assert apply(PixelSpec(PixelName("px-web"), state)).status == status


def test_a_destroyed_pixel_returns_nothing(truenas, apply):
    truenas.world.add_container("px-web")

    assert apply(PixelSpec(PixelName("px-web"), "absent")) is None
    assert "px-web" not in truenas.world.as_json()["containers"]


def test_an_error_contains_the_current_state_and_the_next_step(truenas, apply):
    truenas.world.add_container("px-web", status="STOPPED")
    truenas.faults.add("fail_job", method="virt.instance.start", errno=14, text="bad luck")
    truenas.faults.add("fail_call", method="container.start", errno=14, reason="bad luck")

    with pytest.raises(PixelsError, match="web.*bad luck.*web is now stopped"):
        apply(PixelSpec(PixelName("px-web")))


def test_unspecified_metadata_is_kept(pixels):
    merged = applier.merged_metadata(
        pixels, PixelSpec(PixelName("px-web"), owner="me"), Metadata(fleet="demo", owner="you")
    )

    assert merged == Metadata(fleet="demo", owner="me")
