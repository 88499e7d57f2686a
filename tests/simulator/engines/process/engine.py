# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine `process`: guests are namespaces over copy-on-write views of this machine's own files; no root needed."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import shutil
import stat
import tempfile
import typing as t

from tests.simulator.engines.base import Address, EngineUnavailable, Finished, Stat
from tests.simulator.engines.process.addresses import Addresses
from tests.simulator.engines.process.guest import Guest, Home
from tests.simulator.engines.process.image import image
from tests.simulator.engines.process.image_builder import Ids
from tests.simulator.engines.process.terminal import GuestTerminal, find_program
from tests.simulator.engines.process.tree import Tree, remove

HOST = "truenas"
"""The guest that plays the NAS itself; names of containers in tests begin with `px-`."""

PROBE = "rm -rf /etc/skel && mkdir -p /etc/skel && test -z \"$(ls -A /etc/skel)\" && python3 -c 'import json'"
"""Shows that commands run, that what is removed stays removed, and that Ansible finds its interpreter."""
TYPES = {stat.S_IFREG: "FILE", stat.S_IFDIR: "DIRECTORY", stat.S_IFLNK: "SYMLINK"}
ADVICE = {
    "namespace": (
        "; guests need unprivileged user namespaces: sysctl user.max_user_namespaces above 0, "
        "kernel.unprivileged_userns_clone=1 and kernel.apparmor_restrict_unprivileged_userns=0 where they exist, "
        "and in Docker --security-opt seccomp=unconfined"
    ),
    "overlay": "; guests need Linux 5.11 or later and a state folder on an ordinary file system",
    "mount none": (
        "; this machine lets users make namespaces but not mount in them: "
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    ),
    "mount proc": "; containers with a masked /proc forbid that: in Docker --security-opt systempaths=unconfined",
}
_PROVEN: set[tuple[Ids, int]] = set()
"""Ids and file systems on which a guest of this process has run already."""


