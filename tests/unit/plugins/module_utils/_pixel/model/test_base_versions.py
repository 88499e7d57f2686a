# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the versions of a base among the pixels of a NAS."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import base_versions
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Metadata
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName


def pixel(name, **metadata):
    return Container(PixelName(f"px-{name}"), "stopped", metadata=Metadata(**metadata))


def version(number, base="python", **metadata):
    return pixel(f"base-{base}-{number}", base=base, **metadata)


def test_versions_are_sorted_by_number_and_the_newest_complete_one_counts():
    old, new = version(9), version(10)
    listing = [version(12, building="ann"), new, version(11, cloning="base-dev-1@ready"), old]

    assert [base_versions.number_of(each.name) for each in base_versions.versions(listing, "python")] == [9, 10, 11, 12]
    assert base_versions.newest(listing, "python") is new
    assert base_versions.newest([], "python") is None


def test_neither_the_name_nor_the_metadata_alone_make_a_version():
    listing = [pixel("base-python-1"), pixel("web", base="python"), version(2, base="python-3")]

    assert base_versions.versions(listing, "python") == []
    assert base_versions.newest(listing, "python-3") is listing[2]


def test_the_next_name_is_free_whether_or_not_the_others_are_versions():
    assert base_versions.next_name([], "python").bare == "base-python-1"
    assert base_versions.next_name([version(2), pixel("base-python-3")], "python").bare == "base-python-4"
    assert base_versions.next_name([version(4, base="python-3")], "python").bare == "base-python-1"


def test_a_pixel_with_the_name_of_the_last_version_does_not_use_up_the_numbers():
    taken = [pixel("base-python-999999"), version(1)]

    assert base_versions.next_name(taken, "python").bare == "base-python-2"


def test_after_the_last_number_there_is_no_version_that_would_not_be_found():
    with pytest.raises(Refused, match=r"no number for another version of the base python.*build it again"):
        base_versions.next_name([version(999_999)], "python")


@pytest.mark.parametrize("name", ["", "-a", "a_b", "a" * 49, "a:b"])
def test_a_name_that_no_container_could_have_is_refused(name):
    with pytest.raises(Invalid, match="invalid name of a base"):
        base_versions.check_name("name", name)
