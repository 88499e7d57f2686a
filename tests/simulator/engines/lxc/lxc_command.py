# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How is a container started, entered and stopped? By LXC's own commands."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import shutil
import signal
import typing as t
from pathlib import Path

from tests.simulator.engines.base import Finished
from tests.simulator.engines.lxc import config
from tests.simulator.engines.lxc.terminal import LxcTerminal

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SECONDS = 60.0
"""How long any command may take that has no time of its own."""
SECONDS_TO_DIE = 10


class LxcError(Exception):
    """What LXC says."""


class Lxc:
    """`folder` is where LXC keeps its configurations."""

    def __init__(self, folder: Path, group: str) -> None:
        self._folder = folder
        self._group = group
        self._confines = False
        """Seen once: nothing changes that on the way."""

    async def start(self, container: config.Container) -> None:
        folder = self._folder / container.name
        folder.mkdir(parents=True, exist_ok=True)
        written = folder / "config"
        written.write_text(config.text(container, unified=config.unified()), encoding="utf-8")
        log = folder / "log"
        log.unlink(missing_ok=True)
        started = await self._run("lxc-start", container.name, "-d", "-f", str(written), "-o", str(log), "-l", "ERROR")
        if started.returncode:
            output = log.read_text(errors="replace") if log.exists() else started.stderr.decode()
            raise LxcError(f"{container.name} was not started: {output.partition(chr(10))[0]}")
        if not self._confines:
            await self._refuse_the_machines_groups(container.name)
            self._confines = True

    async def _refuse_the_machines_groups(self, name: str) -> None:
        """LXC starts containers without a control group of their own where it finds none; they share the machine's."""
        pid = await self.pid(name)
        if pid is None:
            raise LxcError(f"{name} ended as soon as it was started")
        groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
        if f"/{self._group}/{name}" not in groups:
            raise LxcError(f"{name} runs in control groups of the machine:\n{groups}")

    async def stop(self, name: str, *, seconds: float | None) -> None:
        """Ask it to shut down; None waits for as long as it takes. Raises `TimeoutError`, and it goes on running."""
        pid = await self.pid(name)
        if pid is None:
            return
        # Keep it open until the end: a descriptor cannot refer to another process of the same number.
        with contextlib.suppress(ProcessLookupError):
            file = os.pidfd_open(pid)
            try:
                signal.pidfd_send_signal(file, signal.SIGRTMIN + 3)
                await _readable(file, seconds)
            finally:
                os.close(file)
        await self._wait_until_gone(name)

    async def kill(self, name: str) -> None:
        if await self.pid(name) is not None:
            await self._run("lxc-stop", name, "-k")
        await self._wait_until_gone(name)

    async def _wait_until_gone(self, name: str) -> None:
        """LXC takes the network and the control groups down after the last process has ended."""
        async with asyncio.timeout(SECONDS_TO_DIE):
            while (await self._run("lxc-info", name, "-sH")).stdout.strip() not in (b"STOPPED", b""):
                await asyncio.sleep(0.01)

    async def pid(self, name: str) -> int | None:
        """Of the container's init; None when it does not run."""
        answered = await self._run("lxc-info", name, "-pH")
        return int(answered.stdout) if answered.stdout.strip().isdigit() and int(answered.stdout) > 0 else None

    async def execute(
        self, name: str, argv: t.Sequence[str], *, stdin: bytes, environment: t.Mapping[str, str]
    ) -> Finished:
        return await self._run("lxc-attach", name, *self._attached(argv, environment), stdin=stdin, seconds=None)

    async def open_terminal(self, name: str, argv: t.Sequence[str], *, environment: t.Mapping[str, str]) -> LxcTerminal:
        return await LxcTerminal.open(
            ["lxc-attach", "-P", str(self._folder), "-n", name, *self._attached(argv, environment)]
        )

    @staticmethod
    def _attached(argv: t.Sequence[str], environment: t.Mapping[str, str]) -> list[str]:
        variables = {"PATH": PATH, "HOME": "/root", "USER": "root", "LANG": "C.UTF-8", **environment}
        words = [word for key, value in variables.items() for word in ("-v", f"{key}={value}")]
        return ["--clear-env", *words, "--", *argv]

    async def limit(self, name: str, cpus: str | None, memory: int | None) -> None:
        """Change the limits of a running container; None takes one away."""
        unified = config.unified()
        every = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        wanted = config.limits(cpus or every, memory, unified=unified)
        if memory is None:
            wanted["memory.max" if unified else "memory.limit_in_bytes"] = "max" if unified else "-1"
        for file, value in wanted.items():
            changed = await self._run("lxc-cgroup", name, "--", file, value)
            if changed.returncode:
                raise LxcError(f"{name}: {file} cannot be {value}: {changed.stderr.decode()}")

    def forget(self, name: str) -> None:
        shutil.rmtree(self._folder / name, ignore_errors=True)

    async def _run(
        self, command: str, name: str, *words: str, stdin: bytes = b"", seconds: float | None = SECONDS
    ) -> Finished:
        process = await asyncio.create_subprocess_exec(
            *(command, "-P", str(self._folder), "-n", name, *words),
            stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(seconds):
                stdout, stderr = await process.communicate(stdin or None)
        except (TimeoutError, asyncio.CancelledError):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise
        return Finished(t.cast(int, process.returncode), stdout, stderr)


async def _readable(file: int, seconds: float | None) -> None:
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    loop.add_reader(file, lambda: ended.done() or ended.set_result(None))
    try:
        async with asyncio.timeout(None if seconds is None else math.ceil(seconds)):
            await ended
    finally:
        loop.remove_reader(file)
