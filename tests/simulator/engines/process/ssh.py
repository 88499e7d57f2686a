# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH server of a guest: authenticates with the guest's files, and runs commands in the guest."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import ctypes.util
import fcntl
import signal
import stat
import struct
import termios
import typing as t
from fnmatch import fnmatchcase

import asyncssh
from asyncssh.stream import SSHTCPStreamSession

from tests.simulator.engines.process.guest_init import Command, GuestInit, User
from tests.simulator.engines.process.init_starter import PATH
from tests.simulator.engines.process.streams import Stream

if t.TYPE_CHECKING:
    from tests.simulator.engines.process.guest import Guest
    from tests.simulator.engines.process.tree import Tree

CONFIGURATION = "/etc/ssh/sshd_config"
SHADOW = "/etc/shadow"
INCLUDED = "/etc/ssh/sshd_config.d"
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
FORWARD = """
import os, socket, sys, threading
try:
    peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))
except OSError as error:
    sys.exit(str(error))
os.write(1, b"+")
def send():
    while piece := os.read(0, 65536):
        peer.sendall(piece)
    peer.shutdown(socket.SHUT_WR)
threading.Thread(target=send, daemon=True).start()
while piece := peer.recv(65536):
    os.write(1, piece)
"""
"""Connects in the guest, whose loopback interface is not that of this machine. Prints a plus sign once it has."""
LOST = (OSError, asyncssh.Error)
"""How a session notices that its client or its guest has gone."""


async def authorized_keys(init: GuestInit, username: str) -> asyncssh.SSHAuthorizedKeys | None:
    """The keys the guest lets in for a user; None without such a user or file, and where sshd's StrictModes forbids."""
    user = await init.user(username)
    if user is None:
        return None
    path = f"{user.home}/.ssh/authorized_keys"
    for place in (user.home, f"{user.home}/.ssh", path):
        found = await init.describe(place)
        if found is None or found["uid"] not in (0, user.uid) or found["mode"] & (stat.S_IWGRP | stat.S_IWOTH):
            return None
    try:
        content = await init.read_file(path)
    except OSError:
        return None
    lines = [line for line in content.decode(errors="replace").splitlines() if _is_key(line)]
    return asyncssh.import_authorized_keys("\n".join(lines) + "\n") if lines else None


def _is_key(line: str) -> bool:
    """sshd passes over lines it cannot read; asyncssh would refuse the whole file."""
    try:
        asyncssh.import_authorized_keys(f"{line}\n")
    except (ValueError, asyncssh.KeyImportError):
        return False
    return bool(line.strip())


def configured(tree: Tree, keyword: str) -> str | None:
    """The first value that sshd's main configuration file has for a keyword, as sshd takes it."""
    for line in (tree.read_changed(CONFIGURATION) or b"").decode(errors="replace").splitlines():
        found, _blank, value = line.strip().partition(" ")
        if found.lower() == keyword.lower():
            return value.strip().lower()
    return None


async def is_password(init: GuestInit, username: str, password: str) -> bool:
    """Whether the guest's own shadow file has it, as PAM finds out."""
    lines = (await init.read_file(SHADOW)).decode(errors="replace").splitlines()
    hashed = next((line.split(":")[1] for line in lines if line.startswith(f"{username}:")), "")
    if not hashed.startswith("$"):
        return False
    crypt = ctypes.CDLL(ctypes.util.find_library("crypt")).crypt
    crypt.restype = ctypes.c_char_p
    return bool(crypt(password.encode(), hashed.encode()) == hashed.encode())


def accepted_variables(tree: Tree) -> list[str]:
    """The patterns behind `AcceptEnv`, wherever sshd's configuration has some."""
    found: list[str] = []
    paths = [CONFIGURATION]
    for path in paths:
        for line in (tree.read_changed(path) or b"").decode(errors="replace").splitlines():
            keyword, *words = line.split() or [""]
            if keyword.lower() == "acceptenv":
                found += words
            elif keyword.lower() == "include" and words == [f"{INCLUDED}/*.conf"]:
                paths += [f"{INCLUDED}/{name}" for name in tree.names_changed(INCLUDED) if name.endswith(".conf")]
    return found


