# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers through C(virt.*): Incus on TrueNAS 25.04 and 25.10."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound, Refused, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import (
    MIB,
    Address,
    Container,
    ContainerBackend,
    Image,
    Marks,
    Needs,
    NewContainer,
    Nic,
    OnProgress,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]

# C(netmask) and C(type) as upstream pixels meets them: INET everywhere, ipv4 on early releases.
FAMILIES = {"INET": "ipv4", "ipv4": "ipv4", "INET6": "ipv6", "ipv6": "ipv6"}

STATES = {
    "NO_POOL": "choose a storage pool for it in the TrueNAS web interface, under Containers, Configuration",
    "LOCKED": "its storage is encrypted and locked: unlock the pool",
    "INITIALIZING": "it is still being set up: try again in a minute",
    "ERROR": "its setup failed: see the alerts of the NAS",
}

# TrueNAS allows a slash in the name of a variable and no shell does: nobody's own variable can be mistaken for these.
MARK = "PIXELS/"
LABEL = "label/"
NOTES = ("fleet", "owner", "image", "origin", "cloning", "run", "pending")

# Middleware role tables, 25.04 and 25.10. Nothing but the web shell's own privilege is asked of who enters.
NEEDS: dict[str, Needs] = {
    "list": (("VIRT_GLOBAL_READ",), ("VIRT_INSTANCE_READ",)),
    "manage": (("VIRT_INSTANCE_WRITE",),),
    "stop": (("VIRT_INSTANCE_WRITE",),),
    "enter": (),
}

# The middleware waits 300 s for Incus whatever it is asked for (plugins/virt/utils.py).
LONGEST_STOP = 300

# The first seconds of a graceful stop are a try of their own: an init that has only just begun hears no signal.
FIRST_TRY = 5


class VirtBackend(ContainerBackend):
    generation = "virt"
    needs = NEEDS

    def __init__(self, wire: Wire, config: Row | None) -> None:
        """C(config) is the row of C(virt.global.config), None when the account may not read it."""
        self._wire = wire
        self._config = config

    @property
    def tells_addresses(self) -> bool:
        return True

    def ensure_ready(self) -> None:
        # Unless it is INITIALIZED, virt.instance.query answers an empty list: nothing would look like "no containers".
        state = self._config["state"] if self._config else "INITIALIZED"
        if state != "INITIALIZED":
            reason = STATES.get(state, "see the alerts of the NAS")
            raise Refused(f"{self._wire.nas} cannot run containers, virtualization is in state {state}: {reason}")

    def refuse_limits(self, *, cpu: str | None = None, memory: int | None = None) -> None:
        """Incus has both."""

    def list(self, prefix: str) -> list[Container]:
        rows = self._wire.read("virt.instance.query", [["name", "^", prefix], ["type", "=", "CONTAINER"]])
        return sorted((container(row) for row in rows), key=lambda each: each.name)

    def find(self, name: str) -> Container | None:
        rows = self._wire.read("virt.instance.query", [["name", "=", name]])
        return container(rows[0]) if rows else None

    def create(self, new: NewContainer, *, timeout: float, progress: OnProgress | None = None) -> Container:
        # Not with autostart: the job would start it, and hide why that failed (create has no job log).
        wanted: dict[str, t.Any] = {"name": new.name, "image": new.image, "autostart": False}
        if new.cpu is not None:
            wanted["cpu"] = new.cpu
        if new.memory is not None:
            wanted["memory"] = new.memory
        if record := environment(new.environment, new.marks):
            wanted["environment"] = record
        if new.pool is not None:
            wanted["storage_pool"] = new.pool
        if new.nic is not None:
            wanted["devices"] = [device(new.nic)]
        return container(self._wire.run_job("virt.instance.create", wanted, timeout=timeout, progress=progress))

    def update(self, name: str, settings: t.Mapping[str, t.Any], *, timeout: float) -> None:
        changes = dict(settings)
        if "marks" in changes:
            changes["environment"] = environment(changes["environment"], changes.pop("marks"))
        self._wire.run_job("virt.instance.update", name, changes, timeout=timeout)

    def start(self, name: str, *, timeout: float) -> None:
        self._unless_so_already(name, "running", "virt.instance.start", name, timeout=timeout)

    def stop(self, name: str, *, graceful: float, force: bool = False, timeout: float) -> None:
        for seconds, last in tries(graceful, force=force):
            try:
                self._unless_so_already(
                    name, "stopped", "virt.instance.stop", name, stop_arguments(seconds, force=force), timeout=timeout
                )
                return
            except Refused as error:
                if force or not says_shutdown_timed_out(error) or not self._is(name, "running"):
                    raise
                if last:
                    raise self._still_running(name, graceful) from error

    def restart(self, name: str, *, graceful: float, force: bool = False, timeout: float) -> None:
        for seconds, last in tries(graceful, force=force):
            try:
                self._wire.run_job("virt.instance.restart", name, stop_arguments(seconds, force=force), timeout=timeout)
                return
            except Refused as error:
                if force or not says_shutdown_timed_out(error):
                    raise
                if last:
                    raise self._still_running(name, graceful) from error

    def _still_running(self, name: str, graceful: float) -> TimedOut:
        return TimedOut(f"{name} on {self._wire.nas} is still running {graceful:g} s after it was asked to stop")

    def delete(self, name: str, *, timeout: float) -> None:
        self._wire.run_job("virt.instance.delete", name, timeout=timeout)

    def nic(self, name: str) -> Nic | None:
        for row in self._wire.read("virt.instance.device_list", name):
            if row["dev_type"] == "NIC" and row["nic_type"] and row["parent"]:
                return Nic(parent=row["parent"], type=row["nic_type"].lower(), name=row["name"])
        return None

    def parents(self, type: str) -> tuple[str, ...] | None:
        # Of macvlan, virt.instance.create itself checks nothing: the container would be made, and not start.
        return tuple(sorted(self._wire.read("virt.device.nic_choices", type.upper())))

    def set_nic(self, name: str, nic: Nic) -> None:
        # An update of the profile's own eth0 makes an override of it, so this serves both cases.
        self._wire.call("virt.instance.device_update", name, device(nic))

    def pools(self) -> tuple[str, ...]:
        if self._config is None:
            return ()
        default = self._config["pool"]
        others = sorted(pool for pool in self._config["storage_pools"] if pool != default)
        return (default, *others) if default else tuple(others)

    def dataset(self) -> str | None:
        return self._config["dataset"] if self._config else None

    def rootfs(self, name: str) -> str:
        rows = self._wire.read("virt.instance.query", [["name", "=", name]], {"extra": {"raw": True}})
        if not rows:
            raise NotFound(f"there is no container {name} on {self._wire.nas}")
        # Its Incus pool has the name of the ZFS pool, except where containers were first set up on a 25.04 beta.
        pool = rows[0]["raw"]["expanded_devices"]["root"]["pool"]
        return f"/var/lib/incus/storage-pools/{pool}/containers/{name}/rootfs"

    def refuse_to_restore(self, dataset: str, made: int) -> None:
        """It can run all that it has taken."""

    def shell(self, name: str) -> t.Mapping[str, t.Any]:
        # One word, no arguments; left out, the middleware looks for a shell on the default pool only.
        return {"virt_instance_id": name, "command": "/bin/sh", "use_console": False}

    def _unless_so_already(self, name: str, status: str, method: str, *params: t.Any, timeout: float) -> None:
        """Run the job; when it is refused because the container has that status already, all is well."""
        try:
            self._wire.run_job(method, *params, timeout=timeout)
        except Refused:
            if not self._is(name, status):
                raise

    def _is(self, name: str, status: str) -> bool:
        found = self.find(name)
        return found is not None and found.status == status


