# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs programs in forks of processes that have loaded their code; see fork_server.py."""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SERVER = Path(__file__).with_name("fork_server.py")
BACKLOG = 64
OPTIONS = {"pixels": ["-P", "-S"], "ansible": ["-P"]}
"""Of the interpreter, as the programs start it themselves."""

MEASURING = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
"""Variables by which coverage measures other processes too."""

Ended = subprocess.CompletedProcess[str]


class Running:
    """A fork that runs the program, with what tests use of a `Popen`."""

    def __init__(
        self,
        pid: int,
        files: t.Sequence[t.Any],
        connection: socket.socket,
        responses: t.IO[str],
        closing: contextlib.ExitStack,
    ) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin, self.stdout, self.stderr = files
        self.closing = closing
        """Closes what is open here."""
        self._connection = connection
        self._responses = responses

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_error: object) -> None:
        self.closing.close()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a fork", timeout or 0)
            self.returncode = int(self._responses.readline())
        return self.returncode

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def communicate(self, content: bytes = b"", timeout: float | None = None) -> tuple[bytes, bytes]:
        """Write all input, read all output, wait for the end and close everything."""
        outputs = [stream for stream in (self.stdout, self.stderr) if stream]
        threads = ThreadPoolExecutor(3)
        if self.stdin:
            threads.submit(write_all, self.stdin, content)
        reading = [threads.submit(stream.read) for stream in outputs]
        threads.shutdown(wait=False)
        try:
            read = [future.result(timeout) for future in reading]
        except TimeoutError:
            raise subprocess.TimeoutExpired("a fork", timeout or 0) from None
        self.wait(timeout)
        self.closing.close()
        out, err = (read.pop(0) if stream else b"" for stream in (self.stdout, self.stderr))
        return out, err


class Prepared:
    """A process that has loaded a program, and runs it in forks of itself.

    `environment` is that of the process: what the program reads while it is loaded.
    """

    def __init__(self, program: str, environment: t.Mapping[str, str] | None = None) -> None:
        self._folder = tempfile.mkdtemp(prefix="px-")
        self._path = f"{self._folder}/socket"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._path)
            listener.listen(BACKLOG)
            self._process = subprocess.Popen(
                [sys.executable, *OPTIONS[program], str(SERVER), program, str(listener.fileno())],
                stdin=subprocess.PIPE,
                pass_fds=[listener.fileno()],
                env=None if environment is None else {**MEASURING, **environment, "HOME": self._folder},
            )

    def run(
        self,
        arguments: t.Sequence[str],
        environment: t.Mapping[str, str],
        *,
        stdin: str = "",
        directory: Path | None = None,
        seconds: float,
    ) -> Ended:
        """Run the program to its end. Raises TimeoutError, and kills it, after so many seconds."""
        running = self.start(arguments, environment, directory=directory, stdin=subprocess.PIPE)
        try:
            out, err = running.communicate(stdin.encode(), timeout=seconds)
        except subprocess.TimeoutExpired as expired:
            running.send_signal(signal.SIGKILL)
            raise TimeoutError from expired
        return Ended(list(arguments), running.wait(), as_text(out), as_text(err))

    def start(
        self,
        arguments: t.Sequence[str],
        environment: t.Mapping[str, str],
        *,
        directory: Path | None = None,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        session: str = "inherited",
    ) -> Running:
        """Begin the program. The streams are as those of `Popen`; for `session` see fork_server.py."""
        request = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "directory": str(directory or Path.cwd()),
            "session": session,
        }
        with contextlib.ExitStack() as passed, contextlib.ExitStack() as ours:
            theirs, files = [], []
            for number, stream in enumerate((stdin, stdout, stderr)):
                if stream == subprocess.PIPE:
                    ends = os.pipe()
                    theirs.append(ends[0 if number == 0 else 1])
                    passed.callback(os.close, theirs[-1])
                    files.append(ours.enter_context(open(ends[1 if number == 0 else 0], "rb" if number else "wb")))
                elif stream == subprocess.DEVNULL:
                    theirs.append(os.open(os.devnull, os.O_RDWR))
                    passed.callback(os.close, theirs[-1])
                    files.append(None)
                else:
                    theirs.append(stream)
                    files.append(None)
            connection = ours.enter_context(socket.socket(socket.AF_UNIX))
            connection.connect(self._path)
            socket.send_fds(connection, [json.dumps(request).encode()], theirs)
            responses = ours.enter_context(connection.makefile("r"))
            running = Running(int(responses.readline()), files, connection, responses, ours)
            running.closing = ours.pop_all()
        return running

    def close(self) -> None:
        self._process.communicate()
        shutil.rmtree(self._folder)


def write_all(stream: t.IO[bytes], content: bytes) -> None:
    """Write all, or as much as is read, and close."""
    with contextlib.suppress(BrokenPipeError), stream:
        stream.write(content)


def as_text(content: bytes) -> str:
    """Decode an output as `subprocess.run(text=True)` does."""
    return io.TextIOWrapper(io.BytesIO(content), newline=None).read()


@functools.cache
def prepared(program: str, environment: tuple[tuple[str, str], ...] | None = None) -> Prepared:
    """Return the one of this test process for a program and an environment."""
    process = Prepared(program, None if environment is None else dict(environment))
    atexit.register(process.close)
    return process
