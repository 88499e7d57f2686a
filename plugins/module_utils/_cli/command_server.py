# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command server: a process of the session daemon that has the code of all verbs loaded, and runs command lines.

The daemon passes on the connection of each client that wants a verb run and has proved that it has the secret. For
each, this process forks another one, which takes over the environment, the working directory and the open files of the
client (command_client.py). It runs the verb as the client would: with its configuration, and with calls over a
connection of its own to the session daemon. No process of the command server gets the secret of the session.

process: {"ready": true}
client:  {"words", "environment", "umask", "path", "streams", "surroundings"}, with its open files
process: {"started": true}                                            then it runs the verb, at most once
client:  {"interrupt": true}                                          after Ctrl-C
process: {"exit": status}
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._cli import arguments, command_client
from ansible_collections.pixels.truenas.plugins.module_utils._cli.main import main
from ansible_collections.pixels.truenas.plugins.module_utils._cli.nas_note import stamp
from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import INTERRUPTED
from ansible_collections.pixels.truenas.plugins.module_utils._cli.verb_parser import VerbParser

MODULE_UTILS = "ansible_collections.pixels.truenas.plugins.module_utils"

IMPORTED_LATE = (
    "_api.daemon.client",
    "_api.daemon.open_session",
    "_api.redaction",
    "_cli.command_server",
    "_cli.hints",
    "_pixel.common.memory_size",
    "_pixel.model.pixels",
    "_pixel.serialize",
    "_truenas.detect",
    "_truenas.image_list",
    "_truenas.image_registry",
    "_truenas.lxc_backend",
    "_truenas.snapshots",
    "_truenas.virt_devices",
)
"""What verbs import only where they need it."""
OTHERS_IMPORTED_LATE = ("concurrent.futures.thread", "difflib", "encodings.idna", "fnmatch", "subprocess", "tomllib")

REQUEST_TIMEOUT_S = 10.0
"""How long a client may take for its request."""
CHUNK_BYTES = 256 * 1024
FILES = 4
"""Standard input, output and error, and the working directory."""
FAILED = 1
FLUSH_FAILED = 120
"""The exit status of Python if it cannot write the rest of the output."""


def serve() -> None:
    """Serve the session daemon, whose socket is standard input, until it ends. Does not return."""
    preload()
    code = loaded_code()
    # No process for a command is waited for: it reports its exit status itself.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    daemon = socket.socket(fileno=0)
    daemon.sendall(b"\n")
    gc.freeze()
    while True:
        received, files, _flags, _address = socket.recv_fds(daemon, 1, 1)
        # Never run other code than the client would.
        if not received or loaded_code() != code:
            os._exit(0)
        if not os.fork():
            daemon.detach()
            return run(socket.socket(fileno=files[0]))
        os.close(files[0])


def preload() -> None:
    """Import what verbs need, except for libraries, whose location depends on the environment of the client."""
    for name in {f"_cli.{function.partition(':')[0]}" for function in functions(arguments.parser())} | {*IMPORTED_LATE}:
        importlib.import_module(f"{MODULE_UTILS}.{name}")
    for name in OTHERS_IMPORTED_LATE:
        importlib.import_module(name)


def functions(parser: VerbParser) -> t.Iterator[str]:
    """Yield the functions of all verbs and actions of a parser, as `module:name`."""
    for inner in parser.inner.values():
        yield from functions(inner)
        if function := inner.get_default("function"):
            yield function


def loaded_code() -> dict[str, list[int] | None]:
    """Return the state of each file of this collection that is loaded."""
    modules = [module for name, module in sys.modules.items() if name.startswith(MODULE_UTILS)]
    return {file: stamp(file) for file in (getattr(module, "__file__", None) for module in modules) if file}


def run(client: socket.socket) -> None:
    """Run the verb of a client in this process, and end it."""
    client.settimeout(REQUEST_TIMEOUT_S)
    try:
        request, files = receive(client)
        if request["surroundings"] != command_client.surroundings():
            os._exit(FAILED)
        take_over(request, files)
        obey(client)
        client.sendall(b'{"started": true}\n')
    except (OSError, ValueError, LookupError, TypeError):
        os._exit(FAILED)
    status = FAILED

    def leave() -> t.NoReturn:
        # The last function that runs at exit, since it is the first that is registered.
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        code = status
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                code = FLUSH_FAILED
        with contextlib.suppress(OSError):
            client.sendall(json.dumps({"exit": code}).encode() + b"\n")
        os._exit(code)

    atexit.register(leave)
    try:
        status = main(request["words"], leaves_note=False)
    except SystemExit as ended:
        # For example that of argparse. A text as its code means a failure.
        code = 0 if ended.code is None else ended.code
        status = code if isinstance(code, int) else FAILED
        raise
    except KeyboardInterrupt:
        # Reported by launch.py.
        status = INTERRUPTED
        raise
    raise SystemExit(status)


def receive(client: socket.socket) -> tuple[dict[str, t.Any], list[int]]:
    """Ask for the request of a client. Return it with the open files."""
    client.sendall(b'{"ready": true}\n')
    data, files, _flags, _address = socket.recv_fds(client, CHUNK_BYTES, FILES)
    pieces = [data]
    while pieces[-1] and not pieces[-1].endswith(b"\n"):
        pieces.append(client.recv(CHUNK_BYTES))
    return json.loads(b"".join(pieces)), files


def take_over(request: dict[str, t.Any], files: list[int]) -> None:
    """Make this process like the client: its environment, directory, streams and command line."""
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    *streams, directory = files
    os.fchdir(directory)
    os.close(directory)
    os.umask(request["umask"])
    sys.path[:] = request["path"]
    sys.argv[1:] = request["words"]
    opened: list[t.TextIO] = []
    for number, (mode, file, (encoding, errors)) in enumerate(zip("rww", streams, request["streams"], strict=True)):
        os.dup2(file, number)
        os.close(file)
        # Standard error is never buffered longer than a line.
        buffering = 1 if number == 2 or os.isatty(number) else -1
        stream = open(number, mode, buffering, encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115 (stays open)
        opened.append(t.cast("t.TextIO", stream))
    sys.stdin, sys.stdout, sys.stderr = opened
    for each in (signal.SIGCHLD, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def obey(client: socket.socket) -> None:
    """From now on, treat any data from the client as Ctrl-C, and end this process if the client ends."""

    def react(_signal: int, _frame: object) -> None:
        try:
            data = client.recv(CHUNK_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        if not data:
            os._exit(FAILED)
        raise KeyboardInterrupt

    signal.signal(signal.SIGIO, react)
    # Blocking from now on.
    client.settimeout(None)
    fcntl.fcntl(client, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(client, fcntl.F_SETFL, fcntl.fcntl(client, fcntl.F_GETFL) | os.O_ASYNC)
    # What arrived earlier causes no signal.
    poll = select.poll()
    poll.register(client, select.POLLIN)
    if poll.poll(0):
        react(signal.SIGIO, None)
