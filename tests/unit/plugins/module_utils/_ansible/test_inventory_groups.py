# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the names of groups and the groups of pixels."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.inventory_groups import (
    group_name,
    memberships,
    nas_groups,
    shared_groups,
)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ((), "pixels"),
        (("status", "running"), "pixels_status_running"),
        (("image", "Ubuntu", "24.04"), "pixels_image_ubuntu_24_04"),
        (("nas", "nas-1.example.org:8443"), "pixels_nas_nas_1_example_org_8443"),
        (("owner", "Zoë & co"), "pixels_owner_zo_co"),
    ],
)
def test_ansible_accepts_a_group_name(words, name):
    assert group_name(*words) == name
    assert name.isidentifier()


def shown_with(**changes):
    image = {"os": "Ubuntu", "release": "noble"}
    return {"status": "running", "image": image, "fleet": None, "owner": None, "labels": {}, **changes}


def test_words_without_ascii_letters_get_different_names():
    names = {group_name("owner", owner) for owner in ("Анна", "Борис", "李", "___", "😀")}

    assert len(names) == 5
    assert all(name.isidentifier() and name.isascii() for name in names)
    assert group_name("owner", "Анна") == group_name("owner", "Анна")


def test_long_names_with_the_same_beginning_stay_different():
    first, second = (group_name("label", "role", "x" * 1000 + end) for end in "ab")

    assert first != second
    assert max(len(first), len(second)) <= 200


def test_values_that_share_a_group_are_found():
    found = [
        *memberships(shown_with(labels={"role": "a-b"}, fleet="Web")),
        *memberships(shown_with(labels={"role": "a_b"}, fleet="web", image={"os": "ubuntu", "release": "noble"})),
        *memberships(shown_with(labels={"role": "c"}, owner="web")),
    ]

    assert shared_groups(found) == {
        "pixels_fleet_web": ["fleet Web", "fleet web"],
        "pixels_label_role_a_b": ["label role=a-b", "label role=a_b"],
    }


def test_a_pixel_is_in_a_group_once_it_has_expired():
    ended, later, endless = (
        [each.group for each in memberships(shown_with(expires=end))]
        for end in ("2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z", None)
    )

    assert "pixels_expired" in ended
    assert "pixels_expired" not in [*later, *endless]


def test_an_empty_value_has_no_group():
    names = [each.group for each in memberships(shown_with(owner="", fleet="", image={"os": "", "release": "x"}))]

    assert names == ["pixels_status_running"]


def test_no_two_nas_share_a_group():
    found = nas_groups(["nas-1:443", "nas.1:443", "nas-2", "nas-1:443"])

    assert found["nas-1:443"] == "pixels_nas_nas_1_443"
    assert found["nas-2"] == "pixels_nas_nas_2"
    assert len(set(found.values())) == 3
