# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds one session with a NAS for all processes of this user, and ends when nobody has called for a while."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import secrets
import signal
import socket
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    LoginRefused,
    PixelsError,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Progress
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.bridge import Bridge
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.budget import LoginBudget
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.identity import VERSION, is_proof
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.order import Order
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.reading import TakesPatience, read
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.rendezvous import (
    NoRendezvous,
    Rendezvous,
    peer_uid,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.transport import WEBSOCKET_IMPORT_ERROR

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.connection import Connection
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shells import LentShell

# A caller in a job has a thread here that sleeps; how many calls are under way at the NAS is the session's to limit.
THREADS = 256
BACKLOG = 512
HELLO_WITHIN = 30.0
GOODBYE_WITHIN = 3.0
LOOK_EVERY = 1.0
# What somebody gets for another try who has waited for nearly all of his time.
LAST_TRY = 1.0


T = t.TypeVar("T")


class Caller:
    """Somebody at the other end of the socket, as he said he is."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.connect = 0.0
        self.login_wait = 0.0
        self.calls = 0
        """Under way; a shell he has counts as one."""
        self.bridge: Bridge | None = None
        """To the shell he has for now."""
        self.is_gone = False

    async def tell(self, frame: protocol.Frame) -> None:
        """Say something, and wait until he takes it. Raises OSError when he is gone."""
        self.say(frame)
        await self._writer.drain()

    def say(self, frame: protocol.Frame) -> None:
        self.say_line(protocol.line(frame))

    def say_line(self, line: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(line)

    @property
    def has_heard_all(self) -> bool:
        """Whether all that was said is out of this process, so that its end takes none of it back."""
        return not self._writer.is_closing() and self._writer.transport.get_write_buffer_size() == 0

    def hang_up(self) -> None:
        self._writer.close()


class Holder:
    """The session, and who calls."""

    def __init__(self, order: Order, listener: socket.socket) -> None:
        self._order = order
        self._listener = listener
        self._rendezvous = Rendezvous(order.folder)
        self._session = Session(
            order.endpoint,
            order.credential,
            timeouts=order.timeouts,
            notice=self.tell,
            admit=LoginBudget(self._rendezvous, order.endpoint).admit,
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="pixels calls")
        self._loop = asyncio.get_running_loop()
        self._callers: set[Caller] = set()
        self._talks: set[asyncio.Task[None]] = set()
        self._started = time.time()
        self._calls = 0
        self._idle = order.idle
        self._quiet_since = self._loop.time()
        self._login: asyncio.Future[None] | None = None
        self._login_notice = ""
        self._refusal: LoginRefused | None = None
        self._told_to_end = asyncio.Event()
        self._is_ending = False
        self._await_our_end: list[Caller] = []
        self._accepting: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Until nobody has called for the idle time, or somebody says stop."""
        self._accepting = asyncio.create_task(self._accept())
        idling = asyncio.create_task(self._until_idle())
        ordered = asyncio.create_task(self._told_to_end.wait())
        signs = asyncio.create_task(self._give_signs_of_life())
        await asyncio.wait({idling, ordered}, return_when=asyncio.FIRST_COMPLETED)
        signs.cancel()
        for talk in self._talks:
            talk.cancel()
        await self._leave_the_rendezvous()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_WITHIN):
                await self._loop.run_in_executor(None, self._session.close)

    def end(self) -> None:
        self._is_ending = True
        self._told_to_end.set()

    def tell(self, notice: str) -> None:
        """Tell everybody who waits; called by the thread that logs in."""
        self._loop.call_soon_threadsafe(self._tell, notice)

    def _tell(self, notice: str) -> None:
        self._login_notice = notice
        for caller in self._callers:
            if caller.calls:
                caller.say({"notice": notice})

    async def _accept(self) -> None:
        while True:
            try:
                connection, _address = await self._loop.sock_accept(self._listener)
            except OSError:
                # Out of open files, most likely: callers end, and then there are some again.
                await asyncio.sleep(0.1)
                continue
            talk = asyncio.create_task(self._talk(connection))
            self._talks.add(talk)
            talk.add_done_callback(self._talks.discard)

    async def _until_idle(self) -> None:
        while True:
            busy = any(caller.calls for caller in self._callers)
            left = self._quiet_since + self._idle - self._loop.time()
            if not busy and (left <= 0 or self._refusal is not None):
                # In this very moment: what comes from now on is not begun.
                self._is_ending = True
                return
            await self._loop.run_in_executor(None, self._session.sweep_shells)
            await asyncio.sleep(LOOK_EVERY if busy else min(left, LOOK_EVERY))

    async def _give_signs_of_life(self) -> None:
        """To all who wait for an answer, that this goes on; a shell gives its own."""
        while True:
            await asyncio.sleep(protocol.ALIVE_EVERY)
            for caller in self._callers:
                if caller.calls and caller.bridge is None:
                    caller.say({"alive": True})

    async def _leave_the_rendezvous(self) -> None:
        """From here on callers start another holder; whoever is just coming in finds the door shut."""
        accepting, self._accepting = self._accepting, None
        if accepting is None:
            return
        accepting.cancel()
        await self._loop.run_in_executor(None, self._remove_socket)
        self._listener.close()

    def _remove_socket(self) -> None:
        path = self._rendezvous.socket_path(self._order.name)
        with contextlib.suppress(OSError, NoRendezvous), self._rendezvous.locked():
            if os.lstat(path).st_ino == self._order.inode:
                os.unlink(path)

    async def _talk(self, connection: socket.socket) -> None:
        """One caller, from his coming to his going."""
        if peer_uid(connection) != os.geteuid():
            connection.close()
            return
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=protocol.LONGEST_REQUEST)
        caller = Caller(writer)
        answers: set[asyncio.Task[None]] = set()
        try:
            with contextlib.suppress(OSError, protocol.Garbled):
                if await self._admits(reader, caller):
                    await self._listen(reader, caller, answers)
        finally:
            # Nobody listens any more: what is under way at the NAS goes on there, and keeps nothing alive here.
            caller.is_gone = True
            for answer in answers:
                answer.cancel()
            if caller.bridge is not None:
                await self._end_bridge(caller, caller.bridge.drop())
            self._callers.discard(caller)
            if caller not in self._await_our_end:
                caller.hang_up()

    async def _listen(self, reader: asyncio.StreamReader, caller: Caller, answers: set[asyncio.Task[None]]) -> None:
        self._callers.add(caller)
        while True:
            request = await next_frame(reader)
            if caller.bridge is not None:
                await self._cross(caller, caller.bridge, request)
                continue
            answer = asyncio.create_task(self._answer(caller, request))
            answers.add(answer)
            answer.add_done_callback(answers.discard)

    async def _admits(self, reader: asyncio.StreamReader, caller: Caller) -> bool:
        challenge = secrets.token_hex(16)
        us = {"protocol": protocol.PROTOCOL, "version": VERSION, "pid": os.getpid()}
        caller.say({"holder": us, "challenge": challenge})
        async with asyncio.timeout(HELLO_WITHIN):
            hello = await next_frame(reader)
        match hello:
            case {"ask": "status"}:
                caller.say({"status": self._status()})
            case {"ask": "stop"}:
                caller.say({"stopping": os.getpid()})
                # He hears our end by the end of the connection.
                self._await_our_end.append(caller)
                self.end()
            case {"proof": given, "connect": connect, "login_wait": login_wait, "idle": idle}:
                if not is_proof(given, self._order.credential, challenge):
                    caller.say({"refused": "this is not the credential of this session"})
                    return False
                caller.connect, caller.login_wait = float(connect), float(login_wait)
                self._idle = float(idle)
                self._quiet_since = self._loop.time()
                caller.say({"welcome": True})
                return True
        return False

    def _status(self) -> protocol.Frame:
        return {
            "pid": os.getpid(),
            "nas": self._order.endpoint.nas,
            "username": self._order.credential.username,
            "age": time.time() - self._started,
            "idle": self._idle,
            "callers": len(self._callers),
            "calls": self._calls,
            "calls_under_way": sum(caller.calls for caller in self._callers),
            "version": VERSION,
        }

    async def _answer(self, caller: Caller, request: protocol.Frame) -> None:
        # What only reads may be asked again anyway, and a sign of it would wake the caller for nothing.
        if not self._is_ending and request["do"] != "read":
            caller.say({"taken": True})
        if self._is_ending or not caller.has_heard_all:
            # He would not know that it was begun, should this process end: so it is not.
            caller.hang_up()
            return
        caller.calls += 1
        self._calls += 1
        try:
            caller.say_line(await self._outcome(caller, request))
            if caller.bridge is not None:
                caller.bridge.begin()
        except BaseException:
            # Whatever it is that nobody thought of: he is not left to wait for an answer that never comes.
            caller.hang_up()
            raise
        finally:
            caller.calls -= 1
            self._quiet_since = self._loop.time()

    async def _outcome(self, caller: Caller, request: protocol.Frame) -> bytes:
        """The line that answers a request."""
        try:
            await self._log_in(caller, request["timeout"])
            if request["do"] == "shell":
                return protocol.line({"result": await self._lend(caller, request["params"][0], request["timeout"])})
            if request["do"] == "read" and (connection := self._session.connection):
                with contextlib.suppress(TakesPatience):
                    return protocol.line({"result": await self._read(connection, request)})
            return await self._loop.run_in_executor(self._threads, self._perform, caller, request)
        except PixelsError as error:
            if isinstance(error, LoginRefused):
                self._refusal = error
                await self._leave_the_rendezvous()
            return protocol.line({"error": protocol.packed(error)})

    async def _read(self, connection: Connection, request: protocol.Frame) -> t.Any:
        """What can be had at once; what is left of the time is for whoever has to do it with patience."""
        method, params, timeout = request["method"], request["params"], request["timeout"]
        begun = self._loop.time()
        try:
            return await read(connection, self._session.nas, method, params, within=timeout)
        except TakesPatience:
            request["timeout"] = max(timeout - (self._loop.time() - begun), LAST_TRY)
            raise

    async def _log_in(self, caller: Caller, seconds: float) -> None:
        """One attempt for all who wait for it, and its outcome for all of them."""
        if self._refusal is not None:
            raise self._refusal
        if self._session.is_connected:
            return
        if self._login is None or self._login.done():
            self._login_notice = ""
            self._login = self._loop.run_in_executor(None, lambda: self._session.connect(patience=seconds))
        if self._login_notice:
            caller.say({"notice": self._login_notice})
        patience = max(seconds, caller.connect) + caller.login_wait
        try:
            async with asyncio.timeout(patience):
                await asyncio.shield(self._login)
        except TimeoutError:
            late = TimedOut(
                f"no login at {self._order.endpoint.nas} within {patience:g} s (connect_timeout and login_wait)"
            )
        else:
            return
        raise late

    def _perform(self, caller: Caller, request: protocol.Frame) -> bytes:
        """Do what was asked for, in a thread; the line with its result."""
        method, params, timeout = request["method"], request["params"], request["timeout"]
        match request["do"]:
            case "read":
                result = self._session.read(method, *params, timeout=timeout)
            case "call":
                result = self._session.call(method, *params, timeout=timeout)
            case "download":
                result = self._session.download(method, *params, timeout=timeout)
            case _:
                told = self._progress_of(caller) if request["progress"] else None
                result = self._session.run_job(method, *params, timeout=timeout, progress=told)
        return protocol.line({"result": result})

    async def _lend(self, caller: Caller, options: dict[str, t.Any], seconds: float) -> list[str]:
        """Have a shell for a caller; what is to be known of it."""
        opening = self._loop.run_in_executor(
            self._threads, lambda: self._session.borrow_shell(options, timeout=seconds)
        )

        def bridge(opened: asyncio.Future[LentShell]) -> None:
            if opened.cancelled() or opened.exception():
                return
            if caller.is_gone:
                self._loop.run_in_executor(self._threads, opened.result().discard)
            else:
                caller.bridge = Bridge(opened.result(), caller.tell)
                caller.calls += 1

        opening.add_done_callback(bridge)
        shell = await asyncio.shield(opening)
        return [shell.note, shell.id]

    async def _cross(self, caller: Caller, bridge: Bridge, frame: protocol.Frame) -> None:
        """What a caller says who has a shell."""
        match frame:
            case {"input": bytes(data)}:
                await bridge.send(data)
            case {"give_back": str(note)}:
                was_there = await self._end_bridge(caller, bridge.give_back(note))
                caller.say({"result": was_there})
            case _:
                raise protocol.Garbled

    async def _end_bridge(self, caller: Caller, ending: t.Coroutine[t.Any, t.Any, T]) -> T:
        caller.bridge = None
        try:
            return await ending
        finally:
            caller.calls -= 1
            self._quiet_since = self._loop.time()

    def _progress_of(self, caller: Caller) -> t.Callable[[Progress], None]:
        def tell(progress: Progress) -> None:
            self._loop.call_soon_threadsafe(caller.say, {"progress": [progress.percent, progress.description]})

        return tell


async def next_frame(reader: asyncio.StreamReader) -> protocol.Frame:
    """The next thing a caller says; raises Garbled at the end of it, and for a line that is too long."""
    try:
        line = await reader.readline()
    except ValueError:
        line = b""
    return protocol.frame(line)


async def serve(order: Order, listener: socket.socket) -> None:
    holder = Holder(order, listener)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, holder.end)
    await holder.serve()


def main(order: Order) -> None:
    """The life of a holder, in a process of its own; C(order.listener) is an open socket."""
    os.umask(0o077)
    # The secret is in memory: it is not for a file of it that anybody may look into later.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        # A collection that was just replaced runs other code here than in the caller. Without the library it would only
        # keep those from the NAS who have it.
        if order.version == VERSION and WEBSOCKET_IMPORT_ERROR is None:
            listener = socket.socket(fileno=order.listener)
            listener.settimeout(0)
            # Again, so that the system names this process to those who ask who is at the other end.
            listener.listen(BACKLOG)
            asyncio.new_event_loop().run_until_complete(serve(order, listener))
    finally:
        # Threads that still wait for a NAS on behalf of somebody who has gone are not waited for.
        os._exit(0)
