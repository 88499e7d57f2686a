# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in the virtual machine: does as its root what the simulator asks for, over connections from the network it has.

The first line of a connection is JSON: `{"incus": true}` makes it one to the socket of Incus; `{"run": [...]}` runs a
command and answers with one line; `{"terminal": [...]}` runs one in a terminal, whose bytes follow; `{"files": [...]}`
reads or writes files. There is no login: only the namespace of the tests has a route here.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import fcntl
import json
import os
import pty
import signal
import socket
import stat
import struct
import termios
import typing as t

PORT = 7777
INCUS = "/var/lib/incus/unix.socket"
CHUNK = 65536
LIMIT = 16 * 1024**2
"""The longest line in bytes: a request with a file in it."""

Handler = t.Callable[[t.Any, asyncio.StreamReader, asyncio.StreamWriter], t.Awaitable[None]]
TERMINALS: dict[str, int] = {}
"""The terminals that are open, by the names that were given to them, and their file descriptors."""


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        line = await reader.readline()
        if line:
            request = json.loads(line)
            (kind,) = HANDLERS.keys() & request.keys()
            await HANDLERS[kind](request, reader, writer)
    writer.close()


def answer(writer: asyncio.StreamWriter, reply: t.Any) -> None:
    writer.write(json.dumps(reply).encode() + b"\n")


async def connect_incus(request: t.Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        from_incus, to_incus = await asyncio.open_unix_connection(INCUS)
    except OSError:
        return
    await asyncio.gather(copy(reader, to_incus), copy(from_incus, writer))
    to_incus.close()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until there is no more to read."""
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def run(request: t.Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    stdin = base64.b64decode(request.get("stdin", ""))
    process = await asyncio.create_subprocess_exec(
        *request["run"], stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    stdout, stderr = await process.communicate(stdin)
    answer(writer, [process.returncode, base64.b64encode(stdout).decode(), base64.b64encode(stderr).decode()])


# terminals, as apps/webshell_app.py of the middleware makes them


async def run_in_terminal(request: t.Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    pid, master = pty.fork()
    if not pid:
        os.chdir("/root")
        os.execve("/usr/bin/env", ["/usr/bin/env", *request["terminal"]], request["environment"])
    TERMINALS[request["name"]] = master
    os.set_blocking(master, False)
    output = asyncio.create_task(send_output(master, writer))
    typed = asyncio.create_task(take_input(master, reader))
    await asyncio.wait({output, typed}, return_when=asyncio.FIRST_COMPLETED)
    for task in (output, typed):
        task.cancel()
    await asyncio.wait({output, typed})
    del TERMINALS[request["name"]]
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    os.close(master)
    await asyncio.to_thread(os.waitpid, pid, 0)


async def ready(master: int, *, to_write: bool) -> None:
    loop, happened = asyncio.get_running_loop(), asyncio.Event()
    add, remove = (loop.add_writer, loop.remove_writer) if to_write else (loop.add_reader, loop.remove_reader)
    add(master, happened.set)
    try:
        await happened.wait()
    finally:
        remove(master)


async def send_output(master: int, writer: asyncio.StreamWriter) -> None:
    """Until no program has the terminal open, which is EIO."""
    while True:
        await ready(master, to_write=False)
        try:
            data = os.read(master, CHUNK)
        except BlockingIOError:
            continue
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return
        if not data:
            return
        writer.write(data)
        await writer.drain()


async def take_input(master: int, reader: asyncio.StreamReader) -> None:
    while data := await reader.read(CHUNK):
        while data:
            try:
                data = data[os.write(master, data) :]
            except BlockingIOError:
                await ready(master, to_write=True)


async def resize(request: t.Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    name, columns, rows = request["resize"]
    if name in TERMINALS:
        fcntl.ioctl(TERMINALS[name], termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    answer(writer, name in TERMINALS)


# files


async def use_files(request: t.Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """`[NAME, ARGUMENTS...]`; the answer is `[null, RESULT]`, or `[ERRNO, TEXT]`."""
    name, *arguments = request["files"]
    try:
        answer(writer, [None, FILES[name](*arguments)])
    except OSError as error:
        answer(writer, [error.errno, error.strerror])


def look(path: str) -> list[t.Any] | None:
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    target = os.readlink(path) if stat.S_ISLNK(found.st_mode) else None
    return [found.st_size, found.st_mode, found.st_uid, found.st_gid, found.st_mtime, target, os.path.ismount(path)]


def read(path: str) -> str:
    with open(path, "rb") as file:
        return base64.b64encode(file.read()).decode()


def write(path: str, content: str, append: bool, mode: int | None, uid: int, gid: int) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "ab" if append else "wb") as file:
        file.write(base64.b64decode(content))
    if mode:
        os.chmod(path, mode)
    os.chown(path, uid, gid)


HANDLERS: dict[str, Handler] = {
    "incus": connect_incus,
    "run": run,
    "terminal": run_in_terminal,
    "resize": resize,
    "files": use_files,
}
FILES: dict[str, t.Callable[..., t.Any]] = {
    "look": look,
    "names": os.listdir,
    "real": os.path.realpath,
    "read": read,
    "write": write,
}


async def main() -> None:
    listener = socket.create_server(("0.0.0.0", PORT), backlog=100)
    server = await asyncio.start_server(serve, sock=listener, limit=LIMIT)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
