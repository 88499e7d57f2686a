# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers through C(container.*): libvirt LXC on TrueNAS 26 on.

Rows are found by name and changed by a number. What no row has of a container is looked for elsewhere: its notes and
its image in its description (C(description.py)), its addresses in its own kernel tables (C(kernel_tables.py)).
"""

from __future__ import annotations

import contextlib
import math
import time
import typing as t
from functools import cached_property

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    NotFound,
    NotPermitted,
    Refused,
    TimedOut,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import (
    cpusets,
    description,
    kernel_tables,
    nas,
    registry,
    removal,
    shutdown_timeout,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.aliases import CODENAMES, parts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import (
    Address,
    Container,
    ContainerBackend,
    Image,
    Needs,
    NewContainer,
    Nic,
    OnProgress,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.making import Maker, attach
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import NamingTheRole

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]
# A method of that name is in the way below.
Choices = dict[str, list[str]]
Containers = list[Container]
Rows = t.Sequence[Row]

# Middleware role table of 26. The role that lists images is that of who may change them, and a container cannot be
# removed safely unseen by who may not see its snapshots (removal.py).
NEEDS: dict[str, Needs] = {
    "list": (("CONTAINER_READ",),),
    "manage": (("CONTAINER_WRITE",), ("CONTAINER_DEVICE_WRITE",), registry.READ, ("SNAPSHOT_READ",)),
    "stop": (("CONTAINER_WRITE",),),
    "enter": (("CONTAINER_WRITE",),),
}

DEVICES = ("CONTAINER_DEVICE_READ",)

FIXED = (
    "this release of TrueNAS makes containers of images only, and no way is known to give one the files of another. "
    "Make a pixel from an image and provision it; to go back in one, restore its newest checkpoint, or give up the "
    "newer ones with discard_newer: true"
)

NO_MEMORY = (
    "this release of TrueNAS cannot limit the memory of a container. Leave memory out, and limit what runs inside, as "
    "with MemoryMax= of systemd"
)

BEFORE_THE_UPGRADE = (
    "it is from before the upgrade to TrueNAS 26, and has the files where the release before had them: nothing would "
    "start from there. Take a new one"
)

# What shutdown_timeout may be, in seconds.
SHORTEST_STOP, LONGEST_STOP = 5, 300


class LxcBackend(ContainerBackend):
    generation = "container"
    needs = NEEDS
    fixed = FIXED

    def __init__(self, wire: Wire, config: Row | None) -> None:
        """C(config) is the row of C(lxc.config), None when the account may not read it."""
        self._wire = wire
        self._config = config
        self._maker = Maker(wire)

    @cached_property
    def tells_addresses(self) -> bool:
        # Those are in files of the NAS, which nobody else may read.
        return nas.account(self._wire).may("FULL_ADMIN")

    def ensure_ready(self) -> None:
        """There is nothing to set up: what a pool lacks is made with its first container."""

    def refuse_limits(self, *, cpu: str | None = None, memory: int | None = None) -> None:
        if memory is not None:
            raise Unsupported(NO_MEMORY)
        if cpu is not None:
            cpusets.written(cpu, self._wire.nas)

    def list(self, prefix: str) -> Containers:
        rows = self._wire.read("container.query", [["name", "^", prefix]])
        return sorted(self._seen(rows), key=lambda each: each.name)

    def find(self, name: str) -> Container | None:
        row = self._row(name)
        return self._seen([row])[0] if row else None

    def create(self, new: NewContainer, *, timeout: float, progress: OnProgress | None = None) -> Container:
        self.refuse_limits(cpu=new.cpu, memory=new.memory)
        # Asked before anything is made: who may not ask this may not attach anything either.
        parent = new.nic.parent if new.nic else self._attachable()["BRIDGE"][0]
        return container(self._maker.make(new, parent, timeout=timeout, progress=progress))

    def update(self, name: str, settings: t.Mapping[str, t.Any], *, timeout: float) -> None:
        changes = dict(settings)
        self.refuse_limits(cpu=changes.get("cpu"), memory=changes.pop("memory", None))
        row = self._get(name)
        if "cpu" in changes:
            cpu = changes.pop("cpu")
            changes["cpuset"] = None if cpu is None else cpusets.written(cpu, self._wire.nas)
        if "environment" in changes:
            changes["initenv"] = dict(changes.pop("environment"))
        if "marks" in changes:
            noted = changes.pop("marks")
            changes["description"] = description.with_marks(row["description"], noted, card=card_to_come(row))
        self._wire.call("container.update", row["id"], changes, timeout=timeout)

    def start(self, name: str, *, timeout: float) -> None:
        row = self._get(name)
        if is_running(row):
            # To be refused is not without consequences: the middleware then forgets that it knew the container.
            return
        if parent := card_to_come(row):
            attach(self._wire, row["id"], parent)
        try:
            self._wire.call("container.start", row["id"], timeout=timeout)
        except Refused:
            if not is_running(self._get(name)):
                raise

    def stop(self, name: str, *, graceful: float, force: bool = False, timeout: float) -> None:
        row = self._get(name)
        if is_stopped(row):
            return
        if force:
            self._run_stop(row, {"force": True}, timeout=timeout)
            return
        seconds = max(SHORTEST_STOP, min(LONGEST_STOP, math.ceil(graceful)))
        with shutdown_timeout.borrowed(self._wire, row, seconds):
            self._run_stop(row, {}, timeout=timeout)
        # The job is a success whether or not the container has stopped.
        now = self._row(name)
        if now and not is_stopped(now):
            raise TimedOut(f"{name} on {self._wire.nas} is still running {seconds} s after it was asked to stop")

    def _run_stop(self, row: Row, options: Row, *, timeout: float) -> None:
        try:
            self._wire.run_job("container.stop", row["id"], options, timeout=timeout)
        except Refused:
            now = self._row(row["name"])
            if now and not is_stopped(now):
                raise

    def restart(self, name: str, *, graceful: float, force: bool = False, timeout: float) -> None:
        until = time.monotonic() + timeout
        self.stop(name, graceful=graceful, force=force, timeout=timeout)
        self.start(name, timeout=max(SHORTEST_STOP, until - time.monotonic()))

    def delete(self, name: str, *, timeout: float) -> None:
        row = self._get(name)
        if not is_stopped(row):
            # The betas would kill it, and later releases refuse.
            self.stop(name, graceful=0, force=True, timeout=timeout)
        removal.remove(self._wire, row, timeout=timeout)

    def nic(self, name: str) -> Nic | None:
        card = card_of(self._get(name))
        parent = card["attributes"]["nic_attach"] if card else None
        if not parent:
            return None
        return Nic(parent=parent, type="bridged" if parent in self._attachable()["BRIDGE"] else "macvlan")

    def parents(self, type: str) -> tuple[str, ...] | None:
        choices = self._attachable()["BRIDGE" if type == "bridged" else "MACVLAN"]
        return tuple(dict.fromkeys(choices))

    def set_nic(self, name: str, nic: Nic) -> None:
        row = self._get(name)
        card = card_of(row)
        if card is None:
            attach(self._wire, row["id"], nic.parent)
            return
        # It keeps its MAC.
        self._wire.call("container.device.update", card["id"], {"attributes": {"nic_attach": nic.parent}})

    def _attachable(self) -> Choices:
        with NamingTheRole(DEVICES):
            found: Choices = self._wire.read("container.device.nic_attach_choices")
        return found

    def pools(self) -> tuple[str, ...]:
        return self._pools

    @cached_property
    def _pools(self) -> tuple[str, ...]:
        if self._config is None:
            # Which one is the default cannot be seen, and TrueNAS takes it where none is named.
            return ()
        default = self._config["preferred_pool"]
        others = sorted(set(self._wire.read("container.pool_choices")) - {default})
        return (default, *others) if default else tuple(others)

    def dataset(self) -> str | None:
        pools = self.pools()
        return f"{pools[0]}/.truenas_containers" if pools else None

    def rootfs(self, name: str) -> str:
        dataset = self._get(name)["dataset"]
        asked = {"paths": [dataset], "properties": ["mountpoint"]}
        with contextlib.suppress(NotPermitted, Unsupported):
            for found in self._wire.read("zfs.resource.query", asked):
                return str(found["properties"]["mountpoint"]["value"])
        pool, _slash, rest = dataset.partition("/")
        return f"/mnt/.truenas_containers/{pool}/{rest.removeprefix('.truenas_containers/')}"

    def refuse_to_restore(self, dataset: str, made: int) -> None:
        # The folder is there since the upgrade, which takes snapshots along as they are, with the files one level down.
        folder = dataset.rpartition("/")[0]
        with contextlib.suppress(NotPermitted, NotFound):
            for found in self._wire.read("zfs.resource.query", {"paths": [folder], "properties": None}):
                if made < found["createtxg"]:
                    raise Unsupported(BEFORE_THE_UPGRADE)

    def shell(self, name: str) -> t.Mapping[str, t.Any]:
        # A line for a shell, unlike the one word of the generation before.
        return {"container_id": self._get(name)["id"], "command": "exec /bin/sh"}

    def _row(self, name: str) -> Row | None:
        rows = self._wire.read("container.query", [["name", "=", name]])
        return rows[0] if rows else None

    def _get(self, name: str) -> Row:
        row = self._row(name)
        if row is None:
            raise NotFound(f"there is no container {name} on {self._wire.nas}")
        return row

    def _seen(self, rows: Rows) -> Containers:
        """Rows as our type, with the addresses of those that run, as far as the account may look for them."""
        pids = [row["status"]["pid"] for row in rows if is_running(row) and row["status"]["pid"]]
        found = kernel_tables.addresses(self._wire, pids) if pids and self.tells_addresses else []
        known = dict(zip(pids, found, strict=False))
        return [container(row, known.get(row["status"]["pid"], ())) for row in rows]


def container(row: Row, addresses: tuple[Address, ...] = ()) -> Container:
    """A row of C(container.query) as our type."""
    noted = description.marks(row["description"])
    dataset = row["dataset"]
    return Container(
        name=row["name"],
        status=row["status"]["state"].lower(),
        addresses=addresses,
        cpu=cpusets.read(row["cpuset"]),
        image=image(noted.image),
        environment=dict(row["initenv"]),
        marks=noted,
        autostart=bool(row["autostart"]),
        pool=dataset.partition("/")[0],
        dataset=dataset,
    )


def image(alias: str | None) -> Image:
    """What the noted alias says of the image, in the words of images: TrueNAS keeps nothing of it to ask for."""
    if not alias:
        return Image()
    if alias.count(":") == 3:
        os, release, _architecture, variant = alias.split(":")
    else:
        os, release, variant = parts(alias)
    return Image(os.capitalize(), CODENAMES.get(os.lower(), {}).get(release, release), variant)


def card_of(row: Row) -> Row | None:
    """Its first network card."""
    return next((each for each in row["devices"] if each["attributes"]["dtype"] == "NIC"), None)


def card_to_come(row: Row) -> str | None:
    """What a container is still to be attached to whose making was broken off; one that ever ran is as it is."""
    unfinished = card_of(row) is None and row["status"]["domain_state"] is None
    return description.card(row["description"]) if unfinished else None


def is_running(row: Row) -> bool:
    return bool(row["status"]["state"] == "RUNNING")


def is_stopped(row: Row) -> bool:
    return bool(row["status"]["state"] == "STOPPED")
