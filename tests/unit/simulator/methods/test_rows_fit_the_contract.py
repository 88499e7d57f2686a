# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that models, rows and results of the simulator fit the schemas of the real API, where those are at hand."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator import lan
from tests.simulator.contract import Contract, Method, contract_folder, schemas_of
from tests.simulator.registry import REGISTRY
from tests.simulator.releases import INCUS_HAS, LIBVIRT_HAS, RELEASES, Release
from tests.unit.simulator.nas import Nas

ON = INCUS_HAS

Schema = dict[str, t.Any]

WEB = "tank/.ix-virt/containers/px-web"
NEW: Schema = {"name": "px-web", "image": "ubuntu/24.04", "autostart": True, "environment": {"A": "b"}, "memory": 2**30}
DEVICES: list[Schema] = [
    {"dev_type": "NIC", "name": "eth1", "nic_type": "MACVLAN", "parent": "eno1"},
    {"dev_type": "PROXY", "source_proto": "TCP", "source_port": 8080, "dest_proto": "TCP", "dest_port": 80},
    {"dev_type": "TPM"},
    {"dev_type": "USB", "bus": 1, "dev": 2},
    {"dev_type": "GPU", "gpu_type": "PHYSICAL", "pci": "0000:01:00.0"},
]
LOST = "interface.network_config_to_be_removed"
CRON_JOB: Schema = {"command": "true", "user": "root", "enabled": False}
UNSTATED = ("core.", "auth.")
"""What the contract has and this part of the simulator does not."""


def schemas(release: Release) -> dict[str, Schema]:
    file = contract_folder() / f"{release.version}.json"
    if not file.is_file():
        pytest.skip(f"there is no contract at {file}")
    return schemas_of(contract_folder(), release.version)


class Checked:
    """A NAS whose every call and answer is held against the contract."""

    def __init__(self, nas: Nas) -> None:
        self.nas = nas
        self.contract = Contract({name: Method.of(known) for name, known in schemas(nas.release).items()})
        self.called: set[str] = set()

    def call(self, name: str, *params: t.Any) -> t.Any:
        assert self.contract.request_mismatch(name, params) is None
        result = self.nas.call(name, *params)
        self.contract.check_reply(name, params, result)
        assert self.contract.errors == []
        self.called.add(name)
        return result


def change_network(call: t.Callable[..., t.Any], nas: Nas) -> None:
    """Call everything that changes the network."""
    call("interface.create", {"type": "BRIDGE", "name": "br77", "bridge_members": [], "stp": False})
    call("interface.query")
    call("interface.websocket_interface")
    call(f"interface.{'network_config_to' if nas.has(LOST) else 'default_route_will'}_be_removed")
    call("interface.has_pending_changes")
    call("interface.commit", {"rollback": True, "checkin_timeout": 60})
    call("interface.checkin_waiting")
    call("interface.checkin")
    made = call("tunable.create", {"var": "net.ipv4.conf.br77.rp_filter", "value": "1", "type": "SYSCTL"})
    call("tunable.query")
    call("tunable.update", made["id"], {"value": "2"})
    call("tunable.delete", made["id"])
    call("interface.delete", "br77")
    call("interface.rollback")
    call("interface.query")


def test_everything_a_nas_answers_fits(nas: Nas) -> None:
    checked = Checked(nas)
    call, snapshots = checked.call, nas.release.snapshot_service
    nas.world.interfaces |= {each.name: each for each in (lan.bridge(), lan.lagg(), lan.vlan())}

    call("virt.global.update", {"storage_pools": ["tank", "fast"]})
    call("virt.global.config")
    call("virt.global.pool_choices")
    call("virt.global.bridge_choices")
    call("virt.global.get_network", "incusbr0")
    call("virt.device.nic_choices", "MACVLAN")
    call("virt.instance.image_choices")
    call("interface.query")
    call("network.general.summary")

    call("virt.instance.create", NEW)
    for device in DEVICES:
        call("virt.instance.device_add", "px-web", device)
    call("virt.instance.device_list", "px-web")
    call("virt.instance.device_update", "px-web", {**DEVICES[1], "name": "proxy0", "dest_port": 81})
    call("virt.instance.device_delete", "px-web", "proxy0")
    call("virt.instance.update", "px-web", {"cpu": "1", "memory": None, "environment": {}})
    nas.wait()
    call("virt.instance.query")
    call("virt.instance.query", [["name", "^", "px-"]], {"extra": {"raw": True}})

    call(f"{snapshots}.create", {"dataset": WEB, "name": "base"})
    call(f"{snapshots}.hold", f"{WEB}@base")
    call(f"{snapshots}.query", [["id", "=", f"{WEB}@base"]], {"extra": {"holds": True, "retention": True}})
    call(f"{snapshots}.query")
    call(f"{snapshots}.release", f"{WEB}@base")
    call(f"{snapshots}.rollback", f"{WEB}@base")
    call(f"{snapshots}.clone", {"snapshot": f"{WEB}@base", "dataset_dst": "tank/copy"})
    call(f"{snapshots}.delete", f"{WEB}@base", {"defer": True})

    number = call("cronjob.create", CRON_JOB)["id"]
    call("cronjob.query")
    call("cronjob.run", number)
    call("cronjob.delete", number)
    call("filesystem.stat", "/mnt/tank")
    nas.call("filesystem.file_receive", "/mnt/tank/file", "eA==", {})
    call("filesystem.get", "/mnt/tank/file")

    call("virt.instance.stop", "px-web", {"force": True})
    call("virt.instance.restart", "px-web", {"timeout": 3})
    call("virt.instance.stop", "px-web", {"timeout": 3})
    call("virt.instance.start", "px-web")
    call("virt.instance.delete", "px-web")

    change_network(call, nas)

    stated = {name for name in schemas(nas.release) if not name.startswith(UNSTATED)}
    assert stated - checked.called == {"filesystem.put"}