def container(row: Row) -> Container:
    """A row of C(virt.instance.query) as our type."""
    pool = row["storage_pool"]
    image = row["image"] or {}
    variables = row["environment"] or {}
    return Container(
        name=row["name"],
        status=row["status"].lower(),
        addresses=tuple(address(alias) for alias in row["aliases"] or () if alias["type"] in FAMILIES),
        cpu=row["cpu"],
        memory=row["memory"],
        image=Image(**{key: image.get(key) or "" for key in ("os", "release", "variant", "description")}),
        environment={key: value for key, value in variables.items() if not key.startswith(MARK)},
        marks=marks(variables),
        autostart=bool(row["autostart"]),
        pool=pool,
        # Not virt.global.config's dataset: that is the one of the default pool only.
        dataset=f"{pool}/.ix-virt/containers/{row['name']}" if pool else None,
    )


def environment(variables: t.Mapping[str, str], noted: Marks) -> dict[str, str]:
    """The variables of a container with our notes among them: the API has no other place to write to."""
    record = dict(variables)
    for name in NOTES:
        if value := getattr(noted, name):
            record[MARK + name] = value
    record.update({f"{MARK}{LABEL}{name}": value for name, value in noted.labels.items()})
    return record


def marks(variables: t.Mapping[str, str]) -> Marks:
    labels = {key.removeprefix(MARK + LABEL): value for key, value in variables.items() if key.startswith(MARK + LABEL)}
    return Marks(labels=labels, **{name: variables.get(MARK + name) for name in NOTES})


def address(alias: Row) -> Address:
    return Address(FAMILIES[alias["type"]], alias["address"], alias["netmask"])


def device(nic: Nic) -> dict[str, t.Any]:
    return {"dev_type": "NIC", "name": nic.name, "nic_type": nic.type.upper(), "parent": nic.parent}


def tries(graceful: float, *, force: bool) -> list[tuple[float, bool]]:
    """For how long to ask for a stop each time, and whether that is the last time."""
    if force or graceful <= 2 * FIRST_TRY:
        return [(graceful, True)]
    return [(FIRST_TRY, False), (graceful - FIRST_TRY, True)]


def stop_arguments(graceful: float, *, force: bool) -> dict[str, t.Any]:
    # A timeout of 0 would mean kill at once, and above 300 s the job gives up while Incus goes on.
    return {"force": True} if force else {"timeout": max(1, min(LONGEST_STOP, round(graceful)))}


def says_shutdown_timed_out(error: Refused) -> bool:
    """Incus gives its timeout no errno, only this text (instance drivers, 6.0)."""
    return "context deadline exceeded" in str(error) or "Timed out" in str(error)


def whole_mebibytes(size: int) -> int:
    """C(virt.instance.create) and C(.update) cut memory to whole MiB; so must whoever compares with it."""
    return size // MIB * MIB
