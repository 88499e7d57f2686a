# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the type of a device."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Device

DISK = Device("disk", source="/mnt/tank/data", path="/data", handle="disk0")
PROXY = Device("proxy", protocol="tcp", listen_port=8080, connect_port=80)


@pytest.mark.parametrize(
    ("device", "other", "same"),
    [
        (DISK, Device("disk", source="/mnt/tank/other", path="/data"), True),
        (DISK, Device("disk", source="/mnt/tank/data", path="/other"), False),
        (PROXY, Device("proxy", protocol="tcp", listen_port=8080, connect_port=81), True),
        (PROXY, Device("proxy", protocol="udp", listen_port=8080, connect_port=80), False),
        (Device("gpu", pci="0000:01:00.0"), Device("gpu", pci="0000:02:00.0"), False),
        (Device("usb", vendor="046b", product="ff10"), Device("usb", vendor="046b", product="ff11"), False),
    ],
)
def test_a_device_is_identified_by_what_it_is_in_the_container(device, other, same):
    assert (device.key == other.key) is same


def test_how_the_nas_calls_it_makes_no_difference_and_is_not_shown():
    assert Device("disk", source="/mnt/tank/data", path="/data", handle=7) == DISK
    assert DISK.as_dict() == {"type": "disk", "source": "/mnt/tank/data", "path": "/data"}


@pytest.mark.parametrize(
    ("device", "text"),
    [
        (DISK, "disk /data"),
        (PROXY, "proxy of tcp port 8080"),
        (Device("gpu", pci="0000:01:00.0"), "gpu 0000:01:00.0"),
        (Device("usb", vendor="046b", product="ff10"), "usb 046b:ff10"),
        (Device("usb", detail="usb_1_4"), "usb usb_1_4"),
    ],
)
def test_messages_name_a_device(device, text):
    assert str(device) == text
