# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a container of TrueNAS 26 is given of the NAS."""

from __future__ import annotations

import re
import typing as t

import pytest

from tests.simulator import lan
from tests.simulator.errors import CallError
from tests.simulator.releases import LIBVIRT_HAS
from tests.unit.simulator.nas import Nas

ON = LIBVIRT_HAS

NIC: dict[str, t.Any] = {"dtype": "NIC", "nic_attach": "truenasbr0", "type": "VIRTIO"}
MAC = "00:a0:98:12:34:56"


def create(nas: Nas, **attributes: t.Any) -> t.Any:
    return nas.call("container.device.create", {"container": 1, "attributes": attributes})


def wrong(nas: Nas, **attributes: t.Any) -> list[tuple[str, str]]:
    error = nas.refusal("container.device.create", {"container": 1, "attributes": attributes})
    return [(attribute, text) for attribute, text, _errno in error.triples]


@pytest.fixture
def web(nas: Nas) -> Nas:
    nas.add("px-web", "STOPPED")
    return nas


def test_a_nic_gets_an_address_and_takes_the_container_off_the_default_network(web: Nas) -> None:
    made = create(web, **NIC)

    assert re.fullmatch("00:a0:98:[0-7][0-9a-f](:[0-9a-f]{2}){2}", made["attributes"]["mac"])
    assert made == {
        "id": 1,
        "container": 1,
        "attributes": {**NIC, "mac": made["attributes"]["mac"], "trust_guest_rx_filters": False},
    }
    row = web.call("container.get_instance", 1)
    assert row["default_network"] is None
    assert row["devices"] == [made]
    assert web.events == [("container.device.query", "added", 1, made)]


def test_a_nic_keeps_the_address_that_was_chosen_for_it(web: Nas) -> None:
    assert create(web, **NIC, mac=MAC)["attributes"]["mac"] == MAC


def test_devices_are_found_by_their_container(web: Nas) -> None:
    web.add("px-db", "STOPPED")
    create(web, **NIC)
    other = web.call("container.device.create", {"container": 2, "attributes": NIC})

    assert web.call("container.device.query", [["container", "=", 2]]) == [other]
    assert web.call("container.device.get_instance", other["id"]) == other


def test_an_update_is_merged_and_reported(web: Nas) -> None:
    before = create(web, **NIC, mac=MAC)

    after = web.call("container.device.update", before["id"], {"attributes": {"nic_attach": "eno1"}})

    assert after["attributes"] == {**before["attributes"], "nic_attach": "eno1"}
    assert web.events[-1] == ("container.device.query", "changed", before["id"], after)


def test_a_device_stays_what_it_is(web: Nas) -> None:
    create(web, **NIC)

    [triple] = web.refusal("container.device.update", 1, {"attributes": {"dtype": "GPU"}}).triples

    assert triple == ("attributes.dtype", "Device type cannot be changed", 22)


def test_a_device_goes_only_while_the_container_is_stopped(web: Nas) -> None:
    create(web, **NIC)
    web.call("container.start", 1)

    error = web.refusal("container.device.delete", 1, {"force": True})
    web.call("container.stop", 1)
    gone = web.call("container.device.delete", 1)

    assert isinstance(error, CallError)
    assert str(error) == "[EFAULT] Please stop/resume associated CONTAINER before deleting CONTAINER device."
    assert gone is True
    assert web.call("container.device.query") == []
    assert web.events[-1] == ("container.device.query", "removed", 1, None)


def test_numbers_of_devices_do_not_come_back(web: Nas) -> None:
    first = create(web, **NIC)["id"]
    web.call("container.device.delete", first)

    assert create(web, **NIC)["id"] == first + 1


def test_devices_come_and_change_while_the_container_runs(web: Nas) -> None:
    web.call("container.start", 1)

    create(web, **NIC, mac=MAC)

    assert web.call("container.device.update", 1, {"attributes": {"nic_attach": "eno1"}})["id"] == 1


@pytest.mark.parametrize("name", ["get_instance", "update", "delete"])
def test_a_device_that_is_not_there(web: Nas, name: str) -> None:
    arguments: tuple[t.Any, ...] = (5, {}) if name == "update" else (5,)

    error = web.refusal(f"container.device.{name}", *arguments)

    assert error.triples == [(None, "ContainerDevice 5 does not exist", 2)]


