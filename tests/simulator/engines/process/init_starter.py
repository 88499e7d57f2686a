# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the first processes of guests come from: a process that has Python ready, for all engines of this one."""

from __future__ import annotations

import asyncio
import atexit
import os
import pathlib
import socket
import subprocess
import sys
import threading

from tests.simulator.engines.process.inside import wire

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ROOT_OF_TESTS = pathlib.Path(__file__).resolve().parents[4]
PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True; "
    "from tests.simulator.engines.process.inside.init_starter import main; sys.exit(main(int(sys.argv[2])))"
)


class Process:
    """A process that another one started; owns the descriptor that becomes readable at its end."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self._descriptor: int | None = descriptor

    async def wait(self) -> None:
        """Until it has ended."""
        if self._descriptor is None:
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._descriptor, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = None


class InitStarter:
    """Its process is there from the first time that it is needed until the end of this one."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes]

    def start(self, stage: pathlib.Path, control: socket.socket) -> Process:
        """Start a process in a directory, with a socket to the engine. Thread-safe; blocks for a moment."""
        with self._one_at_a_time:
            if self._line is None or self._process.poll() is not None:
                self._close()
                self._line = self._open()
            # Its output goes where that of this process goes now, and not where it went when the starter began.
            wire.send(self._line, {"stage": str(stage.resolve())}, [control.fileno(), 1, 2])
            started = wire.receive(self._line)
        if started is None:
            raise ConnectionResetError("the process that starts guests has ended")
        return Process(started.body["pid"], started.descriptors[0])

    def close(self) -> None:
        with self._one_at_a_time:
            self._close()

    def _open(self) -> socket.socket:
        line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", PROGRAM, str(ROOT_OF_TESTS), str(theirs.fileno())],
                env={"PATH": PATH, "LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        return line

    def _close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
            self._process.wait()


INIT_STARTER = InitStarter()
atexit.register(INIT_STARTER.close)