@pytest.mark.parametrize("release", LIBVIRT_HAS)
def test_everything_a_nas_of_26_answers_fits(make_nas: t.Callable[..., Nas], release: str) -> None:
    nas = make_nas(release)
    checked = Checked(nas)
    call, web = checked.call, "tank/.truenas_containers/containers/px-web"
    nas.world.interfaces |= {each.name: each for each in (lan.bridge(), lan.lagg(), lan.vlan())}

    call("lxc.config")
    call("lxc.bridge_choices")
    call("lxc.update", {"bridge": "br0", "preferred_pool": "tank"})
    call("container.pool_choices")
    image = call("container.image.query_registry")[0]
    call("interface.query")
    call("network.general.summary")

    version = image["versions"][-1]["version"]
    new = {"name": "px-web", "image": {"name": image["name"], "version": version}, "initenv": {"A": "b"}}
    number = call("container.create", {**new, "idmap": {"type": "ISOLATED", "slice": None}, "cpuset": "0-1"})["id"]
    attach = call("container.device.nic_attach_choices")["BRIDGE"][0]
    for attributes in (
        {"dtype": "NIC", "nic_attach": attach, "type": "VIRTIO"},
        {"dtype": "FILESYSTEM", "source": "/mnt/tank", "target": "/data"},
        {"dtype": "USB", "usb": {"vendor_id": "0x046b", "product_id": "0xff10"}},
        {"dtype": "GPU", "gpu_type": "AMD", "pci_address": "0000:01:00.0"},
    ):
        device = call("container.device.create", {"container": number, "attributes": attributes})
    call("container.device.query", [["container", "=", number]])
    call("container.device.update", device["id"], {"attributes": {"gpu_type": "INTEL"}})
    call("container.device.delete", device["id"])
    call("container.start", number)
    nas.wait()
    call("container.query")
    call("container.update", number, {"description": "the web"})
    call("container.stop", number, {"force_after_timeout": True})
    call("container.query", [["status.state", "=", "STOPPED"]])

    if nas.release.protected_containers:
        # Snapshots of other datasets remain possible.
        web = "tank/data"
        nas.world.storage.zfs.add(web)
    taken = call("pool.snapshot.create", {"dataset": web, "name": "base", "suspend_vms": False})["id"]
    call("pool.snapshot.hold", taken)
    call(
        "pool.snapshot.query",
        [["id", "=", taken]],
        {"extra": {"holds": True, "retention": True, "properties": ["creation"]}},
    )
    call("pool.snapshot.query")
    call("pool.snapshot.release", taken)
    call("pool.snapshot.rollback", taken)
    call("pool.snapshot.clone", {"snapshot": taken, "dataset_dst": "tank/copy"})
    call("pool.snapshot.delete", taken, {"defer": True})
    service = "zfs.resource.snapshot"
    newer = call(f"{service}.create", {"dataset": web, "name": "newer", "user_properties": {"my:note": "x"}})["name"]
    call(f"{service}.hold", {"path": newer})
    every = {"get_holds": True, "get_user_properties": True, "properties": ["creation", "used"]}
    call(f"{service}.query", {"paths": [web], **every})
    call(f"{service}.query")
    call(f"{service}.release", {"path": newer})
    call(f"{service}.rollback", {"path": newer})
    call(f"{service}.clone", {"snapshot": newer, "dataset": "tank/other"})
    call(f"{service}.destroy", {"path": newer, "defer": True})

    cron_job = call("cronjob.create", CRON_JOB)["id"]
    call("cronjob.query")
    call("cronjob.run", cron_job)
    call("cronjob.delete", cron_job)
    call("filesystem.stat", "/mnt/tank")
    nas.call("filesystem.file_receive", "/mnt/tank/file", "eA==", {})
    call("filesystem.get", "/mnt/tank/file")
    call("zfs.resource.destroy", {"path": "tank/copy"})
    call("zfs.resource.destroy", {"path": "tank/other"})
    call("container.delete", number)

    change_network(call, nas)

    stated = {name for name in schemas(nas.release) if not name.startswith(UNSTATED)}
    assert stated - checked.called == {"filesystem.put", "container.migrate"}


@pytest.mark.parametrize("release", RELEASES.values(), ids=list(RELEASES))
def test_models_have_the_members_the_contract_has(release: Release) -> None:
    different = {}
    for name, schema in schemas(release).items():
        if name.startswith(UNSTATED) or "args" not in schema:
            continue
        method = REGISTRY.find(release.name, name)
        assert method is not None, f"{name} is missing"
        assert method.job == schema["job"], name
        ours, theirs = members(method.model.model_json_schema()), members(schema["args"])
        if ours != theirs:
            different[name] = ours ^ theirs

    assert different == {}


def members(schema: Schema, path: str = "", root: Schema | None = None) -> set[tuple[str, bool]]:
    """The paths of all members, with whether they must be there; variants of a union are merged."""
    root = root or schema
    schema = root["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    found = set()
    for key, member in schema.get("properties", {}).items():
        found.add((f"{path}.{key}", key in schema.get("required", ())))
        found |= members(member, f"{path}.{key}", root)
    for variant in [*schema.get("anyOf", ()), *schema.get("oneOf", ())]:
        found |= members(variant, path, root)
    if "items" in schema:
        found |= members(schema["items"], f"{path}[]", root)
    return found
