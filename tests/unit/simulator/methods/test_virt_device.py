# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a container can be given of the NAS."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator import lan
from tests.simulator.errors import CallError, GenericError
from tests.simulator.releases import INCUS_HAS
from tests.unit.simulator.nas import Nas

ON = INCUS_HAS

Row = dict[str, t.Any]

PROXY: Row = {"dev_type": "PROXY", "source_proto": "TCP", "source_port": 8080, "dest_proto": "TCP", "dest_port": 80}
MACVLAN: Row = {"dev_type": "NIC", "name": "eth1", "nic_type": "MACVLAN", "parent": "eno1"}
DISK: Row = {"dev_type": "DISK", "source": "/mnt/tank/data", "destination": "/data"}


def names(nas: Nas) -> list[str]:
    return [device["name"] for device in nas.call("virt.instance.device_list", "px-web")]


def test_the_profiles_devices_come_first(nas: Nas) -> None:
    nas.add("px-web")
    nas.call("virt.instance.device_add", "px-web", MACVLAN)
    nas.call("virt.instance.device_add", "px-web", PROXY)
    mac = {"mac": None} if nas.release.nic_mac else {}

    eth0, root, eth1, proxy = nas.call("virt.instance.device_list", "px-web")

    assert eth0 == {
        "name": "eth0",
        "description": "incusbr0",
        "readonly": True,
        "dev_type": "NIC",
        "network": "incusbr0",
        "nic_type": None,
        "parent": None,
        **mac,
    }
    assert (root["dev_type"], root["destination"], root["storage_pool"]) == ("DISK", "/", "tank")
    assert (eth1["nic_type"], eth1["parent"], eth1["readonly"]) == ("MACVLAN", "eno1", False)
    assert proxy["description"] == "TCP/8080 -> TCP/80"


def test_an_unnamed_nic_replaces_the_profiles(nas: Nas) -> None:
    nas.add("px-web")

    nas.call("virt.instance.device_add", "px-web", {**MACVLAN, "name": None})

    assert names(nas) == ["eth0", "root"]
    assert nas.call("virt.instance.device_list", "px-web")[0]["parent"] == "eno1"


def test_devices_of_a_create(nas: Nas) -> None:
    devices = [{"dev_type": "TPM", "path": "/dev/tpm0", "pathrm": "/dev/tpmrm0"}, PROXY, MACVLAN]

    nas.call("virt.instance.create", {"name": "px-web", "image": "debian/12", "autostart": False, "devices": devices})

    assert names(nas) == ["eth0", "root", "tpm0", "proxy0", "eth1"]


def test_a_name_that_is_taken_is_overwritten_and_an_update_replaces_all(nas: Nas) -> None:
    nas.add("px-web")
    nas.call("virt.instance.device_add", "px-web", {**PROXY, "name": "door"})
    nas.call("virt.instance.device_add", "px-web", {**PROXY, "name": "door", "dest_port": 81})
    assert names(nas) == ["eth0", "root", "door"]

    assert nas.call("virt.instance.device_update", "px-web", {**PROXY, "name": "door", "dest_port": 82}) is True

    assert nas.call("virt.instance.device_list", "px-web")[-1]["dest_port"] == 82


def test_a_device_of_the_profile_can_be_overridden_but_not_deleted(nas: Nas) -> None:
    nas.add("px-web")
    error = nas.refusal("virt.instance.device_delete", "px-web", "eth0")
    assert (str(error), error.errno) == ("[ENOENT] Device not found.", 2)

    nas.call("virt.instance.device_update", "px-web", {**MACVLAN, "name": "eth0"})

    assert nas.call("virt.instance.device_delete", "px-web", "eth0") is True


def test_an_update_of_nothing_is_refused(nas: Nas) -> None:
    nas.add("px-web")

    error = nas.refusal("virt.instance.device_update", "px-web", {**PROXY, "name": "door"})

    assert isinstance(error, CallError)
    assert (str(error), error.errno) == ("[ENOENT] Device does not exist.", 2)


def test_a_nic_without_a_type_crashes_as_the_middleware_does(nas: Nas) -> None:
    nas.add("px-web")

    error = nas.refusal("virt.instance.device_add", "px-web", {"dev_type": "NIC", "network": "incusbr0"})

    assert isinstance(error, GenericError)
    assert (error.kind, str(error)) == ("AttributeError", "'NoneType' object has no attribute 'lower'")


def test_a_bridge_must_exist_and_any_macvlan_parent_will_do(nas: Nas) -> None:
    nas.add("px-web")
    bridged = {"dev_type": "NIC", "name": "eth1", "nic_type": "BRIDGED", "parent": "br0"}
    error = nas.refusal("virt.instance.device_add", "px-web", bridged)
    assert error.triples == [("virt_device_add", "Invalid parent interface", 22)]

    nas.world.interfaces["br0"] = lan.bridge()

    assert nas.call("virt.instance.device_add", "px-web", bridged)
    assert nas.call("virt.instance.device_add", "px-web", {**MACVLAN, "parent": "nowhere"})


def test_nics_wait_for_pending_network_changes(nas: Nas) -> None:
    nas.add("px-web")
    nas.call("interface.create", {"type": "BRIDGE", "name": "br77", "bridge_members": []})

    error = nas.refusal("virt.instance.device_add", "px-web", MACVLAN)

    assert "There are pending network changes, please resolve before proceeding." in str(error)


def test_a_port_in_use_is_named_with_its_user(nas: Nas) -> None:
    nas.add("px-web")

    error = nas.refusal("virt.instance.device_add", "px-web", {**PROXY, "source_port": 443})

    text = 'The port is being used by following services:\n1) "0.0.0.0:443" used by WebUI Service'
    assert error.triples == [("virt_device_add", text, 22)]


