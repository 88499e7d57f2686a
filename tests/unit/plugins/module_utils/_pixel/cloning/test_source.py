# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a clone is asked to be made from."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, NotFound
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import (
    Origin,
    Source,
    SourceCache,
    image_alias,
    is_clone_of,
    parse_origin,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Image, Metadata
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

BASE = PixelName("px-base")


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("base", Origin(BASE)),
        ("px-base", Origin(BASE)),
        ("base@ready", Origin(BASE, "ready")),
        ("px-base:ready", Origin(BASE, "ready")),
        ("base:ready", Origin(PixelName(), base="ready")),
        ("base@a:b", Origin(BASE, "a:b")),
        ("web:a:b", Origin(PixelName("px-web"), "a:b")),
    ],
)
def test_both_notations_are_understood(text, origin):
    assert parse_origin(text) == origin


@pytest.mark.parametrize("text", ["", "@ready", ":ready", "base@", "ba_se@ready"])
def test_what_names_nothing_is_refused(text):
    with pytest.raises(Invalid) as refused:
        parse_origin(text)

    assert refused.value.fields[0][0] in ("from", "name")
    assert repr(text.partition("@")[0]) in str(refused.value) or repr(text) in str(refused.value)


@pytest.mark.parametrize("text", ["base:", "base:a_b"])
def test_what_names_no_base_is_refused(text):
    with pytest.raises(Invalid, match=f"invalid name of a base '{text.removeprefix('base:')}'"):
        parse_origin(text)


def test_a_clone_of_any_version_is_a_clone_of_the_base():
    origin = Origin(PixelName(), base="python")

    def clone(text):
        return Container(PixelName("px-web"), "running", metadata=Metadata(origin=text))

    assert is_clone_of(clone("base-python-1@ready"), origin)
    assert is_clone_of(clone("base:python"), origin)
    assert not is_clone_of(clone("base-python-3-1@ready"), origin)
    assert not is_clone_of(clone(None), origin)


def test_what_was_read_of_a_source_is_no_difference_between_two():
    base = Container(PixelName("px-base"), "running")

    assert Source(base, "tank/base@ready", "ready") == Source(base, "tank/base@ready", "ready")
    assert Source(base, "tank/base@ready", "ready") != Source(base, None, "ready")


def test_an_invalid_source_is_refused_with_the_form_of_a_valid_one():
    with pytest.raises(Invalid, match="invalid source '@ready': write NAME, NAME@LABEL or base:NAME") as refused:
        parse_origin("@ready")

    assert [field for field, _problem in refused.value.fields] == ["from"]


def test_a_source_is_written_as_it_is_read():
    assert [str(Origin(PixelName("px-base"))), str(Origin(PixelName("px-base"), "ready"))] == ["base", "base@ready"]


@pytest.mark.parametrize(
    ("origin", "is_one"),
    [
        (Origin(BASE, "ready"), True),
        (Origin(BASE), True),
        (Origin(BASE, "later"), False),
        (Origin(PixelName("px-other")), False),
    ],
)
def test_a_clone_knows_where_it_is_from(origin, is_one):
    made = Container(PixelName("px-new"), "running", metadata=Metadata(origin="base@ready"))

    assert is_clone_of(made, origin) is is_one
    assert not is_clone_of(Container(PixelName("px-new"), "running"), origin)


@pytest.mark.parametrize(
    ("image", "alias"),
    [
        (Image("Ubuntu", "noble", "default"), "ubuntu/noble"),
        (Image("Ubuntu", "noble", "cloud"), "ubuntu/noble/cloud"),
        (Image("Debian", "bookworm"), "debian/bookworm"),
        (Image(), None),
        (Image("Debian", ""), None),
        (Image("", "bookworm"), None),
    ],
)
def test_the_image_is_looked_for_by_what_it_says_of_itself(image, alias):
    assert image_alias(Container(BASE, "running", image=image)) == alias


@pytest.fixture
def base(truenas):
    made = truenas.world.add_container("px-base")
    truenas.world.add_snapshot("px-base", "ready")
    return made


def test_what_several_are_cloned_from_is_read_once(pixels, truenas, base):
    sources = SourceCache(pixels)
    one = sources.find(Origin(BASE, "ready"), PixelName("px-one"))
    truenas.stats.calls.clear()

    another = sources.find(Origin(BASE, "ready"), PixelName("px-another"))

    assert another == one
    assert truenas.stats.calls.total() == 0


def test_each_clone_of_the_present_state_has_a_state_of_its_own(pixels, base):
    sources = SourceCache(pixels)

    one, another = (sources.find(Origin(BASE), PixelName(name))[0] for name in ("px-one", PixelName("px-another")))

    assert one.label != another.label
    assert one.files is not another.files


def test_each_is_reported_by_its_own_name_what_it_cannot_be_cloned_from(pixels, base):
    sources = SourceCache(pixels)

    for name in ("one", "another"):
        with pytest.raises(NotFound, match=f"cloning {name} from base@gone"):
            sources.find(Origin(BASE, "gone"), PixelName(f"px-{name}"))


def test_a_source_that_is_known_is_still_not_cloned_from_itself(pixels, base):
    sources = SourceCache(pixels)
    sources.find(Origin(BASE, "ready"), PixelName("px-one"))

    with pytest.raises(Invalid, match="base cannot be cloned from itself"):
        sources.find(Origin(BASE, "ready"), BASE)
