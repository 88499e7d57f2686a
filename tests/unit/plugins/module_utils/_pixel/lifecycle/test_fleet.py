# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the words and checks of a fleet; tests/unit/plugins/modules/test_pixels_fleet.py runs whole ones."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.fleet import (
    Member,
    Outcome,
    Planned,
    reject_duplicates,
    unlisted_members,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import PixelSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Metadata
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName


def member(name):
    return Member(PixelSpec(PixelName(name)), ApplyOptions(), wait_timeout=60)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (Change(None, {"cpu": "2"}), "created"),
        (Change({"cpu": "2"}, None), "destroyed"),
        (Change({"cpu": "2"}, {"cpu": "4"}), "changed"),
        (Change({"cpu": "2"}, {"cpu": "2"}), "unchanged"),
        (Change({"cpu": "2"}, {"cpu": "2"}, always=True), "changed"),
        (None, "failed"),
    ],
)
def test_an_outcome_has_one_word(change, word):
    assert Outcome(Planned(member("px-a"), change=change)).result == word


def test_an_error_is_a_failure_for_each_plan():
    planned = Planned(member("px-a"), change=Change(None, {"cpu": "2"}))

    assert Outcome(planned, error=Refused("no")).result == "failed"


def test_each_pixel_is_listed_once():
    reject_duplicates([member("px-a"), member("px-b")])
    with pytest.raises(Invalid, match="listed more than once: a$"):
        reject_duplicates([member("px-a"), member("px-b"), member("px-a")])


def test_a_pixel_that_is_listed_twice_is_a_problem_of_the_list():
    with pytest.raises(Invalid) as refused:
        reject_duplicates([member("px-b"), member("px-a"), member("px-a"), member("px-b")])

    assert str(refused.value) == "listed more than once: a, b"
    assert refused.value.fields == (("pixels", "listed more than once"),)


def test_a_plan_is_named_after_its_pixel_and_has_nothing_until_it_is_made():
    planned = Planned(member("px-a"))

    assert planned.name == "a"
    assert planned == Planned(member("px-a"), None, None, None)
    assert Outcome(planned) == Outcome(planned, None, None)


class Listing:
    """A NAS with these pixels."""

    def __init__(self, *containers):
        self._containers = containers

    def list(self):
        return list(self._containers)


def test_pixels_of_the_fleet_that_are_not_listed_are_destroyed():
    def container(name, fleet):
        return Container(PixelName(name), "running", metadata=Metadata(fleet=fleet))

    listing = Listing(
        *(container("px-a", "agents"), container("px-b", "agents"), container("px-c", "other"), container("px-d", None))
    )
    options = ApplyOptions(force=True)

    unlisted = unlisted_members(listing, "agents", [member("px-a")], options=options)

    assert unlisted == [Member(PixelSpec(PixelName("px-b"), state="absent"), options, wait_timeout=600)]
