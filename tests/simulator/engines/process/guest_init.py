# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's end of a live guest: starts its pid 1, asks it for commands and files, and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import pathlib
import signal
import socket
import typing as t

from tests.simulator.engines.base import EngineUnavailable, Finished
from tests.simulator.engines.process.init_starter import INIT_STARTER, Process
from tests.simulator.engines.process.inside import wire
from tests.simulator.engines.process.streams import Stream

SECONDS_TO_START = 30.0


class User(t.NamedTuple):
    """A user as the guest's own files have it."""

    name: str
    uid: int
    gid: int
    groups: list[int]
    home: str
    shell: str


ROOT = User("root", 0, 0, [], "/root", "/bin/bash")


class Answer(t.NamedTuple):
    result: t.Any
    descriptors: list[int]


class Command:
    """A process in the guest with its streams: stdin, stdout and stderr, or both directions of a terminal."""

    def __init__(self, init: GuestInit, pid: int, ended: asyncio.Future[int], streams: t.Sequence[Stream]) -> None:
        self.pid = pid
        self.stdin, self.stdout = streams[:2]
        self.stderr = streams[2] if len(streams) == 3 else None
        """None with a terminal: everything arrives on stdout there."""
        self._init = init
        self._ended = ended

    async def wait(self) -> int:
        """The return code; negative when a signal ended it."""
        return await asyncio.shield(self._ended)

    async def signal(self, number: int) -> None:
        """To the command and what it has started, unless it has ended."""
        if not self._ended.done():
            with contextlib.suppress(ProcessLookupError):
                await self._init.ask("kill", pid=self.pid, number=number)

    def close(self) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()


