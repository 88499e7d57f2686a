# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers through `virt.*`: Incus on TrueNAS 25.04 and 25.10."""

from __future__ import annotations

import datetime
import re
import time
import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    NotFound,
    NotPermitted,
    PixelsError,
    Refused,
    TimedOut,
    UnexpectedReply,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import (
    incus_record,
    summary_row,
    values,
    virt_rows,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import (
    TRANSIENT,
    Container,
    ContainerBackend,
    Needs,
    NewContainer,
    Nic,
    OnProgress,
    ReadOnce,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Attachment, ContainerDevices
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.listed_image import ListedImage
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.nic_addresses import Network
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.values import Warn
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]

STATES = {
    "NO_POOL": "choose a storage pool in the TrueNAS web interface (Containers, Configuration)",
    "LOCKED": "its storage is encrypted and locked: unlock the pool",
    "INITIALIZING": "it is still being set up: try again in a minute",
    "ERROR": "its setup failed: see the job virt.global.setup as a full administrator",
}

RAW = {"extra": {"raw": True}}

# Middleware role tables of 25.04 and 25.10. Entering needs no role, only web shell access of the privilege.
NEEDS: dict[str, Needs] = {
    "list": (("VIRT_GLOBAL_READ",), ("VIRT_INSTANCE_READ",)),
    "manage": (("VIRT_INSTANCE_WRITE",),),
    "stop": (("VIRT_INSTANCE_WRITE",),),
    "enter": (),
}

MAX_STOP_S = 300
"""The middleware waits this long for Incus, for any requested timeout (plugins/virt/utils.py)."""
FIRST_STOP_S = 5
"""The timeout of the first of two attempts at a graceful stop: an init that is still starting ignores the signal."""
SETTLE_TIMEOUT_S = 30.0
"""How long to wait for the end of a transient status that no operation of this process explains."""
RETRY_PAUSE_S = 0.5

# Errors of Incus and the middleware while another operation runs (operationlock.go of Incus 6.0;
# plugins/virt/instance.py of TS-25.04.1 and later).
BUSY = re.compile(r"Instance is busy running a ")
STATUS = re.compile(r"current status is: (\w+)")


class VirtBackend(ContainerBackend):
    """Containers of Incus."""

    generation = "virt"
    needs = NEEDS
    # storage/drivers/driver_zfs_volumes.go of Incus 6.0; compared with its record (storage/backend.go).
    tracked_snapshots = "snapshot-"
    # Not those of the variant cloud, further aliases, and images that are only on the NAS.
    lists_all_images = False
    segment_nic_type = "macvlan"
    commit_interrupts_bridges = True

    def __init__(self, wire: Wire, config: Row | None, warn: Warn = values.ignore) -> None:
        """`config` is the row of `virt.global.config`, None if the account may not read it.

        `warn` gets a warning for each invalid value in a row; the value is ignored.
        """
        self._wire = wire
        self._config = config
        self._warn = warn

    @property
    def devices(self) -> ContainerDevices:
        # Here and below: most runs need neither devices nor images, and do not wait for what they import.
        from ansible_collections.pixels.truenas.plugins.module_utils._truenas.virt_devices import VirtDevices

        return VirtDevices(
            self._wire, lambda name, run: self._when_settled(name, run, timeout=SETTLE_TIMEOUT_S), self._warn
        )

    @property
    def reports_addresses(self) -> bool:
        return True

    def ensure_ready(self) -> None:
        # In any other state virt.instance.query returns an empty list, as if there were no containers.
        state = self._config["state"] if self._config else "INITIALIZED"
        if state != "INITIALIZED":
            reason = self._setup_error() if state == "ERROR" else None
            reason = reason or STATES.get(state, "see the alerts of the NAS")
            raise Refused(f"{self._wire.nas} cannot run containers: virtualization is in state {state}: {reason}")

    def _setup_error(self) -> str | None:
        """Return why the last setup failed and what to do; None if the account does not see the job."""
        query = [["method", "=", "virt.global.setup"]], {"order_by": ["-id"], "limit": 1}
        for job in self._wire.read("core.get_jobs", *query):
            if job.get("error"):
                error = str(job["error"]).removeprefix("[EFAULT] ")
                hint = incus_record.setup_advice(error, self._config or {})
                return f"its setup failed: {error}. {hint}" if hint else f"its setup failed: {error}"
        return None

    def reject_limits(self, *, cpu: str | None = None, memory: int | None = None) -> None:
        """Do nothing: Incus supports both."""

    def list(self, prefix: str) -> list[Container]:
        rows = self._rows([["name", "^", prefix], ["type", "=", "CONTAINER"]])
        named = {row["name"]: row for row in reversed(rows) if self._has_valid_name(row, prefix)}
        return [self._container(named[name]) for name in sorted(named)]

    def find(self, name: str, *, timeout: float | None = None) -> Container | None:
        rows = self._rows([["name", "=", name]], timeout=timeout)
        return next((self._container(row) for row in rows if row["name"] == name), None)

    def _rows(self, filters: t.Sequence[t.Any], *, timeout: float | None = None) -> t.Sequence[Row]:
        """Return rows; with the large record of Incus only if it is needed to identify the address of the NIC."""
        rows: t.Sequence[Row] = self._wire.read("virt.instance.query", filters, timeout=timeout)
        if any(summary_row.are_unclear(row["aliases"]) for row in rows):
            rows = self._wire.read("virt.instance.query", filters, RAW, timeout=timeout)
        return rows

    def _has_valid_name(self, row: Row, prefix: str) -> bool:
        valid = values.is_prefixed_name(row["name"], prefix)
        if not valid:
            self._warn(values.skipped_warning(row["name"], self._wire.nas))
        return valid

    def _container(self, row: Row) -> Container:
        found = virt_rows.container(row, self._warn)
        if not summary_row.are_unclear(row["aliases"]):
            return found
        # Imported here: most containers have one address, and this takes time to load.
        from ansible_collections.pixels.truenas.plugins.module_utils._truenas import nic_addresses

        own = nic_addresses.from_raw(row.get("raw"))
        if own is None:
            networks, exclusive = self._networks(found.name)
            own = nic_addresses.from_networks(found.addresses, networks, exclusive=exclusive)
        return replace(found, addresses=nic_addresses.mark_own(found.addresses, own))

    def _networks(self, name: str) -> tuple[t.Sequence[Network], bool]:
        """Return the networks to which the NIC is attached, as far as they are known, and whether there are others."""
        from ansible_collections.pixels.truenas.plugins.module_utils._truenas import network

        try:
            nic = self.nic(name)
            if nic is not None:
                found = [each for each in network.interfaces(self._wire) if each.name == nic.parent]
                return [address.network for each in found for address in each.addresses], False
        except (NotPermitted, Refused, Invalid, NotFound):
            return [], False
        config = self._config or {}
        return network.networks(config.get("v4_network"), config.get("v6_network")), True

    def create(self, new: NewContainer, *, timeout: float, progress: OnProgress | None = None) -> Container:
        # With autostart the job would also start the container, and hide why that failed (create has no job log).
        settings: dict[str, t.Any] = {"name": new.name, "image": new.image, "autostart": False}
        if new.cpu is not None:
            settings["cpu"] = new.cpu
        if new.memory is not None:
            settings["memory"] = new.memory
        if record := virt_rows.environment(new.environment, new.metadata):
            settings["environment"] = record
        if new.pool is not None:
            settings["storage_pool"] = new.pool
        devices = [virt_rows.device(new.nic)] if new.nic else []
        if new.devices:
            from ansible_collections.pixels.truenas.plugins.module_utils._truenas import virt_devices

            devices += virt_devices.new_rows(new.devices)
        if devices:
            settings["devices"] = devices
        try:
            made = self._wire.run_job("virt.instance.create", settings, timeout=timeout, progress=progress)
        except Refused as error:
            from ansible_collections.pixels.truenas.plugins.module_utils._truenas import image_list

            if unknown := image_list.unknown_image(self._wire, error, new.image):
                raise unknown from error
            raise
        return virt_rows.container({**made, "name": new.name}, self._warn)

    def update(self, name: str, settings: t.Mapping[str, t.Any], *, timeout: float) -> None:
        changes = dict(settings)
        if "metadata" in changes:
            changes["environment"] = virt_rows.environment(changes["environment"], changes.pop("metadata"))
        self._run_when_settled("virt.instance.update", name, changes, timeout=timeout)

    def start(self, name: str, *, timeout: float) -> None:
        self.note_start(name)
        self._run_when_settled("virt.instance.start", name, timeout=timeout, unless="running")

    def stop(self, name: str, *, graceful: float, force: bool = False, timeout: float) -> None:
        end = time.monotonic() + timeout
        limit = min(end, time.monotonic() + graceful)
        for seconds, last in stop_attempts(graceful, force=force):
            arguments = stop_arguments(seconds, force=force)
            try:
                self._run_when_settled("virt.instance.stop", name, arguments, timeout=timeout, unless="stopped")
                break
            except Refused as error:
                if force or not says_shutdown_timed_out(error):
                    now = self.find(name)
                    if now and now.status != "stopped":
                        raise
                    # Another client has stopped it since.
                    return
                # It may still be stopping: wait until the status is no longer transient.
                found = self.settled(name, timeout=max(0.0, limit - time.monotonic()))
                if found is None or found.status == "stopped":
                    return
                if last or found.transient:
                    raise self._still_running(name, graceful) from error
        self.settled(name, timeout=min(SETTLE_TIMEOUT_S, max(0.0, end - time.monotonic())))

    def restart(self, name: str, *, graceful: float, force: bool = False, timeout: float) -> None:
        end = time.monotonic() + timeout
        seconds, _last = stop_attempts(graceful, force=force)[0]
        self.note_start(name)
        try:
            self._wire.run_job("virt.instance.restart", name, stop_arguments(seconds, force=force), timeout=timeout)
            return
        except (Refused, Invalid) as error:
            if not says_busy(error) and (force or not says_shutdown_timed_out(error)):
                raise
        # Incus continues a stop that timed out, and until its end rejects methods that begin with an update.
        self.stop(name, graceful=max(1.0, graceful - seconds), force=force, timeout=max(1.0, end - time.monotonic()))
        self.start(name, timeout=max(1.0, end - time.monotonic()))

    def _still_running(self, name: str, graceful: float) -> TimedOut:
        return TimedOut(f"{name} on {self._wire.nas} did not stop: it is still running after {graceful:g} s")

    def delete(self, name: str, *, timeout: float) -> None:
        self._run_when_settled("virt.instance.delete", name, timeout=timeout)

    def nic(self, name: str) -> Nic | None:
        from ansible_collections.pixels.truenas.plugins.module_utils._truenas import virt_devices

        row = virt_devices.first_nic(self._wire.read("virt.instance.device_list", name))
        if row and row["nic_type"] and row["parent"]:
            return Nic(parent=row["parent"], type=row["nic_type"].lower(), name=row["name"])
        return None

    def parents(self, type: str) -> tuple[str, ...] | None:
        # virt.instance.create does not check the parent of macvlan: the container would be created but not start.
        return tuple(sorted(self._wire.read("virt.device.nic_choices", type.upper())))

    def attachments(self) -> t.Sequence[Attachment]:
        from ansible_collections.pixels.truenas.plugins.module_utils._truenas import attachments

        return attachments.of_instances(self._wire)

    def set_nic(self, name: str, nic: Nic) -> None:
        def update() -> None:
            self._wire.call("virt.instance.device_update", name, virt_rows.device(nic))

        # An update of eth0 of the profile creates a device that overrides it, so this covers both cases.
        self._when_settled(name, update, timeout=SETTLE_TIMEOUT_S)

    def images(self, *, timeout: float | None = None) -> t.Sequence[ListedImage]:
        from ansible_collections.pixels.truenas.plugins.module_utils._truenas import image_list

        return image_list.from_choices(self._wire, self._warn, timeout=timeout)

    def pools(self) -> tuple[str, ...]:
        if self._config is None:
            return ()
        default = self._config["pool"]
        others = sorted(pool for pool in self._config["storage_pools"] if pool != default)
        return (default, *others) if default else tuple(others)

    def dataset(self) -> str | None:
        return self._config["dataset"] if self._config else None

    def rootfs(self, name: str) -> str:
        # The Incus pool has the name of the ZFS pool, unless containers were first set up on a 25.04 beta.
        match self._raw(name):
            case {"expanded_devices": {"root": {"pool": str() as pool}}}:
                pass
            case _:
                problem = "raw.expanded_devices.root.pool is missing"
                raise UnexpectedReply.about(problem, method="virt.instance.query", nas=self._wire.nas)
        return f"/var/lib/incus/storage-pools/{pool}/containers/{name}/rootfs"

    def adopt(self, directory: str, name: str, *, read_once: ReadOnce | None = None) -> str:
        raw = self._raw(name)
        if isinstance(raw, dict) and raw.get("name") != name:
            problem = "raw.name is the name of another container"
            raise UnexpectedReply.about(problem, method="virt.instance.query", nas=self._wire.nas)
        return incus_record.adopt(self._wire, directory, raw, read_once or incus_record.always_read)

    def rewrite_record(self, name: str, *, timeout: float) -> None:
        self.update(name, {}, timeout=timeout)

    def created(self, name: str) -> datetime.datetime | None:
        raw = self._raw(name)
        try:
            return datetime.datetime.fromisoformat(raw["created_at"]).astimezone(datetime.UTC)
        except (TypeError, KeyError, ValueError):
            # An account that may not see the record gets asterisks.
            return None

    def _raw(self, name: str) -> t.Any:
        rows = self._wire.read("virt.instance.query", [["name", "=", name]], RAW)
        if not rows:
            raise NotFound(f"there is no container '{name}' on {self._wire.nas}")
        return rows[0].get("raw")

    def reject_restore(self, dataset: str, made: int) -> None:
        """Do nothing: the release can run the files of any of its snapshots."""

    def shell(self, name: str) -> t.Mapping[str, t.Any]:
        # One word without arguments. Without it, the middleware looks for a shell on the default pool only.
        return {"virt_instance_id": name, "command": "/bin/sh", "use_console": False}

    def _run_when_settled(
        self, method: str, name: str, *params: t.Any, timeout: float, unless: str | None = None
    ) -> None:
        """Run a job of one container. An error is ignored if the container has the status `unless`."""
        end = time.monotonic() + timeout

        def run() -> None:
            self._wire.run_job(method, name, *params, timeout=max(0.0, end - time.monotonic()))

        self._when_settled(name, run, timeout=timeout, unless=unless)

    def _when_settled(self, name: str, run: t.Callable[[], None], *, timeout: float, unless: str | None = None) -> None:
        """Call `run` until no other operation on the container makes it fail, for up to `timeout` seconds."""
        end = time.monotonic() + timeout
        while True:
            try:
                run()
                return
            except (Refused, Invalid) as error:
                left = max(0.0, end - time.monotonic())
                found = self.find(name)
                is_changing = found is not None and found.transient and not says_shutdown_timed_out(error)
                is_busy = says_busy(error) or is_changing
                if is_busy:
                    found = self.settled(name, timeout=left)
                if unless and found and found.status == unless:
                    return
                if not is_busy or not left:
                    raise
            time.sleep(min(RETRY_PAUSE_S, left))


def stop_attempts(graceful: float, *, force: bool) -> list[tuple[float, bool]]:
    """Return the timeout of each attempt at a stop in seconds, and whether it is the last one."""
    if force or graceful <= 2 * FIRST_STOP_S:
        return [(graceful, True)]
    return [(FIRST_STOP_S, False), (graceful - FIRST_STOP_S, True)]


def stop_arguments(graceful: float, *, force: bool) -> dict[str, t.Any]:
    """Return the options of `virt.instance.stop` for a stop within `graceful` seconds."""
    # A timeout of 0 would kill the container, and after 300 s the job fails while Incus continues.
    return {"force": True} if force else {"timeout": max(1, min(MAX_STOP_S, round(graceful)))}


def says_shutdown_timed_out(error: PixelsError) -> bool:
    """Return whether a graceful stop timed out. Incus 6.0 gives that no error code, only this text."""
    return "context deadline exceeded" in str(error) or "Timed out" in str(error)


def says_busy(error: PixelsError) -> bool:
    """Return whether only another operation on the container caused the error."""
    status = STATUS.search(str(error))
    return bool(BUSY.search(str(error))) or (status is not None and status[1].lower() in TRANSIENT)