def test_a_port_of_another_container_is_in_use_but_not_its_own(nas: Nas) -> None:
    nas.add("px-web")
    nas.add("px-db")
    nas.call("virt.instance.device_add", "px-web", {**PROXY, "name": "door"})

    assert nas.call("virt.instance.device_update", "px-web", {**PROXY, "name": "door"})
    assert "used by" in str(nas.refusal("virt.instance.device_add", "px-db", PROXY))


@pytest.mark.parametrize(
    ("change", "attribute", "text"),
    [
        ({"source": None}, "", "Source is required."),
        ({"source": "/mnt/tank/nope"}, "", "Source path does not exist."),
        ({"source": "/mnt/tank/folder"}, "", "Source must be a dataset mountpoint."),
        ({"source": "/mnt/tank/file"}, "", "The path must be a directory"),
        ({"source": "/mnt/elsewhere"}, "", "The path must reside within a pool mount point"),
        ({"source": "/dev/zvol/tank/v"}, "", "ZVOL are not allowed for containers"),
        ({"source": "volume"}, "", "Source must be a filesystem path for CONTAINER"),
        ({"destination": None}, "", "Destination is required for filesystem paths."),
        ({"destination": "data"}, "", "Destination must be an absolute path."),
        ({"destination": "/"}, "", "Destination cannot be /"),
        ({"boot_priority": 1}, "", "Boot priority is not valid for filesystem paths."),
        ({"io_bus": "NVME"}, ".io_bus", "IO bus is only available for VMs"),
    ],
)
def test_a_disk_is_a_dataset_of_a_pool(nas: Nas, change: Row, attribute: str, text: str) -> None:
    nas.add("px-web")
    host = nas.world.files.root / "mnt"
    for folder in ("tank/data", "tank/folder", "elsewhere"):
        (host / folder).mkdir(parents=True)
    (host / "tank/file").touch()
    nas.world.storage.zfs.add("tank/data")
    assert nas.call("virt.instance.device_add", "px-web", DISK)

    error = nas.refusal("virt.instance.device_add", "px-web", {**DISK, **change})

    assert error.triples == [(f"virt_device_add{attribute}", text, 22)]


def test_what_only_vms_can_have_is_refused(nas: Nas) -> None:
    nas.add("px-web")

    error = nas.refusal("virt.instance.device_add", "px-web", {"dev_type": "PCI", "address": "0000_01_00_0"})

    assert error.triples == [("virt_device_add", "PCI passthrough is only supported for vms", 22)]


def test_devices_of_one_create_must_not_want_the_same(nas: Nas) -> None:
    new = {"name": "px-web", "image": "debian/12", "autostart": False, "devices": [PROXY, PROXY]}

    error = nas.refusal("virt.instance.create", new)

    assert error.triples == [
        ("virt_instance_create.source_port", "Source proto/port already in use.", 22),
        ("virt_instance_create.dest_port", "Destination proto/port already in use.", 22),
    ]


def test_a_disk_without_source_hides_the_other_errors_of_a_create_on_25_04(make_nas: t.Callable[..., Nas]) -> None:
    new = {"name": "px-web", "image": "debian/12", "devices": [{"dev_type": "DISK", "destination": "/data"}]}

    old, newer = (make_nas(release).refusal("virt.instance.create", new) for release in ("25.04", "25.10"))

    assert str(old) == "argument of type 'NoneType' is not iterable"
    assert ("virt_instance_create", "Source is required.", 22) in newer.triples


def test_cdroms_of_25_10_have_names_of_their_own(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas("25.10")
    nas.add("px-web")
    cdrom = {"dev_type": "CDROM", "name": "disc", "source": "/mnt/tank/x.iso"}

    assert nas.refusal("virt.instance.device_add", "px-web", cdrom).triples[0] == (
        "virt_device_add.name",
        "CDROM device name must start with 'ix_cdrom' prefix",
        22,
    )
    assert nas.refusal("virt.instance.device_add", "px-web", {**PROXY, "name": "ix_cdrom1"}).triples == [
        ("virt_device_add.name", "Device name must not start with 'ix_cdrom' prefix", 22)
    ]


def test_set_bootable_disk_is_of_25_10_and_for_vms(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas("25.10")
    nas.add("px-web")

    assert "only valid for VM instances" in str(nas.refusal("virt.instance.set_bootable_disk", "px-web", "root"))
    assert not make_nas("25.04").has("virt.instance.set_bootable_disk")


def test_choices(nas: Nas) -> None:
    nas.world.interfaces["br0"] = lan.bridge()

    assert nas.call("virt.device.nic_choices", "BRIDGED") == {"br0": "br0"}
    assert nas.call("virt.device.nic_choices", "MACVLAN") == {"eno1": "eno1", "eno2": "eno2", "br0": "br0"}
    assert str(nas.refusal("virt.device.nic_choices")) == "[EINVAL] nic_type: Field required\n"
    assert nas.call("virt.device.gpu_choices", "PHYSICAL") == {}
    nas.world.gpus["0000:01:00.0"] = "NVIDIA"
    assert nas.call("virt.device.gpu_choices", "PHYSICAL")["0000:01:00.0"]["vendor"] == "NVIDIA"
    assert "Only PHYSICAL type is supported for now." in str(nas.refusal("virt.device.gpu_choices", "MIG"))
    assert nas.call("virt.device.usb_choices") == nas.call("virt.device.disk_choices") == {}
    assert nas.call("virt.device.pci_choices") == {}
