# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the devices of Incus; test_pixels_container_devices.py has those against a NAS."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Device
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.virt_devices import from_row, is_own, to_row

DISK = {"dev_type": "DISK", "name": "disk0", "readonly": False, "source": "/mnt/tank/data", "destination": "/data"}
PROXY = {
    "dev_type": "PROXY",
    "name": "proxy0",
    "source_proto": "TCP",
    "source_port": 8080,
    "dest_proto": "TCP",
    "dest_port": 80,
}
GPU = {"dev_type": "GPU", "name": "gpu0", "gpu_type": "PHYSICAL", "pci": "0000:01:00.0"}
USB = {"dev_type": "USB", "name": "usb0", "bus": None, "dev": None, "product_id": "ff10", "vendor_id": "046b"}


@pytest.mark.parametrize(
    ("row", "device"),
    [
        (DISK, Device("disk", source="/mnt/tank/data", path="/data")),
        (PROXY, Device("proxy", protocol="tcp", listen_port=8080, connect_port=80)),
        (GPU, Device("gpu", pci="0000:01:00.0")),
        (USB, Device("usb", vendor="046b", product="ff10")),
    ],
)
def test_a_row_becomes_a_device_and_back(row, device):
    found = from_row(row)

    assert (found, found.handle) == (device, row["name"])
    assert to_row(device).items() <= row.items()


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ({**PROXY, "dest_proto": "UDP"}, "connects over udp"),
        ({**GPU, "gpu_type": "SRIOV"}, "sriov"),
        ({**USB, "bus": 1, "dev": 4}, "bus 1, device 4"),
    ],
)
def test_what_cannot_be_specified_makes_another_device(row, detail):
    assert from_row(row).detail == detail


@pytest.mark.parametrize(
    "row",
    [
        {"dev_type": "NIC", "name": "eth0"},
        {"dev_type": "TPM", "name": "tpm0"},
        {**DISK, "name": "root", "destination": "/"},
        {**DISK, "destination": "/"},
        {**DISK, "readonly": True},
    ],
)
def test_network_cards_the_root_disk_and_devices_of_the_profile_are_not_touched(row):
    assert not is_own(row)


@pytest.mark.parametrize(
    "row",
    [
        {**DISK, "name": None},
        {**DISK, "source": "/mnt/\x1b[2J"},
        {**DISK, "destination": None},
        {**PROXY, "source_port": "8080"},
        {**PROXY, "dest_proto": "\x1b"},
        {**GPU, "pci": "\n"},
        {**GPU, "gpu_type": "\x1b"},
    ],
)
def test_a_row_with_invalid_values_is_no_device(row):
    assert from_row(row) is None