def test_a_container_that_is_not_there(web: Nas) -> None:
    error = web.refusal("container.device.create", {"container": 99, "attributes": NIC})

    assert error.triples == [(None, "Container 99 does not exist", 2)]


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({**NIC, "nic_attach": "br9"}, [("attributes.nic_attach", "Not a valid choice.")]),
        ({**NIC, "mac": "ff:a0:98:12:34:56"}, [("attributes.mac", "MAC address must not start with `ff`")]),
        (
            {**NIC, "mac": "00-a0-98-12-34-57"},
            [
                (
                    "attributes.mac",
                    "MAC address must be a colon-separated hexadecimal value (e.g. `00:a0:99:7e:bb:8a`)",
                )
            ],
        ),
        (
            {**NIC, "mac": MAC},
            [("attributes.mac", f"px-web already has a NIC with MAC address '{MAC}' configured")],
        ),
        (
            {**NIC, "trust_guest_rx_filters": True},
            [
                (
                    "attributes.trust_guest_rx_filters",
                    'This can only be set when "nic_attach" is not a bridge device',
                )
            ],
        ),
        (
            {"dtype": "NIC", "nic_attach": "eno1", "trust_guest_rx_filters": True},
            [
                (
                    "attributes.trust_guest_rx_filters",
                    'This can only be set when "type" of NIC device is "VIRTIO"',
                )
            ],
        ),
        (
            {"dtype": "FILESYSTEM", "source": "/etc", "target": "/data"},
            [("attributes.path", "The path must reside within a pool mount point")],
        ),
        (
            {"dtype": "FILESYSTEM", "source": "/mnt/.truenas_containers/tank", "target": "/data"},
            [("attributes.path", "The path must reside within a pool mount point")],
        ),
        (
            {"dtype": "FILESYSTEM", "source": "/mnt/tank/nope", "target": "/data"},
            [("attributes.source", "Source /mnt/tank/nope does not exist")],
        ),
        (
            {"dtype": "FILESYSTEM", "source": "tank", "target": "data"},
            [
                ("attributes.source", "Source must be an absolute path"),
                ("attributes.target", "Target must be an absolute path"),
            ],
        ),
        (
            {"dtype": "FILESYSTEM", "source": "/mnt/tank", "target": "/"},
            [("attributes.target", "Target can't be root")],
        ),
        (
            {"dtype": "FILESYSTEM", "source": "/mnt/tank", "target": "/there"},
            [("attributes.target", "px-web has '/there' target already configured")],
        ),
        (
            {"dtype": "FILESYSTEM", "target": "/data"},
            [("container_device_create.attributes.FILESYSTEM.source", "Field required")],
        ),
        (
            {"dtype": "DISK"},
            [
                (
                    "container_device_create.attributes",
                    (
                        "Input tag 'DISK' found using 'dtype' does not match any of the expected tags: "
                        "'FILESYSTEM', 'GPU', 'NIC', 'USB'"
                    ),
                )
            ],
        ),
    ],
)
def test_what_is_refused(web: Nas, attributes: dict[str, t.Any], found: list[tuple[str, str]]) -> None:
    create(web, **NIC, mac=MAC)
    create(web, dtype="FILESYSTEM", source="/mnt/tank", target="/there")

    assert wrong(web, **attributes) == found


def test_the_default_bridge_is_the_first_choice(web: Nas) -> None:
    web.world.interfaces["br0"] = lan.bridge()

    offered = web.call("container.device.nic_attach_choices")
    web.world.bridge = "br0"

    assert offered == {"BRIDGE": ["truenasbr0", "br0"], "MACVLAN": ["eno1", "eno2"]}
    assert web.call("container.device.nic_attach_choices")["BRIDGE"] == ["br0", "br0"]


def test_there_is_nothing_else_to_pass_on(web: Nas) -> None:
    assert web.call("container.device.usb_choices") == {}
    assert web.call("container.device.gpu_choices") == {}
    web.world.gpus["0000:01:00.0"] = "NVIDIA"
    assert web.call("container.device.gpu_choices") == {"0000:01:00.0": "NVIDIA"}
