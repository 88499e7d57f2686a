# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `systemctl` can do in a guest: turn units on and off, and run the one service there is, ssh."""

from __future__ import annotations

import typing as t

from tests.simulator.engines.base import Finished

if t.TYPE_CHECKING:
    from tests.simulator.engines.process.guest import Guest

FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system")
WANTED = "/etc/systemd/system/multi-user.target.wants"
SSH_WANTED = f"{WANTED}/ssh.service"
ALIASES = {"sshd": "ssh"}


class Unit:
    """A unit as the guest's files and init have it."""

    def __init__(self, guest: Guest, name: str) -> None:
        bare = name.removesuffix(".service")
        self.bare = ALIASES.get(bare, bare)
        self.name = self.bare if "." in self.bare else f"{self.bare}.service"
        self.path: str | None = None
        """Its file; None when there is no such unit."""
        self.enabled = False
        self._guest = guest

    @classmethod
    async def find(cls, guest: Guest, name: str) -> Unit:
        unit = cls(guest, name)
        init = await guest.init()
        if "/" not in unit.name:
            paths = [path for path in (f"{folder}/{unit.name}" for folder in FOLDERS) if await init.describe(path)]
            unit.path = paths[0] if paths else None
            unit.enabled = await init.describe(f"{WANTED}/{unit.name}") is not None
        return unit

    @property
    def active(self) -> bool:
        return self.bare == "ssh" and self._guest.ssh_is_open

    async def start(self) -> str:
        """Empty, or why not."""
        if self.bare != "ssh":
            return f"Failed to start {self.name}: the init of this guest runs no service but ssh.\n"
        await self._guest.close_ssh(listener_only=True)
        if await self._guest.open_ssh():
            return ""
        return "Job for ssh.service failed: sshd: no hostkeys available -- exiting.\n"

    async def stop(self) -> None:
        if self.bare == "ssh":
            await self._guest.close_ssh(listener_only=True)

    async def enable(self) -> str:
        if self.enabled:
            return ""
        await (await self._guest.init()).link(f"{WANTED}/{self.name}", t.cast(str, self.path))
        return f"Created symlink {WANTED}/{self.name} → {self.path}.\n"

    async def disable(self) -> str:
        removed = await (await self._guest.init()).remove(f"{WANTED}/{self.name}")
        return f"Removed {WANTED}/{self.name}.\n" if removed else ""


async def systemctl(guest: Guest, arguments: list[str]) -> Finished:
    words = [argument for argument in arguments if not argument.startswith("-")]
    verb, names = (words[0], words[1:]) if words else ("list-units", [])
    if verb in ("daemon-reload", "daemon-reexec", "reset-failed"):
        return Finished(0, b"", b"")
    if verb == "is-system-running":
        return _said("starting", 1) if guest.booting else _said("running")
    if verb not in VERBS:
        return _refused(f"systemctl: the init of this guest does not know '{verb}'.\n")
    if not names:
        return _refused("Too few arguments.\n")
    answers = [await VERBS[verb](await Unit.find(guest, name), "--now" in arguments) for name in names]
    worst = max(answer.returncode for answer in answers)
    return Finished(worst, b"".join(answer.stdout for answer in answers), b"".join(answer.stderr for answer in answers))


async def _start(unit: Unit, now: bool) -> Finished:
    if unit.path is None:
        return _refused(f"Failed to start {unit.name}: Unit {unit.name} not found.\n", 5)
    trouble = await unit.start()
    return _refused(trouble) if trouble else Finished(0, b"", b"")


async def _reload_if_active(unit: Unit, now: bool) -> Finished:
    if unit.path is None:
        return _refused(f"Failed to try-reload-or-restart {unit.name}: Unit {unit.name} not found.\n", 5)
    return await _start(unit, now) if unit.active else Finished(0, b"", b"")


async def _stop(unit: Unit, now: bool) -> Finished:
    if unit.path is None:
        return _refused(f"Failed to stop {unit.name}: Unit {unit.name} not loaded.\n", 5)
    await unit.stop()
    return Finished(0, b"", b"")


async def _enable(unit: Unit, now: bool) -> Finished:
    if unit.path is None:
        return _refused(f"Failed to enable unit: Unit file {unit.name} does not exist.\n")
    message = await unit.enable()
    trouble = await unit.start() if now else ""
    return Finished(1 if trouble else 0, b"", (message + trouble).encode())


async def _disable(unit: Unit, now: bool) -> Finished:
    if unit.path is None:
        return _refused(f"Failed to disable unit: Unit file {unit.name} does not exist.\n")
    message = await unit.disable()
    if now:
        await unit.stop()
    return Finished(0, b"", message.encode())


async def _is_active(unit: Unit, now: bool) -> Finished:
    return _said("active") if unit.active else _said("inactive", 3)


async def _is_enabled(unit: Unit, now: bool) -> Finished:
    if unit.path is None:
        return _said("not-found", 4)
    return _said("enabled") if unit.enabled else _said("disabled", 1)


async def _status(unit: Unit, now: bool) -> Finished:
    if unit.path is None:
        return _refused(f"Unit {unit.name} could not be found.\n", 4)
    state = "active (running)" if unit.active else "inactive (dead)"
    text = f"● {unit.name}\n     Loaded: loaded ({unit.path})\n     Active: {state}"
    return _said(text, 0 if unit.active else 3)


async def _show(unit: Unit, now: bool) -> Finished:
    """The properties that Ansible's service module reads."""
    file_state = "enabled" if unit.enabled else "disabled"
    properties = {
        "Id": unit.name,
        "LoadState": "loaded" if unit.path else "not-found",
        "ActiveState": "active" if unit.active else "inactive",
        "SubState": "running" if unit.active else "dead",
        "UnitFileState": file_state if unit.path else "",
    }
    return _said("\n".join(f"{name}={value}" for name, value in properties.items()))


VERBS: dict[str, t.Callable[[Unit, bool], t.Awaitable[Finished]]] = {
    **dict.fromkeys(("start", "restart", "reload", "reload-or-restart", "try-restart", "force-reload"), _start),
    "try-reload-or-restart": _reload_if_active,
    "stop": _stop,
    "enable": _enable,
    "disable": _disable,
    "is-active": _is_active,
    "is-enabled": _is_enabled,
    "status": _status,
    "show": _show,
}


def _said(text: str, returncode: int = 0) -> Finished:
    return Finished(returncode, f"{text}\n".encode(), b"")


def _refused(text: str, returncode: int = 1) -> Finished:
    return Finished(returncode, b"", text.encode())
