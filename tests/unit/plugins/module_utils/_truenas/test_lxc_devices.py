# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the devices of libvirt; test_pixels_container_devices.py has those against a NAS."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Device
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.lxc_devices import LxcDevices, from_row


def attributes(**fields):
    return {"id": 3, "attributes": fields}


@pytest.mark.parametrize(
    ("row", "device"),
    [
        (
            attributes(dtype="FILESYSTEM", source="/mnt/tank/data", target="/data"),
            Device("disk", source="/mnt/tank/data", path="/data"),
        ),
        (
            attributes(dtype="GPU", gpu_type="NVIDIA", pci_address="0000:01:00.0"),
            Device("gpu", pci="0000:01:00.0"),
        ),
        (
            attributes(dtype="USB", usb={"vendor_id": "0x046b", "product_id": "0xff10"}, device=None),
            Device("usb", vendor="046b", product="ff10"),
        ),
        (attributes(dtype="USB", usb=None, device="usb_1_4"), Device("usb", detail="usb_1_4")),
    ],
)
def test_a_row_becomes_a_device(row, device):
    found = from_row(row)

    assert (found, found.handle) == (device, 3)


@pytest.mark.parametrize(
    "row",
    [
        attributes(dtype="FILESYSTEM", source="/mnt/\x1b[2J", target="/data"),
        attributes(dtype="FILESYSTEM", source="/mnt/tank"),
        attributes(dtype="GPU", pci_address=["0000:01:00.0"]),
    ],
)
def test_a_row_with_invalid_values_is_no_device(row):
    assert from_row(row) is None


def test_network_cards_are_not_listed():
    row = {"devices": [attributes(dtype="NIC", nic_attach="br0"), attributes(dtype="USB", usb=None, device="usb_1_4")]}

    found = LxcDevices(None, lambda _name: row, pytest.fail).list("px-web")

    assert [each.type for each in found] == ["usb"]


@pytest.mark.parametrize(
    ("device", "error"),
    [
        (Device("proxy", protocol="tcp", listen_port=8080, connect_port=80), Unsupported),
        (Device("disk", source="/mnt/tank/{a}", path="/data"), Invalid),
    ],
)
def test_what_the_release_does_not_support_is_refused_without_a_call(device, error):
    with pytest.raises(error):
        LxcDevices(None, lambda _name: {}, pytest.fail).reject([device])
