# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the record of Incus next to a container's files, and read it when Incus is set up again.

It knows containers by its own database. Where that is new (after an upgrade of the NAS, or a reset), it takes them from
the file `backup.yaml` in each of their datasets; one that does not fit keeps it from taking any.
"""

from __future__ import annotations

import datetime
import typing as t

import yaml

from tests.simulator.errors import CallError
from tests.simulator.instance import MIB, Instance

if t.TYPE_CHECKING:
    from tests.simulator.world import World

RECORD, METADATA = "backup.yaml", "metadata.yaml"
TEMPLATES = {
    "/etc/hostname": ("hostname.tpl", "{{ container.name }}\n"),
    "/etc/hosts": (
        "hosts.tpl",
        "127.0.1.1\t{{ container.name }}\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n",
    ),
}
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""Ten times as fast if PyYAML has it: the record is written at each change of each container."""

IMAGE_METADATA: bytes = yaml.dump(
    {
        "architecture": "x86_64",
        "templates": {
            path: {"when": ["create", "copy"], "create_only": False, "template": template, "properties": {}}
            for path, (template, _text) in TEMPLATES.items()
        },
    },
    Dumper=DUMPER,
).encode()
NOT_RECORDED = ("backups", "state", "snapshots")
OWN_SNAPSHOTS = "snapshot-"
"""How the names of Incus' own ZFS snapshots begin."""
IMAGE_KEYS = ("architecture", "description", "os", "release", "serial", "type", "variant")


def from_image(world: World, instance: Instance) -> None:
    """Return the files that unpacking an image creates next to the root directory."""
    beside = world.storage.zfs.datasets[instance.dataset].beside
    beside[METADATA] = IMAGE_METADATA
    beside.update({f"templates/{template}": text.encode() for template, text in TEMPLATES.values()})
    write(world, instance)


def write(world: World, instance: Instance) -> None:
    """What every change of a container's settings ends with. Raises CallError where its dataset is gone."""
    dataset = world.storage.zfs.datasets.get(instance.dataset)
    if dataset is None:
        command = f"zfs set mountpoint=legacy canmount=noauto {instance.dataset}"
        raise CallError(
            f"Failed to write backup file: Failed to run: {command}: "
            f"exit status 1 (cannot open '{instance.dataset}': dataset does not exist)"
        )
    dataset.beside[RECORD] = as_yaml(record_of(world, instance))


def as_yaml(record: dict[str, t.Any]) -> bytes:
    """Return a record as a file. The fast library cannot write surrogates, which hostile names may have."""
    try:
        return yaml.dump(record, Dumper=DUMPER, sort_keys=False).encode()
    except UnicodeEncodeError:
        return yaml.dump(record, Dumper=yaml.SafeDumper, sort_keys=False).encode()


def record_of(world: World, instance: Instance) -> dict[str, t.Any]:
    raw = instance.raw(world.profile)
    return {
        "container": {key: value for key, value in raw.items() if key not in NOT_RECORDED},
        "pool": {
            "config": {"source": f"{instance.storage_pool}/.ix-virt"},
            "description": "",
            "name": instance.storage_pool,
            "driver": "zfs",
            "used_by": [],
            "status": "Created",
            "locations": ["none"],
        },
        "profiles": [
            {"config": {}, "description": "Default TrueNAS profile", "devices": world.profile, "name": "default"}
        ],
        "volume": {
            "config": {"volatile.uuid": instance.uuid},
            "description": "",
            "name": instance.name,
            "type": "container",
            "used_by": [],
            "location": "none",
            "content_type": "filesystem",
            "project": "default",
            "created_at": instance.created.isoformat(),
        },
    }


# set up again


async def forget(world: World) -> None:
    """Incus' own database goes: containers that run are stopped the hard way, their datasets stay."""
    for instance in list(world.instances.values()):
        if instance.status == "RUNNING":
            await world.engine.stop(instance.name, force=True)
        if instance.going_down is not None:
            instance.going_down.cancel()
        instance.status, instance.aliases, instance.shows = "STOPPED", [], None
    world.instances.clear()
    world.known_pools.clear()