class GuestInit:
    """A guest's namespaces, held by its pid 1."""

    def __init__(self, process: Process, control: socket.socket, *, first_id: int | None = None) -> None:
        """`first_id` is the user id of the guest's root on this machine, unless it is that of the engine."""
        self.doorbell: socket.socket
        """Listens inside the guest, for the guest's own commands."""
        self.alive = True
        self._first_id = first_id
        self._process = process
        self._control = control
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[wire.Message]] = {}
        self._ended: dict[int, asyncio.Future[int]] = {}
        self._ready: asyncio.Future[wire.Message] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, layout: wire.Layout, stage: pathlib.Path) -> GuestInit:
        """Raises `EngineUnavailable` with what the kernel refused."""
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        wire.send(control, layout._asdict())
        with theirs:
            process = INIT_STARTER.start(stage, theirs)
        control.setblocking(False)
        init = cls(process, control, first_id=layout.first_id if layout.ids > 1 else None)
        asyncio.get_running_loop().add_reader(control, init._hear)
        try:
            await init._enter()
        except BaseException:
            await init.close()
            raise
        return init

    async def close(self, *, graceful: bool = False) -> None:
        """End every process of the guest. When this returns they are gone, and their mounts with them."""
        if graceful and self.alive:
            with contextlib.suppress(ConnectionResetError):
                await self.ask("end")
        self._hang_up()
        await self._process.wait()

    async def _enter(self) -> None:
        try:
            async with asyncio.timeout(SECONDS_TO_START):
                message = await self._ready
        except ConnectionResetError as gone:
            raise EngineUnavailable("a guest's pid 1 ended before it was ready") from gone
        except TimeoutError as late:
            raise EngineUnavailable(f"a guest was not ready after {SECONDS_TO_START:.0f} s") from late
        if "refused" in message.body:
            raise EngineUnavailable(message.body["refused"])
        self.doorbell = socket.socket(fileno=message.descriptors[0])

    # ----- commands

    async def spawn(
        self,
        argv: t.Sequence[str],
        *,
        environment: t.Mapping[str, str],
        user: User = ROOT,
        directory: str = "/root",
        terminal: tuple[int, int] | None = None,
        argv0: str | None = None,
    ) -> Command:
        """Start a command. `terminal` is columns and rows."""
        ticket = next(self._numbers)
        ended = self._ended[ticket] = asyncio.get_running_loop().create_future()
        details: dict[str, t.Any] = {
            "ticket": ticket,
            "argv": list(argv),
            "argv0": argv0,
            "user": user._asdict(),
            "environment": dict(environment),
            "directory": directory,
            "terminal": terminal,
        }
        try:
            pid, ours = await (self._spawn_in_pipes if terminal is None else self._spawn_in_terminal)(details)
        except BaseException:
            self._ended.pop(ticket, None)
            raise
        return Command(self, pid, ended, [Stream(descriptor) for descriptor in ours])

    async def _spawn_in_terminal(self, details: dict[str, t.Any]) -> tuple[int, list[int]]:
        pid, (master,) = await self.ask("spawn", **details)
        return pid, [os.dup(master), master]

    async def _spawn_in_pipes(self, details: dict[str, t.Any]) -> tuple[int, list[int]]:
        stdin, stdout, stderr = os.pipe(), os.pipe(), os.pipe()
        theirs = [stdin[0], stdout[1], stderr[1]]
        if self._first_id is not None:
            for descriptor in theirs:
                # Else the command could use its streams, and not open them again as /dev/stderr.
                os.fchown(descriptor, self._first_id + details["user"]["uid"], -1)
        ours = [stdin[1], stdout[0], stderr[0]]
        try:
            return (await self.ask("spawn", descriptors=theirs, **details)).result, ours
        except BaseException:
            _close_all(ours)
            raise
        finally:
            _close_all(theirs)

    async def run(self, argv: t.Sequence[str], *, environment: t.Mapping[str, str], stdin: bytes = b"") -> Finished:
        command = await self.spawn(argv, environment=environment)
        feeding = asyncio.create_task(_feed(command.stdin, stdin))
        try:
            stdout, stderr = await asyncio.gather(command.stdout.read_all(), t.cast(Stream, command.stderr).read_all())
            return Finished(await command.wait(), stdout, stderr)
        except asyncio.CancelledError:
            with contextlib.suppress(ConnectionResetError):
                await command.signal(signal.SIGKILL)
            raise
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            command.close()

    # ----- files, with paths as the guest's root resolves them

    async def user(self, name: str) -> User | None:
        found = (await self.ask("user", name=name)).result
        return None if found is None else User(**found)

    async def describe(self, path: str) -> dict[str, t.Any] | None:
        """lstat: mode, size, uid, gid, mtime, target; None when there is nothing."""
        found: dict[str, t.Any] | None = (await self.ask("describe", path=path)).result
        return found

    async def list_directory(self, path: str) -> list[str]:
        names: list[str] = (await self.ask("list", path=path)).result
        return names

    async def read_file(self, path: str) -> bytes:
        _none, (descriptor,) = await self.ask("read", path=path)
        with os.fdopen(descriptor, "rb") as file:
            return await asyncio.to_thread(file.read)

    async def write_file(
        self, path: str, content: bytes, *, append: bool = False, mode: int | None = None, uid: int = -1, gid: int = -1
    ) -> None:
        _none, (descriptor,) = await self.ask("write", path=path, append=append, mode=mode, uid=uid, gid=gid)
        with os.fdopen(descriptor, "wb") as file:
            await asyncio.to_thread(file.write, content)

    async def link(self, path: str, target: str) -> None:
        """A symlink, in place of what was there."""
        await self.ask("link", path=path, target=target)

    async def remove(self, path: str) -> bool:
        """Whether there was something to remove."""
        return bool((await self.ask("remove", path=path)).result)

    # ----- the line to pid 1

    async def ask(self, question: str, *, descriptors: t.Sequence[int] = (), **details: t.Any) -> Answer:
        """Raises the `OSError` that the guest met, or `ConnectionResetError` when the guest has ended."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            await self._send({"id": number, "ask": question, "details": details}, descriptors)
            body, received = await answer
        finally:
            del self._answers[number]
        if "errno" in body:
            raise OSError(body["errno"], body["error"])
        return Answer(body["result"], received)

    async def _send(self, body: dict[str, t.Any], descriptors: t.Sequence[int]) -> None:
        while self.alive:
            try:
                return wire.send(self._control, body, descriptors)
            except BlockingIOError:
                await asyncio.sleep(0.01)  # pid 1 is busy; it never waits for us
            except BrokenPipeError:
                break
        raise ConnectionResetError("the guest has ended")

    def _hear(self) -> None:
        while self.alive:
            try:
                message = wire.receive(self._control)
            except BlockingIOError:
                return
            except ConnectionResetError:
                message = None
            if message is None:
                self._hang_up()
            else:
                self._take(message)

    def _take(self, message: wire.Message) -> None:
        body = message.body
        if "ended" in body:
            ended = self._ended.pop(body["ended"], None)
            if ended is not None:
                ended.set_result(body["returncode"])
            return
        waiting = self._answers.get(body["id"]) if "id" in body else self._ready
        if waiting is None or waiting.done():
            _close_all(message.descriptors)  # the caller has been cancelled
        else:
            waiting.set_result(message)

    def _hang_up(self) -> None:
        """Close the socket, which ends pid 1, and notify the tasks that wait for it."""
        if not self.alive:
            return
        self.alive = False
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        for waiting in (self._ready, *self._answers.values()):
            if not waiting.done():
                waiting.set_exception(ConnectionResetError("the guest has ended"))
        for ended in self._ended.values():
            ended.set_result(-signal.SIGKILL)
        self._ended.clear()


async def _feed(stream: Stream, content: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # the command may not want all of it
        await stream.write(content)
    stream.close()


def _close_all(descriptors: t.Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
