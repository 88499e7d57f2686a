# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the options of create that no other file tests."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli import arguments


def test_create_adds_devices(pixels, truenas):
    truenas.world.storage.zfs.add("tank/data")
    (truenas.world.files.root / "mnt/tank/data").mkdir()
    options = ("--device", "disk,source=tank/data,path=/data", "--device", "proxy,listen_port=8080,connect_port=80")

    ended = pixels("create", "web", "--no-provision", *options)

    assert ended.returncode == 0
    devices = truenas.world.containers["px-web"].devices.values()
    assert {each["type"] for each in devices} == {"nic", "disk", "proxy"}


@pytest.mark.parametrize("release", ["25.10", "26"])
def test_devices_of_a_pixel_that_exists_are_shown_as_they_were_written(pixels, truenas, release):
    truenas.world.storage.zfs.add("tank/data")
    (truenas.world.files.root / "mnt/tank/data").mkdir()
    truenas.world.add_container("px-web", cpu=None)

    ended = pixels("create", "web", "--no-provision", "--wait", "none", "--device", "disk,source=tank/data,path=/data")

    changed = "web already exists and was changed: devices none to disk,source=/mnt/tank/data,path=/data"
    assert changed in ended.stdout.splitlines()
    assert ("gets its new devices when it starts the next time" in ended.stderr) is (release == "26")


def test_an_invalid_device_is_an_error_before_anything_is_created(pixels, truenas):
    ended = pixels("create", "web", "--device", "disk,source=tank/data")

    assert ended.returncode == 1
    assert "the device 'disk' is invalid: path is missing" in ended.stderr
    assert truenas.world.containers == {}


def test_tools_can_be_repeated_and_do_not_take_the_name():
    args = arguments.parser().parse_args(["create", "--devtools", "web", "--tool", "git", "--tool", "node"])

    assert (args.names, args.devtools, args.tools) == (["web"], True, ["git", "node"])