def recover(world: World) -> None:
    """Take the containers of pools that Incus does not know from their datasets: all of them, or none.

    Raises CallError with the texts of Incus (storage/backend.go), as the middleware passes them on.
    """
    pools = [pool for pool in world.storage_pools if pool not in world.known_pools]
    found = [instance for pool in pools for instance in unknown(world, pool)]
    for instance in found:
        world.instances[instance.name] = instance
    world.known_pools.update(pools)


def unknown(world: World, pool: str) -> list[Instance]:
    try:
        return [
            read(world, pool, name)
            for dataset in sorted(world.storage.zfs.datasets)
            if (name := world.storage.layout.container_of(dataset)) and dataset.startswith(f"{pool}/")
        ]
    except CallError as error:
        text = f'Internal storage validation failed: Failed checking volumes on pool "{pool}": {error.text}'
        raise CallError(text) from error


def read(world: World, pool: str, name: str) -> Instance:
    dataset = world.storage.layout.dataset(pool, name)
    content = world.storage.zfs.datasets[dataset].beside.get(RECORD)
    if content is None:
        raise CallError(f'Failed parsing backup file "{RECORD}": open {RECORD}: no such file or directory')
    record = yaml.safe_load(content)
    container, what = record["container"], f'Instance "{name}" in project "default"'
    if container["name"] != name:
        raise CallError(f'{what} has a different instance name in its backup file ("{container["name"]}")')
    if record["pool"]["name"] != pool:
        raise CallError(f"{what} has pool name mismatch in its backup file")
    if record["volume"]["name"] != name:
        raise CallError(f"{what} has a different volume name in its backup file")
    there = {each.label for each in world.storage.zfs.of(dataset) if each.label.startswith(OWN_SNAPSHOTS)}
    if there != {f"{OWN_SNAPSHOTS}{each['name']}" for each in record.get("snapshots") or []}:
        raise CallError("Backup snapshots inconsistent with storage")
    return instance_of(container, pool)


def instance_of(container: dict[str, t.Any], pool: str) -> Instance:
    config: dict[str, str] = dict(container["config"])

    def take(prefix: str) -> dict[str, str]:
        return {key.removeprefix(prefix): config.pop(key) for key in list(config) if key.startswith(prefix)}

    image = take("image.")
    memory = config.pop("limits.memory", None)
    instance = Instance(
        container["name"],
        {**dict.fromkeys(IMAGE_KEYS), "secureboot": None, **image},
        pool,
        cpu=config.pop("limits.cpu", None),
        memory=int(memory.removesuffix("MiB")) * MIB if memory else None,
        environment=take("environment."),
        autostart=config.pop("user.autostart", "false") == "true",
        base_image=config.pop("volatile.base_image", ""),
        devices={name: device for name, device in container["devices"].items() if name != "root"},
        privileged=config.pop("security.privileged", "false") == "true",
        started_once="volatile.idmap.current" in config,
        apply_template=config.pop("volatile.apply_template", None),
        uuid=config.pop("volatile.uuid"),
    )
    instance.created = datetime.datetime.fromisoformat(str(container["created_at"]))
    instance.config = {"volatile.eth0.hwaddr": config["volatile.eth0.hwaddr"]}
    return instance


# the first start


async def apply_templates(world: World, instance: Instance) -> None:
    """Write the files that the image has as templates, as Incus does before the first start of a container."""
    if instance.apply_template is None:
        return
    beside = world.storage.zfs.datasets[instance.dataset].beside
    for path, template in (yaml.safe_load(beside[METADATA]).get("templates") or {}).items():
        there = await world.engine.stat(instance.name, path) is not None
        if instance.apply_template not in template["when"] or (there and template.get("create_only")):
            continue
        text = beside[f"templates/{template['template']}"].replace(b"{{ container.name }}", instance.name.encode())
        await world.engine.write_file(instance.name, path, text, append=False, mode=0o644, uid=0, gid=0)
    # The record is written before: it requests the templates until it is written again.
    instance.apply_template = None
