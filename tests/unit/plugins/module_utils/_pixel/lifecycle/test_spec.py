# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how the settings of a pixel appear in a diff."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.memory_size import MIB
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import (
    CurrentState,
    PixelSpec,
    display_value,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Nic
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("cpu", "0-3", "0-3"),
        ("memory", 4096 * MIB, "4GiB"),
        ("memory", None, None),
        ("nic", Nic("eno1", "macvlan"), {"parent": "eno1", "type": "macvlan"}),
        ("nic", None, None),
        ("labels", {"role": "web"}, {"role": "web"}),
        ("environment", MappingProxyType({"A": "b"}), {"A": "b"}),
    ],
)
def test_a_setting_appears_in_the_diff_as_the_user_writes_it(name, value, shown):
    assert display_value(name, value) == shown


def test_what_a_specification_leaves_open_is_none():
    spec = PixelSpec(PixelName("px-web"))
    decided = {
        "name": "px-web",
        "state": "started",
        "clones": "refuse",
        "also_destroyed": frozenset(),
        "unprotect": False,
        "purge_devices": False,
        "setup": (),
    }

    assert vars(spec) == {**dict.fromkeys(vars(spec)), **decided}


def test_of_a_pixel_only_its_container_is_known_at_first():
    container = Container(PixelName("px-web"), "stopped")

    assert CurrentState(container) == CurrentState(
        container, nic=None, devices=(), provisioned=None, egress=None, checkpoints=(), labels_of_clones={}
    )
