# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declare the reply of each method of the middleware, as far as it is used, and check every reply against it.

The fields and types are those of the middleware's models for 25.04, 25.10 and 26 (the JSON schemas of its API
documentation). A method without a model there whose reply is not used may return anything.
"""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.shapes import (
    Mismatch,
    Record,
    anything,
    digits,
    flag,
    instant,
    kind,
    list_of,
    mapping_of,
    moment,
    optional,
    text,
    texts,
    whole,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

    from ansible_collections.pixels.truenas.plugins.module_utils._api.shell_pool import ShellLike
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.shapes import Shape
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

    Params = t.Sequence[t.Any]
    ByParams = t.Callable[[Params], Shape]


def _options(params: Params) -> dict[str, t.Any]:
    """Return the query options of a call, or the only argument of `zfs.resource.*`."""
    last = params[-1] if params else None
    return last if isinstance(last, dict) else {}


def _rows(row: Record) -> ByParams:
    def shape(params: Params) -> Shape:
        options = _options(params)
        return list_of(row.only(options["select"]) if "select" in options else row)

    return shape


def _when(name: str, expected: str, always: Record, more: Record) -> Shape:
    """Return a record that has more fields if one field has a certain value."""

    def shape(value: object, path: str) -> None:
        always(value, path)
        if isinstance(value, dict) and value[name] == expected:
            more(value, path)

    return shape


# 25.04 and 25.10.

# Only types are checked here. values.py checks the values, and ignores invalid ones with a warning.
ALIAS = Record({"type": text, "address": anything})
IMAGE = Record({}, if_present=dict.fromkeys(("os", "release", "variant", "description"), optional(text)))
INSTANCE = Record(
    {
        "name": text,
        "status": text,
        "aliases": optional(list_of(ALIAS)),
        "cpu": optional(text),
        "memory": optional(whole),
        "image": optional(IMAGE),
        "environment": optional(mapping_of(anything)),
        "autostart": anything,
        "storage_pool": optional(text),
    }
)
GLOBAL_CONFIG = Record(
    {"state": text, "pool": optional(text), "storage_pools": list_of(text), "dataset": optional(text)}
)
INSTANCE_DEVICE = _when(
    "dev_type",
    "NIC",
    Record({"dev_type": text}),
    Record({"name": text, "nic_type": optional(text), "parent": optional(text), "network": optional(text)}),
)

IMAGE_CHOICE = Record({"os": text, "release": text, "variant": text, "archs": texts, "instance_types": texts})

# 26.

CONTAINER_DEVICE = Record(
    {
        "id": whole,
        "attributes": _when("dtype", "NIC", Record({"dtype": text}), Record({"nic_attach": optional(text)})),
    }
)
CONTAINER = Record(
    {
        "id": whole,
        "name": text,
        "status": Record({"state": text, "pid": optional(whole), "domain_state": optional(text)}),
        "description": text,
        "dataset": text,
        "cpuset": optional(text),
        "initenv": mapping_of(anything),
        "autostart": anything,
        "devices": list_of(CONTAINER_DEVICE),
        "shutdown_timeout": whole,
    }
)
REGISTRY_IMAGE = Record({"name": text, "versions": optional(list_of(Record({"version": text})))})

# ZFS.

SNAPSHOT_PROPERTIES = {
    "creation": Record({"rawvalue": moment}),
    "used": Record({"rawvalue": digits}),
    "referenced": Record({"rawvalue": digits}),
    "clones": Record({"rawvalue": text}),
}


def _snapshot_properties(value: object, path: str) -> None:
    Record(SNAPSHOT_PROPERTIES)(value, path)
    user = {name: each for name, each in value.items() if ":" in name} if isinstance(value, dict) else {}
    mapping_of(Record({"rawvalue": text, "source": anything}))(user, path)


SNAPSHOT = Record(
    {
        "name": text,
        "dataset": text,
        "snapshot_name": text,
        "createtxg": digits,
        "properties": _snapshot_properties,
    },
    if_present={"holds": optional(texts)},
)
RESOURCE_PROPERTIES = Record(
    {},
    if_present={
        "creation": Record({"raw": moment}),
        "used": Record({"raw": digits}),
        "referenced": Record({"raw": digits}),
    },
)


def _resource_snapshot(properties: Shape) -> Record:
    return Record(
        {
            "name": text,
            "dataset": text,
            "snapshot_name": text,
            "createtxg": whole,
            "properties": properties,
            "holds": optional(texts),
            "user_properties": optional(mapping_of(text)),
        }
    )


def _resource_snapshots(params: Params) -> Shape:
    has_properties = _options(params).get("properties") is not None
    return list_of(_resource_snapshot(RESOURCE_PROPERTIES if has_properties else anything))


def _resources(params: Params) -> Shape:
    properties: Shape = anything
    if "mountpoint" in (_options(params).get("properties") or ()):
        properties = Record({"mountpoint": Record({"value": text})})
    elif "origin" in (_options(params).get("properties") or ()):
        properties = optional(Record({}, if_present={"origin": optional(Record({"raw": optional(text)}))}))
    return list_of(Record({"name": text, "createtxg": whole, "properties": properties}))


DATASET = Record(
    {
        "id": text,
        "properties": Record({"origin": Record({"rawvalue": text}), "createtxg": Record({"rawvalue": digits})}),
    }
)

# The NAS.

INTERFACE_ALIAS = Record({"type": text})
INTERFACE = Record(
    {
        "name": text,
        "type": text,
        "fake": flag,
        "description": text,
        "aliases": list_of(INTERFACE_ALIAS),
        "ipv4_dhcp": flag,
        "ipv6_auto": flag,
        "state": Record({"link_state": optional(text), "aliases": list_of(INTERFACE_ALIAS)}),
    },
    if_present={"bridge_members": optional(list_of(text)), "vlan_parent_interface": optional(text)},
)
TUNABLE = Record({"id": whole, "type": text, "var": text, "value": text}, if_present={"comment": optional(text)})
STAT = Record({"type": text, "realpath": text, "size": whole, "mode": whole, "is_mountpoint": anything, "uid": whole})
ACCOUNT = Record({"pw_name": text, "privilege": optional(Record({"roles": texts, "web_shell": anything}))})

DONE = optional(flag)

REPLIES: dict[str, Shape] = {
    "auth.me": ACCOUNT,
    "container.create": CONTAINER,
    "container.delete": DONE,
    "container.device.create": Record({"id": whole}),
    "container.device.delete": DONE,
    "container.device.gpu_choices": mapping_of(text),
    "container.device.nic_attach_choices": Record({"BRIDGE": list_of(text), "MACVLAN": list_of(text)}),
    "container.device.update": Record({"id": whole}),
    "container.image.query_registry": list_of(REGISTRY_IMAGE),
    "container.pool_choices": mapping_of(anything),
    "container.start": DONE,
    "container.stop": DONE,
    "container.update": CONTAINER,
    "core.get_jobs": list_of(Record({}, if_present={"error": optional(text)})),
    "core.resize_shell": anything,
    "failover.licensed": flag,
    "filesystem.file_receive": anything,
    "filesystem.listdir": list_of(Record({"name": text})),
    "filesystem.stat": STAT,
    "interface.checkin": anything,
    "interface.checkin_waiting": optional(whole),
    "interface.commit": anything,
    "interface.create": Record({"name": text}),
    "interface.default_route_will_be_removed": optional(flag),
    "interface.delete": anything,
    "interface.has_pending_changes": flag,
    "interface.network_config_to_be_removed": list_of(text),
    "interface.query": list_of(INTERFACE),
    "interface.websocket_interface": optional(Record({"name": text})),
    "lxc.config": Record({"preferred_pool": optional(text)}),
    "network.general.summary": Record({"default_routes": list_of(text)}),
    "pool.dataset.promote": anything,
    "pool.snapshot.clone": DONE,
    "pool.snapshot.create": SNAPSHOT,
    "pool.snapshot.delete": DONE,
    "pool.snapshot.rollback": DONE,
    "system.info": Record({"datetime": instant}),
    "system.version_short": text,
    "tunable.create": TUNABLE,
    "tunable.delete": anything,
    "tunable.update": TUNABLE,
    "virt.device.gpu_choices": mapping_of(anything),
    "virt.device.nic_choices": mapping_of(anything),
    "virt.global.config": GLOBAL_CONFIG,
    "virt.instance.create": INSTANCE,
    "virt.instance.delete": DONE,
    "virt.instance.device_add": DONE,
    "virt.instance.device_delete": DONE,
    "virt.instance.device_list": list_of(INSTANCE_DEVICE),
    "virt.instance.device_update": DONE,
    "virt.instance.image_choices": mapping_of(IMAGE_CHOICE),
    "virt.instance.restart": DONE,
    "virt.instance.start": DONE,
    "virt.instance.stop": DONE,
    "virt.instance.update": INSTANCE,
    "zfs.dataset.delete": anything,
    "zfs.dataset.query": list_of(DATASET),
    "zfs.dataset.rename": anything,
    "zfs.resource.destroy": anything,
    "zfs.resource.snapshot.clone": anything,
    "zfs.resource.snapshot.create": _resource_snapshot(RESOURCE_PROPERTIES),
    "zfs.resource.snapshot.destroy": DONE,
    "zfs.resource.snapshot.release": anything,
    "zfs.resource.snapshot.rollback": DONE,
    "zfs.snapshot.clone": DONE,
    "zfs.snapshot.create": SNAPSHOT,
    "zfs.snapshot.delete": DONE,
    "zfs.snapshot.rollback": DONE,
}

QUERIES: dict[str, ByParams] = {
    "container.query": _rows(CONTAINER),
    "pool.snapshot.query": _rows(SNAPSHOT),
    "tunable.query": _rows(TUNABLE),
    "virt.instance.query": _rows(INSTANCE),
    "zfs.resource.query": _resources,
    "zfs.resource.snapshot.query": _resource_snapshots,
    "zfs.snapshot.query": _rows(SNAPSHOT),
}
"""Methods whose reply depends on the arguments."""


def check(method: str, params: Params, reply: object) -> None:
    """Raise `Mismatch`, with the path, for a reply that does not have the declared shape."""
    by_params = QUERIES.get(method)
    shape = by_params(params) if by_params else REPLIES.get(method, anything)
    try:
        shape(reply, "")
    except RecursionError:
        mismatch = Mismatch("", "what it should be", f"{kind(reply)} nested too deeply")
    else:
        return
    raise mismatch


class CheckedWire:
    """A session that checks every reply. Its methods raise `UnexpectedReply` for one without the declared shape."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @property
    def nas(self) -> str:
        """See `Wire`."""
        return self._wire.nas

    def read(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """See `Wire`."""
        return self._checked(method, params, self._wire.read(method, *params, timeout=timeout))

    def call(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """See `Wire`."""
        return self._checked(method, params, self._wire.call(method, *params, timeout=timeout), changes=True)

    def run_job(
        self,
        method: str,
        *params: t.Any,
        timeout: float | None = None,
        progress: t.Callable[[t.Any], None] | None = None,
    ) -> t.Any:
        """See `Wire`."""
        result = self._wire.run_job(method, *params, timeout=timeout, progress=progress)
        return self._checked(method, params, result, changes=True)

    def download(self, method: str, *params: t.Any, timeout: float | None = None) -> bytes:
        """See `Wire`."""
        return self._wire.download(method, *params, timeout=timeout)

    def borrow_shell(
        self, options: t.Mapping[str, t.Any], *, timeout: float | None = None, unused: bool = False
    ) -> ShellLike:
        """See `Wire`."""
        return self._wire.borrow_shell(options, timeout=timeout, unused=unused)

    def _checked(self, method: str, params: Params, reply: t.Any, *, changes: bool = False) -> t.Any:
        try:
            check(method, params, reply)
        except Mismatch as mismatch:
            problem = str(mismatch)
        else:
            return reply
        # Imported here to save the fast path of `pixels list` the loading time.
        from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import UnexpectedReply

        raise UnexpectedReply.about(problem, method=method, nas=self.nas, changes=changes)
