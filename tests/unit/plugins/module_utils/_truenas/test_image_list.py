# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the lists of images."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, NotPermitted, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import image_list
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.listed_image import (
    CachedBuild,
    ListedImage,
)

PARENT = "tank/.truenas_containers/images"


class Answers:
    """A NAS with one reply, or error, for each method."""

    nas = "nas"

    def __init__(self, **replies):
        self._replies = {name.replace("__", "."): reply for name, reply in replies.items()}

    def read(self, method, *params, timeout=None):
        reply = self._replies[method]
        if isinstance(reply, Exception):
            raise reply
        return reply(*params) if callable(reply) else reply


def choice(os="Ubuntu", release="noble", variant="default", archs=("amd64", "arm64"), kinds=("CONTAINER", "VM")):
    return {"os": os, "release": release, "variant": variant, "archs": list(archs), "instance_types": list(kinds)}


def row(name, *versions):
    return {"name": name, "versions": [{"version": each} for each in versions]}


def choices(**rows):
    return Answers(virt__instance__image_choices={name.replace("_", "/"): each for name, each in rows.items()})


def test_choices_become_images_for_containers():
    wire = choices(ubuntu_noble_default=choice(), ubuntu_noble_desktop=choice(variant="desktop", kinds=["VM"]))

    [image] = image_list.from_choices(wire, pytest.fail)

    assert (image.name, image.aliases, image.architectures) == ("ubuntu/noble", ("ubuntu/24.04",), ("amd64", "arm64"))
    assert (image.builds, image.cached) == ((), None)


def test_the_name_is_the_alias_of_the_image_server_not_that_of_the_operating_system():
    [image] = image_list.from_choices(choices(rockylinux_9_default=choice("Rocky Linux", "9")), pytest.fail)

    assert image.name == "rockylinux/9"


@pytest.mark.parametrize("wrong", ["../x", "a\x1b[2J", "a b", ""])
def test_a_choice_with_an_invalid_name_is_ignored_with_a_warning_that_is_safe_to_show(wrong):
    warnings = []
    wire = choices(x=choice(os=wrong), debian_trixie_default=choice("Debian", "trixie"), y=choice(archs=[wrong]))

    found = image_list.from_choices(wire, warnings.append)

    assert [each.name for each in found] == ["debian/trixie"]
    assert warnings == [f"ignored an image of nas with the invalid name '{name}'" for name in "xy"]


def test_names_keep_their_upper_case_letters():
    [listed] = image_list.from_choices(
        choices(**{"centos_9-Stream_default": choice("Centos", "9-Stream")}), pytest.fail
    )
    [built] = image_list.from_registry(
        Answers(container__image__query_registry=[row("centos:9-Stream:amd64:default", "1")], zfs__resource__query=[]),
        [],
        pytest.fail,
    )

    assert (listed.name, built.name) == ("centos/9-Stream", "centos/9-Stream")


def test_registry_rows_of_one_image_are_joined_with_the_builds_that_are_cached():
    wire = Answers(
        container__image__query_registry=[
            row("ubuntu:noble:amd64:default", "20260820_07:42", "20260818_07:42"),
            row("ubuntu:noble:arm64:default", "20260819_07:42"),
            row("ubuntu:jammy:amd64:default", "20260820_07:42"),
            row("ubuntu:oracular:amd64:default"),
        ],
        zfs__resource__query=lambda query: [
            {"name": name} for name in (PARENT, f"{PARENT}/ubuntu:noble:amd64:default:20260101_07:42", f"{PARENT}/odd")
        ],
    )

    jammy, noble = image_list.from_registry(wire, ["tank"], pytest.fail)

    assert (noble.name, noble.architectures) == ("ubuntu/noble", ("amd64", "arm64"))
    assert noble.builds == ("20260818_07:42", "20260820_07:42")
    assert noble.cached == (CachedBuild("tank", "20260101_07:42"),)
    assert jammy.cached == ()


@pytest.mark.parametrize(
    ("error", "cached"), [(NotPermitted("no"), None), (Invalid("not found"), ()), (lambda _query: [], ())]
)
def test_builds_that_cannot_be_read_are_unknown_and_a_pool_without_any_has_none(error, cached):
    wire = Answers(
        container__image__query_registry=[row("ubuntu:noble:amd64:default", "20260820_07:42")],
        zfs__resource__query=error,
    )

    [image] = image_list.from_registry(wire, ["tank"], pytest.fail)

    assert image.cached == cached


@pytest.mark.parametrize("name", ["ubuntu:noble:amd64", "a/b:c:amd64:default", "a:b:amd64:\x1b[2J"])
def test_a_registry_row_with_an_invalid_name_is_ignored_with_a_warning(name):
    warnings = []
    wire = Answers(container__image__query_registry=[row(name, "20260820_07:42")], zfs__resource__query=[])

    assert image_list.from_registry(wire, [], warnings.append) == []

    assert len(warnings) == 1
    assert warnings[0].isprintable()


def test_an_error_with_another_cause_is_not_about_the_image():
    assert image_list.unknown_image(choices(), Refused("no space left"), "ubuntu/24.04") is None


def test_an_unknown_image_is_named_with_similar_ones():
    wire = choices(ubuntu_noble_default=choice())

    error = image_list.unknown_image(wire, Refused(image_list.UNKNOWN), "ubunt/24.04")

    assert str(error) == (
        "nas has no image ubunt/24.04: images.linuxcontainers.org has no such image for amd64. "
        "Similar images: ubuntu/noble"
    )


@pytest.mark.parametrize("reply", [Refused("cannot reach images.linuxcontainers.org"), NotPermitted("no")])
def test_without_a_list_the_error_of_the_nas_remains(reply):
    wire = Answers(virt__instance__image_choices=reply)

    assert image_list.unknown_image(wire, Refused(image_list.UNKNOWN), "x/y") is None


def test_an_image_of_the_list_is_not_called_missing():
    images = [ListedImage("ubuntu", "noble", "default", ("amd64",))]

    assert image_list.missing("nas", "ubuntu/24.04", images, "its list") is None