class ProcessEngine:
    """`ssh_installed`: whether images come with an SSH server. `ssh_port`: None is 22 where this user may have it."""

    name = "process"

    def __init__(
        self,
        state_dir: str | pathlib.Path | None = None,
        *,
        ssh_port: int | None = None,
        ssh_installed: bool = False,
    ) -> None:
        self.mirrors_down: set[str] = set()
        """Containers whose apt-get reaches no mirror; `*` is all of them."""
        self.ssh_installed = ssh_installed
        self.ssh_port = ssh_port or 0
        """Known once the engine is open."""
        self._wanted_port = ssh_port
        self._wanted_state = state_dir
        self._guests: dict[str, Guest] = {}
        self._host_lock = asyncio.Lock()
        self._addresses: Addresses
        self._home: Home
        self._state: pathlib.Path | None = None

    async def open(self) -> None:
        missing = [command for command in ("unshare", "cp", "rm") if shutil.which(command) is None]
        if missing:
            raise EngineUnavailable(f"this machine has no {' and no '.join(missing)}")
        self._addresses = Addresses(self._wanted_port)
        self.ssh_port = self._addresses.port
        try:
            self._state = self._make_state()
            ready = await asyncio.to_thread(image, Ids.here())
            self._home = Home(ready, self._state / "stage", self.ssh_port, self.mirrors_down)
            below = (f"below{number}" for number in range(len(ready.overlays)))
            for name in ("image", "guest", "root", "shared0", *below):
                (self._home.stage / name).mkdir(parents=True, exist_ok=True)
            await self._prove()
        except (EngineUnavailable, OSError) as error:
            await self.close()
            raise EngineUnavailable(_explain(error)) from error

    async def close(self) -> None:
        """End everything, by pid, and remove what guests have left on this machine."""
        await asyncio.gather(*(guest.stop(graceful=False) for guest in self._guests.values()))
        self._guests.clear()
        self._addresses.close()
        if self._state is not None:
            with contextlib.suppress(
                OSError
            ):  # if no guest can run, only empty directories remain, which are removed below
                await remove(Ids.here(), self._state / "guests")
            for name in ("guests", "stage"):
                shutil.rmtree(self._state / name, ignore_errors=True)
            if self._wanted_state is None:
                shutil.rmtree(self._state, ignore_errors=True)
            self._state = None

    def _make_state(self) -> pathlib.Path:
        wanted = self._wanted_state
        state = pathlib.Path(tempfile.mkdtemp(prefix="pixels-guests-") if wanted is None else wanted).resolve()
        # Closed to others: a set-user-id file of a guest is one of this user's on the machine.
        (state / "guests").mkdir(mode=0o700, parents=True, exist_ok=True)
        return state

    async def _prove(self) -> None:
        state = t.cast(pathlib.Path, self._state)
        place = (Ids.here(), state.stat().st_dev)
        if place in _PROVEN:
            return
        await self.create("probe", "none")
        finished = await self.run("probe", ["/bin/sh", "-c", PROBE])
        await self.delete("probe")
        if finished.returncode:
            raise EngineUnavailable(f"a guest does not work: {finished.stderr.decode(errors='replace').strip()}")
        _PROVEN.add(place)

    # ----- containers

    async def create(self, container: str, image: str) -> None:
        """Every image is this machine's programs; `ssh_installed` says whether it comes with an SSH server."""
        guest = self._add(container)
        guest.tree.make()
        if self.ssh_installed:
            guest.preinstall_ssh()

    async def delete(self, container: str) -> None:
        guest = self._guests[container]
        await guest.stop(graceful=False)
        del self._guests[container]
        await guest.tree.delete()
        self._addresses.give_back(guest.address)

    async def start(
        self, container: str, *, cpu: str | None, memory: int | None, environment: t.Mapping[str, str]
    ) -> None:
        """`cpu` and `memory` are not enforced: an ordinary user may not limit either."""
        await self._guests[container].start(environment)

    async def limit(
        self, container: str, *, cpu: str | None, memory: int | None, environment: t.Mapping[str, str]
    ) -> None:
        """What runs from now on has the new environment."""
        self._guests[container].environment = dict(environment)

    async def stop(self, container: str, *, force: bool, timeout: float | None = None) -> None:
        """Nothing in a guest takes longer than an instant to end."""
        await self._guests[container].stop(graceful=not force)

    def addresses(self, container: str) -> list[Address]:
        guest = self._guests[container]
        return [Address("INET", guest.address, 24)] if guest.running else []

    async def run(
        self,
        container: str,
        argv: t.Sequence[str],
        *,
        stdin: bytes = b"",
        environment: t.Mapping[str, str] | None = None,
    ) -> Finished:
        guest = self._guests[container]
        return await (await guest.init()).run(argv, stdin=stdin, environment=guest.command_environment(environment))

    async def open_terminal(
        self, container: str, argv: t.Sequence[str], *, environment: t.Mapping[str, str]
    ) -> GuestTerminal:
        guest = self._guests[container]
        if not guest.running:
            raise ConnectionResetError("the guest has ended")
        init = await guest.init()
        variables = guest.command_environment(environment)
        await find_program(init, argv[0], variables["PATH"])
        terminal = GuestTerminal(await init.spawn(argv, environment=variables, terminal=(0, 0)))
        if not guest.running:
            # Stopped meanwhile: these may be namespaces that were made only to look at its files.
            await terminal.close()
            raise ConnectionResetError("the guest has ended")
        return terminal

    def own(self, path: pathlib.Path) -> None:
        Ids.here().chown(path)

    async def open_host_terminal(
        self, argv: t.Sequence[str], *, environment: t.Mapping[str, str], datasets: pathlib.Path
    ) -> GuestTerminal:
        """In a guest that is none of the containers, and is confined as they are; it has none of their files."""
        async with self._host_lock:
            if HOST not in self._guests:
                host = self._add(HOST)
                host.tree.make()
                host.shared = {"mnt": str(datasets)}
            if not self._guests[HOST].running:
                await self._guests[HOST].start({})
        return await self.open_terminal(HOST, argv, environment=environment)

    async def booted(self, container: str) -> Finished | None:
        """For tests: wait for /etc/rc.local and say how it ended; None when there was none to run."""
        return await self._guests[container].booted()

    def _add(self, container: str) -> Guest:
        if container in self._guests or "/" in container or container.startswith("."):
            raise ValueError(f"{container!r} cannot be the name of a new container")
        tree = Tree(t.cast(pathlib.Path, self._state) / "guests" / container, self._home.image)
        guest = Guest(container, tree, self._home, self._addresses.allot())
        self._guests[container] = guest
        return guest

    # ----- snapshots

    async def snapshot(self, container: str, label: str) -> None:
        guest = self._guests[container]
        async with guest.held_still():
            await guest.tree.snapshot(label)

    async def rollback(self, container: str, label: str) -> None:
        """A running container goes on with the old files; the processes that had others open are ended."""
        guest = self._guests[container]
        await guest.leave()
        await guest.tree.rollback(label)

    async def delete_snapshot(self, container: str, label: str) -> None:
        await self._guests[container].tree.delete_snapshot(label)

    async def hold(self, container: str, label: str, tag: str) -> None:
        """The world has noted it."""

    async def release(self, container: str, label: str, tag: str) -> None:
        """The world has noted it."""

    async def clone(self, container: str, label: str, target: str) -> None:
        source = self._guests[container].tree
        try:
            await self._add(target).tree.clone_from(source, label)
        except OSError:
            await self.delete(target)
            raise

    async def move(self, container: str, target: str) -> None:
        if target in self._guests:
            raise ValueError(f"{target!r} is there already")
        guest = self._guests.pop(container)
        await guest.stop(graceful=False)
        guest.tree.rename(target)
        self._guests[target] = Guest(target, guest.tree, self._home, guest.address)

    async def move_snapshot(self, container: str, label: str, target: str, new_label: str) -> None:
        await self._guests[target].tree.take_snapshot_from(self._guests[container].tree, label, new_label)

    def used(self, container: str) -> int:
        return self._guests[container].tree.used()

    # ----- files

    async def stat(self, container: str, path: str) -> Stat | None:
        found = await (await self._guests[container].init()).describe(path)
        if found is None:
            return None
        mode = found.pop("mode")
        return Stat(type=TYPES.get(stat.S_IFMT(mode), "OTHER"), mode=mode, **found)

    async def list_directory(self, container: str, path: str) -> list[str]:
        return await (await self._guests[container].init()).list_directory(path)

    async def read_file(self, container: str, path: str) -> bytes:
        return await (await self._guests[container].init()).read_file(path)

    async def write_file(
        self, container: str, path: str, content: bytes, *, append: bool, mode: int | None, uid: int, gid: int
    ) -> None:
        """Symlinks lead where they lead in the guest: this is where the simulator is safer than a NAS."""
        init = await self._guests[container].init()
        await init.write_file(path, content, append=append, mode=mode, uid=uid, gid=gid)


def _explain(error: Exception) -> str:
    reason = str((error.strerror if isinstance(error, OSError) else None) or error)
    advice = next((words for word, words in ADVICE.items() if word in reason), "")
    return f"this machine cannot run guests: {reason}{advice}"