class Server(asyncssh.SSHServer):
    """One connection to a guest."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        # A reload is for the connections that come after it.
        self._accepted = list(guest.accepted_variables)
        self._connection: asyncssh.SSHServerConnection

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._guest.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._guest.connections.discard(self._connection)

    async def begin_auth(self, username: str) -> bool:
        keys = await authorized_keys(await self._guest.init(), username)
        self._connection.set_authorized_keys(keys)
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        """What sshd does without a line about it; images come with one that says no."""
        return configured(self._guest.tree, "PasswordAuthentication") != "no"

    async def validate_password(self, username: str, password: str) -> bool:
        if username == "root" and configured(self._guest.tree, "PermitRootLogin") != "yes":
            return False
        return await is_password(await self._guest.init(), username, password)

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> t.Coroutine[t.Any, t.Any, SSHTCPStreamSession[bytes]]:
        return forward(self._guest, dest_host, dest_port)

    def session_requested(self) -> tuple[asyncssh.SSHServerChannel[bytes], Session]:
        return self._connection.create_server_channel(encoding=None), Session(self._guest, self._accepted)


class Session(asyncssh.SSHServerProcess[bytes]):
    """A command, a shell or a subsystem, all of them processes in the guest: so SFTP's paths are the guest's."""

    def __init__(self, guest: Guest, accepted: list[str]) -> None:
        super().__init__(lambda process: serve(guest, process, accepted), None, 0, False)

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp"

    def session_started(self) -> None:
        channel = self._chan
        stdin = asyncssh.SSHReader[bytes](self, channel)
        stdout = asyncssh.SSHWriter[bytes](self, channel)
        stderr = asyncssh.SSHWriter[bytes](self, channel, asyncssh.EXTENDED_DATA_STDERR)
        handler = self._start_process(stdin, stdout, stderr)
        channel.get_connection().create_task(t.cast("t.Coroutine[t.Any, t.Any, None]", handler), channel.logger)


async def serve(guest: Guest, process: asyncssh.SSHServerProcess[bytes], accepted: list[str]) -> None:
    """From the request to the exit status."""
    connection = process.channel.get_connection()
    init = await guest.init()
    user = await init.user(connection.get_extra_info("username"))
    if user is None:
        process.exit(255)
        return
    terminal = process.term_size[:2] if process.term_type is not None else None
    arguments = _arguments(process, user)
    try:
        command = await init.spawn(
            arguments,
            argv0=None if len(arguments) > 1 else f"-{user.shell.rpartition('/')[2]}",
            user=user,
            environment=_environment(guest, process, user, accepted),
            directory=user.home,
            terminal=terminal,
        )
    except LOST as error:
        process.stderr.write(f"{error}\n".encode())
        process.exit(255)
        return
    await _connect(process, command)


async def forward(guest: Guest, host: str, port: int) -> SSHTCPStreamSession[bytes]:
    """Open a connection from inside a guest, for `ssh -L` and `ssh -D`."""
    init = await guest.init()
    argv = ["/usr/bin/python3", "-I", "-c", FORWARD, host, str(port)]
    try:
        command = await init.spawn(argv, environment={"PATH": PATH})
        first = await command.stdout.read()
    except LOST as error:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, str(error)) from None
    if not first:
        command.close()
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "Connection refused")

    async def relay(reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> None:
        sending = asyncio.create_task(_send(reader, command))
        try:
            writer.write(first[1:])
            await _copy(command.stdout, writer)
        finally:
            sending.cancel()
            command.close()
            writer.close()

    return SSHTCPStreamSession[bytes](relay)


async def _send(reader: asyncssh.SSHReader[bytes], command: Command) -> None:
    with contextlib.suppress(*LOST):
        while piece := await reader.read(65_536):
            await command.stdin.write(piece)
    command.stdin.close()


async def _connect(process: asyncssh.SSHServerProcess[bytes], command: Command) -> None:
    """Carry bytes both ways until the command has ended and said everything, or the client has gone."""
    outputs = [_copy(command.stdout, process.stdout)]
    if command.stderr is not None:
        outputs.append(_copy(command.stderr, process.stderr))
    feeding = asyncio.create_task(_feed(process, command))
    ending: asyncio.Future[t.Any] = asyncio.gather(*outputs)
    leaving: asyncio.Future[t.Any] = asyncio.create_task(process.channel.wait_closed())
    telling = asyncio.create_task(_tell_how_it_ended(process, command))
    all_said = asyncio.gather(ending, telling)
    try:
        await asyncio.wait([all_said, leaving], return_when=asyncio.FIRST_COMPLETED)
        if all_said.done():
            process.close()
    finally:
        for task in (feeding, all_said, leaving):
            task.cancel()
        await asyncio.gather(feeding, all_said, leaving, return_exceptions=True)
        command.close()


async def _tell_how_it_ended(process: asyncssh.SSHServerProcess[bytes], command: Command) -> None:
    """End immediately, as OpenSSH does, although orphaned processes may have more output."""
    returncode = await command.wait()
    with contextlib.suppress(*LOST):
        if returncode < 0:
            name = signal.Signals(-returncode).name.removeprefix("SIG")
            payload = asyncssh.packet.String(name) + asyncssh.packet.Boolean(False) + asyncssh.packet.String("") * 2
            process.channel._send_request(b"exit-signal", payload)
        else:
            process.channel._send_request(b"exit-status", asyncssh.packet.UInt32(returncode & 0xFF))


def _arguments(process: asyncssh.SSHServerProcess[bytes], user: User) -> list[str]:
    if process.subsystem:
        return [user.shell, "-c", SFTP_SERVER]
    return [user.shell, "-c", process.command] if process.command is not None else [user.shell]


def _environment(
    guest: Guest, process: asyncssh.SSHServerProcess[bytes], user: User, patterns: list[str]
) -> dict[str, str]:
    accepted = {name: value for name, value in process.env.items() if any(fnmatchcase(name, each) for each in patterns)}
    peer, here = (process.channel.get_extra_info(name) for name in ("peername", "sockname"))
    session = {
        "HOME": user.home,
        "USER": user.name,
        "LOGNAME": user.name,
        "SHELL": user.shell,
        "PATH": PATH,
        "SSH_CLIENT": f"{peer[0]} {peer[1]} {here[1]}",
        "SSH_CONNECTION": f"{peer[0]} {peer[1]} {here[0]} {here[1]}",
    }
    if process.term_type is not None:
        session["TERM"] = process.term_type
    return {**guest.environment, **session, **accepted}


async def _copy(source: Stream, target: asyncssh.SSHWriter[bytes]) -> None:
    with contextlib.suppress(*LOST):
        while piece := await source.read():
            target.write(piece)
            await target.drain()


async def _feed(process: asyncssh.SSHServerProcess[bytes], command: Command) -> None:
    with contextlib.suppress(*LOST):
        while True:
            try:
                piece = await process.stdin.read(65_536)
            except asyncssh.TerminalSizeChanged as change:
                size = struct.pack("HHHH", change.height, change.width, 0, 0)
                fcntl.ioctl(command.stdin.fileno(), termios.TIOCSWINSZ, size)
                continue
            except asyncssh.SignalReceived as received:
                await command.signal(signal.Signals[f"SIG{received.signal}"])
                continue
            except asyncssh.BreakReceived:
                continue
            if not piece:
                break
            await command.stdin.write(piece)
    if command.stderr is not None:
        command.stdin.close()  # a terminal stays open: its programs see the end when the session ends
