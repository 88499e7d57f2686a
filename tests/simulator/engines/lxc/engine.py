# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine `lxc`: containers with systemd on ZFS clones of one golden image, in the lab that tests/lab makes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import os
import typing as t
from pathlib import Path

from tests.simulator.engines.base import Address, EngineUnavailable, Finished, Stat
from tests.simulator.engines.final_output import FinalOutput
from tests.simulator.engines.lxc import addresses, config
from tests.simulator.engines.lxc.capacity import Capacity
from tests.simulator.engines.lxc.guest import Guest
from tests.simulator.engines.lxc.lab import Lab
from tests.simulator.engines.lxc.lxc_command import PATH, Lxc
from tests.simulator.engines.lxc.rootfs import Rootfs
from tests.simulator.engines.lxc.terminal import LxcTerminal
from tests.simulator.engines.lxc.zfs_command import NoSuchTag, Zfs
from tests.simulator.zfs import ZfsError

SECONDS_TO_SHUT_DOWN = 30.0
"""Seconds for a stop without a timeout of its own."""


class LxcEngine:
    """`ssh_installed`: whether images come with an SSH server."""

    name = "lxc"
    ssh_port = 22

    def __init__(self, *, ssh_installed: bool = False) -> None:
        self.ssh_installed = ssh_installed
        self._guests: dict[str, Guest] = {}
        self._addresses = addresses.AddressPool()
        self._lab: Lab
        self._zfs: Zfs
        self._lxc: Lxc
        self._capacity = Capacity(config.CGROUPS)

    async def open(self) -> None:
        self._lab = Lab.here()
        self._zfs = Zfs(self._lab.folder / "zfs.lock", self._lab.give_up)
        self._lxc = Lxc(self._lab.folder / "containers", self._lab.group)
        try:
            left = await self._zfs.run("list", "-H", "-o", "name", "-d", "1", self._lab.containers)
        except (ZfsError, OSError) as error:
            raise EngineUnavailable(f"the lab's pool does not answer: {error}") from error
        if len(left.split()) > 1:
            raise EngineUnavailable(f"another engine's containers are in this lab: {left.split()[1:]}")

    async def close(self) -> None:
        """Destroys every container: the next engine finds the lab as this one did."""
        await asyncio.gather(*(self._lxc.kill(name) for name in self._guests))
        self._capacity.give_back()
        # One container's snapshot may be the origin of another: all go together, and their parent comes back.
        await self._zfs.run("destroy", "-r", self._lab.containers, patient=True)
        await self._zfs.run("create", "-o", "canmount=off", self._lab.containers)
        for name in self._guests:
            self._lxc.forget(name)
        self._guests.clear()

    # ----- containers

    async def create(self, container: str, image: str) -> None:
        """Every image is the golden one; `ssh_installed` says whether it comes with an SSH server."""
        label = self._lab.with_ssh if self.ssh_installed else self._lab.bare
        used = Rootfs(self._lab.mountpoint(self._lab.golden), first_id=config.FIRST_ID, ids=config.IDS).used()
        self._add(container, f"{self._lab.golden}@{label}", used).hostname = container

    async def delete(self, container: str) -> None:
        guest = self._guests[container]
        await self._kill(container)
        async with guest.one_at_a_time:
            if guest.origin is not None:
                await self._zfs.run("destroy", "-r", guest.dataset, patient=True)
        del self._guests[container]
        self._lxc.forget(container)
        self._addresses.give_back(guest.bridge_port)

    async def start(
        self, container: str, *, cpu: str | None, memory: int | None, environment: t.Mapping[str, str]
    ) -> None:
        guest = self._guests[container]
        if guest.running:
            return
        guest.environment = dict(environment)
        guest.limits = cpu, memory
        await self._capacity.make(len(self._guests))
        rootfs = await self._mounted(container)
        await self._lxc.start(
            config.Container(
                name=container,
                rootfs=rootfs,
                bridge_port=guest.bridge_port,
                bridge=self._lab.bridge,
                group=self._lab.group,
                cpus=config.choose_cpus(cpu, first=guest.bridge_port.number),
                memory=memory,
                environment=environment,
            )
        )
        guest.running = True

    async def limit(
        self, container: str, *, cpu: str | None, memory: int | None, environment: t.Mapping[str, str]
    ) -> None:
        guest = self._guests[container]
        guest.environment = dict(environment)
        if guest.running and guest.limits != (cpu, memory):
            await self._lxc.limit(container, config.choose_cpus(cpu, first=guest.bridge_port.number), memory)
        guest.limits = cpu, memory

    async def stop(self, container: str, *, force: bool, timeout: float | None = None) -> None:
        if force:
            await self._lxc.kill(container)
        else:
            await self._lxc.stop(container, seconds=SECONDS_TO_SHUT_DOWN if timeout is None else timeout)
        self._guests[container].running = False

    def addresses(self, container: str) -> list[Address]:
        guest = self._guests[container]
        return guest.bridge_port.addresses() if guest.running else []

    async def run(
        self,
        container: str,
        argv: t.Sequence[str],
        *,
        stdin: bytes = b"",
        environment: t.Mapping[str, str] | None = None,
    ) -> Finished:
        variables = {**self._guests[container].environment, **(environment or {})}
        return await self._lxc.execute(container, argv, stdin=stdin, environment=variables)

    async def open_terminal(
        self, container: str, argv: t.Sequence[str], *, environment: t.Mapping[str, str]
    ) -> LxcTerminal:
        guest = self._guests[container]
        if await self._lxc.pid(container) is None:
            raise ConnectionResetError(errno.ECONNRESET, "the container has ended")
        places = [""] if "/" in argv[0] else [f"{folder}/" for folder in PATH.split(":")]
        if not [place for place in places if await self.stat(container, place + argv[0]) is not None]:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
        return await self._lxc.open_terminal(container, argv, environment={**guest.environment, **environment})

    def own(self, path: Path) -> None:
        """Do nothing: no commands run on the NAS."""

    async def open_host_terminal(
        self, argv: t.Sequence[str], *, environment: t.Mapping[str, str], datasets: Path
    ) -> FinalOutput:
        """Real containers have the lab around them, which is no NAS."""
        return FinalOutput(b"this NAS has no shell of its own\r\n")

    # ----- snapshots

    async def snapshot(self, container: str, label: str) -> None:
        taken = {each for guest in self._guests.values() for each in guest.snapshots.values()}
        names = itertools.chain([label], (f"{label}.{number}" for number in itertools.count(2)))
        # No other container has one of that name: any of them may be promoted, and get all of another's.
        self._guests[container].snapshots[label] = next(name for name in names if name not in taken)
        try:
            await self._mounted(container)
            await self._zfs.run("snapshot", self._id(container, label))
        except ZfsError:
            del self._guests[container].snapshots[label]
            raise

    async def rollback(self, container: str, label: str) -> None:
        """zfs-fuse would take the files away from under a running container."""
        if self._guests[container].running:
            raise ZfsError(f"cannot rollback '{self._dataset(container)}': dataset is busy", busy=True)
        await self._zfs.run("rollback", self._id(container, label), patient=True)

    async def delete_snapshot(self, container: str, label: str) -> None:
        await self._zfs.run("destroy", self._id(container, label))
        del self._guests[container].snapshots[label]

    async def hold(self, container: str, label: str, tag: str) -> None:
        await self._zfs.run("hold", tag, self._id(container, label))

    async def release(self, container: str, label: str, tag: str) -> None:
        with contextlib.suppress(NoSuchTag):
            await self._zfs.run("release", tag, self._id(container, label))

    async def clone(self, container: str, label: str, target: str) -> None:
        guest = self._add(target, self._id(container, label), self.used(container))
        try:
            # Without a mount point: a clone is renamed next.
            await self._zfs.run("clone", "-o", "mountpoint=none", guest.source, guest.dataset)
            guest.origin = guest.source
        except ZfsError:
            self._addresses.give_back(self._guests.pop(target).bridge_port)
            raise

    async def move(self, container: str, target: str) -> None:
        if target in self._guests:
            raise ValueError(f"{target!r} is there already")
        await self._kill(container)
        self._lxc.forget(container)
        guest = self._guests.pop(container)
        self._guests[target] = guest
        async with guest.one_at_a_time:
            await self._rename(guest, self._free_dataset(target))

    async def _rename(self, guest: Guest, dataset: str) -> None:
        """Unlike OpenZFS, zfs-fuse unmounts all clones for this, and fails: what has clones keeps the name it has."""
        if guest.origin is not None:
            if any((other.origin or "").startswith(f"{guest.dataset}@") for other in self._guests.values()):
                return
            if guest.mounted:
                # By us: the command would try only once, while it is still busy being unmounted.
                await self._zfs.run("unmount", guest.dataset, patient=True)
                guest.mounted = False
            await self._zfs.run("rename", guest.dataset, dataset, patient=True)
        guest.dataset = dataset

    async def move_snapshot(self, container: str, label: str, target: str, new_label: str) -> None:
        """Move a snapshot. The first move promotes the target, which moves the others along."""
        real = self._guests[container].snapshots.pop(label)
        self._guests[target].snapshots[new_label] = real
        present = await self._zfs.run("list", "-H", "-o", "name", "-r", "-t", "snapshot", self._dataset(target))
        if self._id(target, new_label) not in present.splitlines():
            await self._zfs.run("promote", self._dataset(target), patient=True)
            output = await self._zfs.run("list", "-H", "-o", "name,origin", "-r", self._lab.containers)
            origins = dict(line.split("\t") for line in output.splitlines())
            for guest in self._guests.values():
                guest.origin = origins.get(guest.dataset)

    def used(self, container: str) -> int:
        guest = self._guests[container]
        return self._files(guest).used() if guest.mounted else guest.used_at_first

    async def _kill(self, container: str) -> None:
        guest = self._guests[container]
        if guest.running:
            await self._lxc.kill(container)
            guest.running = False

    # ----- datasets: created and mounted when first needed, as the files of some containers are never read

    def _add(self, container: str, source: str, used: int) -> Guest:
        if container in self._guests or "/" in container or container.startswith("."):
            raise ValueError(f"{container!r} cannot be the name of a new container")
        guest = Guest(self._free_dataset(container), self._addresses.allot(), source, used)
        self._guests[container] = guest
        return guest

    async def _mounted(self, container: str) -> Path:
        """Return the container's root directory."""
        guest = self._guests[container]
        async with guest.one_at_a_time:
            if not guest.mounted:
                if guest.origin is None:
                    await self._zfs.run("clone", guest.source, guest.dataset)
                    guest.origin = guest.source
                elif guest.has_a_place:
                    await self._zfs.run("mount", guest.dataset, patient=True)
                else:
                    # Which mounts it.
                    await self._zfs.run("inherit", "mountpoint", guest.dataset, patient=True)
                guest.has_a_place = guest.mounted = True
            if guest.hostname is not None:
                await asyncio.to_thread(self._name, guest, guest.hostname)
                guest.hostname = None
        return self._folder(guest)

    def _name(self, guest: Guest, name: str) -> None:
        hosts = f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost ip6-loopback\n"
        for path, text in (("/etc/hostname", f"{name}\n"), ("/etc/hosts", hosts)):
            self._files(guest).write(path, text.encode(), append=False, mode=0o644, uid=0, gid=0)

    def _folder(self, guest: Guest) -> Path:
        return self._lab.mountpoint(guest.dataset) / "rootfs"

    def _dataset(self, container: str) -> str:
        return self._guests[container].dataset

    def _id(self, container: str, label: str) -> str:
        return f"{self._dataset(container)}@{self._guests[container].snapshots[label]}"

    def _free_dataset(self, container: str) -> str:
        """Named like the container, unless one that could not be renamed has that name still."""
        taken = {guest.dataset for guest in self._guests.values()}
        names = itertools.chain([container], (f"{container}.{number}" for number in itertools.count(2)))
        return next(name for each in names if (name := f"{self._lab.containers}/{each}") not in taken)

    # ----- files

    def _files(self, guest: Guest) -> Rootfs:
        return Rootfs(self._folder(guest), first_id=config.FIRST_ID, ids=config.IDS)

    async def _files_of(self, container: str) -> Rootfs:
        await self._mounted(container)
        return self._files(self._guests[container])

    async def stat(self, container: str, path: str) -> Stat | None:
        return await asyncio.to_thread((await self._files_of(container)).stat, path)

    async def list_directory(self, container: str, path: str) -> list[str]:
        return await asyncio.to_thread((await self._files_of(container)).list_directory, path)

    async def read_file(self, container: str, path: str) -> bytes:
        return await asyncio.to_thread((await self._files_of(container)).read, path)

    async def write_file(
        self, container: str, path: str, content: bytes, *, append: bool, mode: int | None, uid: int, gid: int
    ) -> None:
        files = await self._files_of(container)
        await asyncio.to_thread(files.write, path, content, append=append, mode=mode, uid=uid, gid=gid)
