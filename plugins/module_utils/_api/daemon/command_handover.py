# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pass connections of clients that want a command line run to the command server, a process that this daemon starts."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.identity import CODE_DIRECTORY

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client_handle import Client

COMMAND_DIRECTORY = os.path.join(os.path.dirname(os.path.dirname(CODE_DIRECTORY)), "_cli")
PROGRAM = os.path.join(COMMAND_DIRECTORY, "launch.py")
SERVE = "--serve"


class CommandHandover:
    """The command server, started by the first client that wants it. Its methods belong to the event loop."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._is_usable = os.path.isfile(PROGRAM)

    def pass_on(self, client: Client, program: object) -> bool:
        """Pass the connection of a client to the command server, for the code `program`. Return whether that was done.

        Until the command server has loaded its code, clients run their commands themselves.
        """
        if program != own_program() or not self._is_usable:
            return False
        if self._socket is None:
            self._start()
        if self._socket is None or not self._is_ready:
            return False
        try:
            client.pass_on(self._socket)
        except OSError:
            # Most likely it has ended, which `_read` notices, or it is busy.
            return False
        return True

    def close(self) -> None:
        """Let the command server end. The commands that it has started continue."""
        self._forget()
        self._is_usable = False

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function  # on the controller
                    [sys.executable, *(["-B"] if sys.dont_write_bytecode else []), "-PS", PROGRAM, SERVE],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                )
            except OSError:
                self._is_usable = False
                ours.close()
                return
        ours.settimeout(0)
        self._socket = ours
        asyncio.get_running_loop().add_reader(ours, self._read)

    def _read(self) -> None:
        """Note that the command server is ready, or that it has ended: the code has changed."""
        try:
            data = self._socket.recv(1) if self._socket else b""
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._is_ready = True
            return
        # One that cannot even load its code is not started again.
        self._is_usable = self._is_ready
        self._forget()

    def _forget(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
        if self._process is not None:
            # It ends immediately, and its process would remain as a zombie.
            asyncio.get_running_loop().run_in_executor(None, self._process.wait)
        self._socket, self._process, self._is_ready = None, None, False


def own_program() -> list[t.Any]:
    """Return the code of the command server and its Python, as `command_client.program` does."""
    return [os.path.realpath(COMMAND_DIRECTORY), os.path.dirname(sys.executable), sys.hexversion]
