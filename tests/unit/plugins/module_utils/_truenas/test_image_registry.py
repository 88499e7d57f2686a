# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which image of the registry an alias means."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, NotPermitted
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.image_registry import Build, newest

NAMES = (
    "alpine:3.21:amd64:default",
    "alpine:3.22:amd64:default",
    "archlinux:current:amd64:default",
    "centos:9-Stream:amd64:default",
    "debian:bookworm:amd64:cloud",
    "debian:bookworm:amd64:default",
    "debian:bookworm:arm64:default",
    "ubuntu:jammy:amd64:default",
    "ubuntu:noble:amd64:default",
)


class Listing:
    """A NAS whose registry has these."""

    nas = "nas"

    def __init__(self, names=NAMES, versions=("20260818_07:42", "20260820_07:42", "20260819_23:59")):
        self._rows = [{"name": name, "versions": [{"version": each} for each in versions]} for name in names]

    def read(self, method, *params, timeout=None):
        assert (method, params) == ("container.image.query_registry", ())
        return self._rows


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("ubuntu/24.04", "ubuntu:noble:amd64:default"),
        ("ubuntu/noble", "ubuntu:noble:amd64:default"),
        ("Ubuntu/24.04/default", "ubuntu:noble:amd64:default"),
        ("debian/12", "debian:bookworm:amd64:default"),
        ("debian/bookworm/cloud", "debian:bookworm:amd64:cloud"),
        ("debian/12/arm64", "debian:bookworm:arm64:default"),
        ("alpine/3.22", "alpine:3.22:amd64:default"),
        ("archlinux", "archlinux:current:amd64:default"),
        ("centos/9-Stream", "centos:9-Stream:amd64:default"),
        ("debian:bookworm:amd64:cloud", "debian:bookworm:amd64:cloud"),
    ],
)
def test_an_alias_is_the_newest_build_for_the_nas(alias, name):
    assert newest(Listing(), alias) == Build(name, "20260820_07:42")


@pytest.mark.parametrize(
    ("alias", "problem"),
    [
        ("ubuntu/24.10", "Similar images: ubuntu/noble, ubuntu/jammy"),
        ("ubunt/24.04", "Similar images: ubuntu/noble"),
        ("debian/bookwurm", "Similar images: debian/bookworm"),
        ("debian/bookworm/desktop", "debian/bookworm"),
        ("alpine", "Specify a release: alpine/3.21 or alpine/3.22"),
        ("ubuntu/24.04/arm64", "no such image for arm64"),
        ("0123456789abcdef", "Use a form such as ubuntu/24.04"),
    ],
)
def test_what_is_not_there_is_reported_with_what_is_nearly_called_so(alias, problem):
    with pytest.raises(Invalid, match=problem) as refused:
        newest(Listing(), alias)

    assert f"nas has no image {alias}" in str(refused.value)
    assert refused.value.fields[0][0] == "image"


def test_an_image_without_a_build_is_none():
    with pytest.raises(Invalid, match="no image ubuntu/24.04"):
        newest(Listing(versions=()), "ubuntu/24.04")


def test_an_account_that_may_not_list_images_is_reported_with_the_role():
    class Forbidding:
        nas = "nas"

        def read(self, method, *params, timeout=None):
            raise NotPermitted("the account may not")

    with pytest.raises(NotPermitted, match="the role CONTAINER_IMAGE_WRITE"):
        newest(Forbidding(), "ubuntu/24.04")


def test_similar_images_are_named_with_the_variant_that_is_not_the_default():
    with pytest.raises(Invalid, match="Similar images: .*debian/bookworm/cloud"):
        newest(Listing(), "debian/bookworm/clou")
