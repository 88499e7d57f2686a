# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which interfaces all containers of a NAS are attached to."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Attachment
from tests.simulator.domain import DomainDevice


@pytest.mark.parametrize("release", ["25.10"])
def test_nics_of_incus_are_listed_without_those_on_its_own_bridge(pixels, truenas):
    web = truenas.world.add_container("px-web")
    web.devices["eth1"] = {"name": "eth1", "type": "nic", "nictype": "macvlan", "parent": "br77"}
    other = truenas.world.add_container("plex", status="STOPPED")
    other.devices["eth0"] = {"name": "eth0", "type": "nic", "nictype": "bridged", "parent": "br0"}

    assert sorted(pixels.backend.attachments(), key=str) == [
        Attachment("plex", "br0", "bridged", is_running=False),
        Attachment("px-web", "br77", "macvlan", is_running=True),
    ]


@pytest.mark.parametrize("release", ["26"])
def test_nics_of_libvirt_are_listed_with_the_type_that_their_parent_implies(pixels, truenas):
    web = truenas.world.add_container("px-web")
    rest = {"dtype": "NIC", "type": "VIRTIO", "trust_guest_rx_filters": False}
    for number, (parent, mac) in enumerate((("truenasbr0", "00:a0:98:00:00:01"), ("eno1", "00:a0:98:00:00:02"))):
        web.devices.append(DomainDevice(number, {**rest, "nic_attach": parent, "mac": mac}))

    assert pixels.backend.attachments() == [
        Attachment("px-web", "truenasbr0", "bridged", is_running=True),
        Attachment("px-web", "eno1", "macvlan", is_running=True),
    ]


@pytest.mark.parametrize("release", ["25.10"])
def test_names_of_other_containers_are_safe_to_show(pixels, truenas):
    made = truenas.world.add_container("px-web")
    made.devices["eth0"] = {"name": "eth0", "type": "nic", "nictype": "bridged", "parent": "br0"}
    row = pixels.wire.read("virt.instance.query", [])[0]
    devices = pixels.wire.read("virt.instance.device_list", "px-web")
    truenas.faults.add("answer_with", method="virt.instance.query", value=[{**row, "name": "a\x1b[31m\nb"}])
    truenas.faults.add("answer_with", method="virt.instance.device_list", value=devices)

    [found] = pixels.backend.attachments()

    assert found.container.isprintable()
