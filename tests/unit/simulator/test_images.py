# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which images there are, and of what Incus says about the others."""

from __future__ import annotations

import pytest

from tests.simulator import images
from tests.simulator.errors import CallError


@pytest.mark.parametrize("name", ["ubuntu/24.04", "ubuntu/noble", "ubuntu/24.04/default", "ubuntu/noble/default"])
def test_an_image_has_many_names(name: str) -> None:
    assert images.find(name).key == "ubuntu/noble/default"


def test_an_image_that_is_here_is_found_by_its_fingerprint() -> None:
    fingerprint = images.find("debian/12").fingerprint

    assert images.find(fingerprint).release == "bookworm"


@pytest.mark.parametrize("name", ["ubuntu", "ubuntu/noble/desktop", "springdalelinux/9", ""])
def test_what_no_container_can_be_made_of_is_not_found(name: str) -> None:
    with pytest.raises(CallError, match="The requested image couldn't be found"):
        images.find(name)


def test_choices_are_named_by_the_first_alias() -> None:
    assert images.choices()["debian/bookworm/default"] == {
        "label": "Debian bookworm (amd64, default)",
        "os": "Debian",
        "release": "bookworm",
        "archs": ["amd64", "arm64"],
        "variant": "default",
        "instance_types": ["CONTAINER", "VM"],
        "secureboot": None,
    }


def test_the_registry_has_a_name_for_each_architecture() -> None:
    offered = images.registry()

    assert offered["debian:bookworm:amd64:default"] is offered["debian:bookworm:arm64:default"]
    assert offered["debian:bookworm:amd64:default"].registry_name == "debian:bookworm:amd64:default"
    assert offered["springdalelinux:9:arm64:default"].os == "Springdalelinux"
    assert not [name for name in offered if name.endswith(":desktop")]
