# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers through `container.*`: libvirt LXC from TrueNAS 26.

Containers are found by name and changed by ID. What their rows do not have comes from elsewhere: the metadata and the
image from the description (`metadata_line.py`), the addresses from the kernel tables of the guest (`proc_net.py`).
"""

from __future__ import annotations

import contextlib
import datetime
import math
import time
import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    NotFound,
    NotPermitted,
    Refused,
    TimedOut,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._api.lazy_property import LazyProperty
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import (
    cpuset,
    image_list,
    image_registry,
    lxc_delete,
    lxc_row,
    metadata_line,
    nas,
    proc_net,
    shutdown_timeout,
    values,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import (
    Container,
    ContainerBackend,
    Needs,
    NewContainer,
    Nic,
    OnProgress,
    ReadOnce,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.lxc_create import ContainerCreator, attach
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.lxc_devices import LxcDevices
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import RoleErrors

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Attachment
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.listed_image import ListedImage
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.values import Warn
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]
# Defined here because `list` is a method of the class below.
Choices = dict[str, list[str]]
Containers = list[Container]
Rows = t.Sequence[Row]

# Middleware role table of 26. Listing images requires the role to change them, and deleting a container safely requires
# the role to read its snapshots (lxc_delete.py).
NEEDS: dict[str, Needs] = {
    "list": (("CONTAINER_READ",),),
    "manage": (("CONTAINER_WRITE",), ("CONTAINER_DEVICE_WRITE",), image_registry.READ, ("SNAPSHOT_READ",)),
    "stop": (("CONTAINER_WRITE",),),
    "enter": (("CONTAINER_WRITE",),),
}

DEVICES = ("CONTAINER_DEVICE_READ",)

NO_SWAP_REASON = "this release of TrueNAS creates containers from images only, not from the files of another container"

NO_MEMORY = "this release of TrueNAS cannot limit the memory of a container"

CREATED_BEFORE_UPGRADE = (
    "it was taken before the upgrade to TrueNAS 26, with another layout of files, from which a container does not "
    "start. Take a new one"
)

MIN_STOP_S, MAX_STOP_S = 5, 300
"""The range of `shutdown_timeout`."""


class LxcBackend(ContainerBackend):
    """Containers of libvirt LXC."""

    generation = "container"
    needs = NEEDS
    no_swap_reason = NO_SWAP_REASON
    lists_all_images = True
    # TrueNAS 26 makes a port of a NIC on a bridge, and spares ports of containers in a commit.
    segment_nic_type = "bridged"
    commit_interrupts_bridges = False

    def __init__(self, wire: Wire, config: Row | None, warn: Warn = values.ignore) -> None:
        """`config` is the row of `lxc.config`, None if the account may not read it.

        `warn` gets a warning for each invalid value in a row; the value is ignored.
        """
        self._wire = wire
        self._config = config
        self._warn = warn
        self._creator = ContainerCreator(wire)

    @property
    def devices(self) -> LxcDevices:
        return LxcDevices(self._wire, self._get, self._warn)

    @property
    def reports_addresses(self) -> bool:
        # They are in files below /proc, which only full administrators may read.
        return self._is_full_admin

    @LazyProperty
    def _is_full_admin(self) -> bool:
        return nas.account(self._wire).may("FULL_ADMIN")

    def ensure_ready(self) -> None:
        """Do nothing: TrueNAS sets up a pool when its first container is created."""

    def reject_limits(self, *, cpu: str | None = None, memory: int | None = None) -> None:
        if memory is not None:
            raise Unsupported(NO_MEMORY).with_hints(
                Hint.omit("memory", "and limit the programs in the pixel, for example with MemoryMax= of systemd")
            )
        if cpu is not None:
            cpuset.to_truenas(cpu, self._wire.nas)

    def list(self, prefix: str) -> Containers:
        rows = self._wire.read("container.query", [["name", "^", prefix]])
        named = {row["name"]: row for row in reversed(rows) if self._has_valid_name(row, prefix)}
        return self._containers([named[name] for name in sorted(named)])

    def _has_valid_name(self, row: Row, prefix: str) -> bool:
        valid = values.is_prefixed_name(row["name"], prefix)
        if not valid:
            self._warn(values.skipped_warning(row["name"], self._wire.nas))
        return valid

    def find(self, name: str, *, timeout: float | None = None) -> Container | None:
        row = self._row(name, timeout=timeout)
        return self._containers([row])[0] if row else None

    def create(self, new: NewContainer, *, timeout: float, progress: OnProgress | None = None) -> Container:
        self.reject_limits(cpu=new.cpu, memory=new.memory)
        # Before anything is created: an account that may not list the bridges may not attach a NIC either.
        parent = new.nic.parent if new.nic else self._first_bridge()
        made = lxc_row.container(self._creator.create(new, parent, timeout=timeout, progress=progress), warn=self._warn)
        # The row was read before the NIC was attached.
        return replace(made, unfinished=())

    def update(self, name: str, settings: t.Mapping[str, t.Any], *, timeout: float) -> None:
        changes = dict(settings)
        self.reject_limits(cpu=changes.get("cpu"), memory=changes.pop("memory", None))
        row = self._get(name)
        if "cpu" in changes:
            cpu = changes.pop("cpu")
            changes["cpuset"] = None if cpu is None else cpuset.to_truenas(cpu, self._wire.nas)
        if "environment" in changes:
            changes["initenv"] = dict(changes.pop("environment"))
        if "metadata" in changes:
            changes["description"] = metadata_line.with_metadata(
                row["description"],
                changes.pop("metadata"),
                nic_parent=lxc_row.pending_nic(row),
                shutdown_timeout=metadata_line.shutdown_timeout(row["description"]),
            )
        self._wire.call("container.update", row["id"], changes, timeout=timeout)

    def finish(self, name: str) -> None:
        row = self._get(name)
        if parent := lxc_row.pending_nic(row):
            attach(self._wire, row["id"], parent)
        usual = metadata_line.shutdown_timeout(row["description"])
        if usual is not None:
            shutdown_timeout.restore(self._wire, row, usual)

    def start(self, name: str, *, timeout: float) -> None:
        row = self._get(name)
        if lxc_row.is_running(row):
            # A refused start has a side effect: the middleware then no longer reports the container's state.
            return
        if lxc_row.is_suspended(row):
            raise Refused(f"{name} on {self._wire.nas} is suspended, and the API cannot resume it").with_hints(
                Hint.advice("resume it with virsh in a shell of the NAS"),
                Hint.state("restarted", PixelName(name).bare, "with the option force, which kills its processes"),
            )
        if parent := lxc_row.pending_nic(row):
            attach(self._wire, row["id"], parent)
        self.note_start(name)
        try:
            self._wire.call("container.start", row["id"], timeout=timeout)
        except Refused:
            if not lxc_row.is_running(self._get(name)):
                raise

    def stop(self, name: str, *, graceful: float, force: bool = False, timeout: float) -> None:
        row = self._get(name)
        if lxc_row.is_stopped(row):
            return
        if force:
            self._run_stop(row, {"force": True}, timeout=timeout)
            return
        if lxc_row.is_suspended(row):
            # truenas_pylibvirt (domain/manager.py, `shutdown`) sends it nothing, and the job succeeds.
            raise Refused(f"{name} on {self._wire.nas} is suspended and cannot stop gracefully").with_hints(
                Hint.option("force", True, "to kill its processes")
            )
        seconds = max(MIN_STOP_S, min(MAX_STOP_S, math.ceil(graceful)))
        with shutdown_timeout.temporarily(self._wire, row, seconds):
            self._run_stop(row, {}, timeout=timeout)
        # The job is a success whether or not the container has stopped.
        now = self._row(name)
        if now and not lxc_row.is_stopped(now):
            state = "suspended" if lxc_row.is_suspended(now) else "still running"
            raise TimedOut(f"{name} on {self._wire.nas} did not stop: it is {state} after {seconds} s")

    def _run_stop(self, row: Row, options: Row, *, timeout: float) -> None:
        try:
            self._wire.run_job("container.stop", row["id"], options, timeout=timeout)
        except Refused:
            now = self._row(row["name"])
            if now and not lxc_row.is_stopped(now):
                raise

    def restart(self, name: str, *, graceful: float, force: bool = False, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        self.stop(name, graceful=graceful, force=force, timeout=timeout)
        self.start(name, timeout=max(MIN_STOP_S, deadline - time.monotonic()))

    def delete(self, name: str, *, timeout: float) -> None:
        row = self._get(name)
        if not lxc_row.is_stopped(row):
            # Betas kill a running container, later releases refuse to delete it.
            self.stop(name, graceful=0, force=True, timeout=timeout)
        lxc_delete.remove(self._wire, row, timeout=timeout)

    def nic(self, name: str) -> Nic | None:
        device = lxc_row.nic_of(self._get(name))
        parent = device["attributes"]["nic_attach"] if device else None
        if not parent:
            return None
        return Nic(parent=parent, type="bridged" if parent in self._attachable()["BRIDGE"] else "macvlan")

    def parents(self, type: str) -> tuple[str, ...] | None:
        choices = self._attachable()["BRIDGE" if type == "bridged" else "MACVLAN"]
        return tuple(dict.fromkeys(choices))

    def attachments(self) -> t.Sequence[Attachment]:
        from ansible_collections.pixels.truenas.plugins.module_utils._truenas import attachments

        return attachments.of_containers(self._wire, self._attachable()["BRIDGE"])

    def set_nic(self, name: str, nic: Nic) -> None:
        row = self._get(name)
        device = lxc_row.nic_of(row)
        if device is None:
            attach(self._wire, row["id"], nic.parent)
            return
        # The MAC address stays the same.
        self._wire.call("container.device.update", device["id"], {"attributes": {"nic_attach": nic.parent}})

    def _attachable(self) -> Choices:
        with RoleErrors(DEVICES):
            choices: Choices = self._wire.read("container.device.nic_attach_choices")
        return choices

    def _first_bridge(self) -> str:
        bridges = self._attachable()["BRIDGE"]
        if not bridges:
            problem = f"{self._wire.nas} offers no bridge to attach a container to"
            raise Refused(problem).with_hints(Hint.option("nic", purpose="to name an interface"))
        return bridges[0]

    def images(self, *, timeout: float | None = None) -> t.Sequence[ListedImage]:
        return image_list.from_registry(self._wire, self.pools(), self._warn, timeout=timeout)

    def pools(self) -> tuple[str, ...]:
        return self._pools

    @LazyProperty
    def _pools(self) -> tuple[str, ...]:
        if self._config is None:
            # The default pool is unknown; TrueNAS uses it if no pool is given.
            return ()
        default = self._config["preferred_pool"]
        others = sorted(set(self._wire.read("container.pool_choices")) - {default})
        return (default, *others) if default else tuple(others)

    def dataset(self) -> str | None:
        pools = self.pools()
        return f"{pools[0]}/.truenas_containers" if pools else None

    def rootfs(self, name: str) -> str:
        dataset = self._get(name)["dataset"]
        query = {"paths": [dataset], "properties": ["mountpoint"]}
        with contextlib.suppress(NotPermitted, Unsupported):
            for row in self._wire.read("zfs.resource.query", query):
                return str(row["properties"]["mountpoint"]["value"])
        pool, _slash, rest = dataset.partition("/")
        return f"/mnt/.truenas_containers/{pool}/{rest.removeprefix('.truenas_containers/')}"

    def adopt(self, directory: str, name: str, *, read_once: ReadOnce | None = None) -> str:  # noqa: ARG002 (of the interface)
        raise Unsupported(f"cannot give {name} the files in {directory}: {NO_SWAP_REASON}")

    def rewrite_record(self, name: str, *, timeout: float) -> None:
        """Do nothing: only the database of the middleware has a record of a container."""

    def created(self, name: str) -> datetime.datetime | None:  # noqa: ARG002 (of the interface)
        return None

    def reject_restore(self, dataset: str, made: int) -> None:
        # The upgrade creates the parent dataset and keeps older snapshots, whose files are one directory further down.
        parent = dataset.rpartition("/")[0]
        with contextlib.suppress(NotPermitted, NotFound):
            for row in self._wire.read("zfs.resource.query", {"paths": [parent], "properties": None}):
                if made < row["createtxg"]:
                    raise Unsupported(CREATED_BEFORE_UPGRADE)

    def shell(self, name: str) -> t.Mapping[str, t.Any]:
        # A line for a shell; the other generation accepts one word only.
        return {"container_id": self._get(name)["id"], "command": "exec /bin/sh"}

    def _row(self, name: str, *, timeout: float | None = None) -> Row | None:
        rows = self._wire.read("container.query", [["name", "=", name]], timeout=timeout)
        return next((row for row in rows if row["name"] == name), None)

    def _get(self, name: str) -> Row:
        row = self._row(name)
        if row is None:
            raise NotFound(f"there is no container '{name}' on {self._wire.nas}")
        return row

    def _containers(self, rows: Rows) -> Containers:
        """Convert rows, with the addresses of running containers if the account may read them."""
        pids = [row["status"]["pid"] for row in rows if lxc_row.is_running(row) and row["status"]["pid"]]
        found = proc_net.addresses(self._wire, pids) if pids and self.reports_addresses else []
        known = dict(zip(pids, found, strict=False))
        return [lxc_row.container(row, known.get(row["status"]["pid"], ()), self._warn) for row in rows]
