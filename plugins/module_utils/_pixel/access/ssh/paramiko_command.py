# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One command on a paramiko connection: its input, its outputs and its exit status."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
import typing as t
from functools import partial

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import (
    Abandoned,
    Command,
    Result,
    Streams,
    for_any_shell,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import SshTarget, runs_nothing

# ParamikoClient, the only user of this file, reports a missing library.
with contextlib.suppress(ImportError):
    import paramiko

CHUNK_BYTES = 64 * 1024


class RunningCommand:
    """A command that runs on a channel. Threads read both outputs, so that neither can block the command."""

    def __init__(self, channel: paramiko.Channel, command: Command, target: SshTarget, streams: Streams) -> None:
        self._channel = channel
        self._target = target
        self._streams = streams
        self.failure: OSError | Abandoned | None = None
        """The error of a callback of `streams`, after which the command has to be ended."""
        self._outputs: dict[str, bytes] = {}
        self._pid: int | None = None
        self._has_begun = threading.Event()
        self._marker = f"pixels-{secrets.token_hex(8)} ".encode("ascii")
        # The marked line holds the process group, which can be ended later; the output before it comes from start-up
        # files of the user's shell. `exit` keeps the shell running, and its exit status is the command's, with signals
        # as 128 and more: SSH has no such status for them.
        line = f"echo {self._marker.decode('ascii')}$$; {command.as_login_shell(target.user)}; exit $?"
        channel.exec_command(for_any_shell(line))
        stdout, stderr = (iter(partial(receive, CHUNK_BYTES), b"") for receive in (channel.recv, channel.recv_stderr))
        self._threads = [
            threading.Thread(target=self._write, args=(command.input,), daemon=True),
            threading.Thread(target=self._read, args=("stdout", self._behind_marker(stdout)), daemon=True),
            threading.Thread(target=self._read, args=("stderr", stderr), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def pid_within(self, seconds: float) -> int | None:
        """Return the process group of the command; None if it has not been reported within `seconds`."""
        self._has_begun.wait(seconds)
        return self._pid

    def wait(self, timeout: float | None) -> bool:
        """Return whether the command ended, and its outputs were closed, within `timeout` seconds.

        Processes that the command left in the background may keep the outputs open.
        """
        until = None if timeout is None else time.monotonic() + timeout
        if not self._channel.status_event.wait(timeout):
            return False
        if self.failure is not None:
            return True
        for thread in self._threads[1:]:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads[1:])

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def result(self) -> Result:
        """Return the result of a command that has ended.

        Raises `ConnectionLost`, and `ConnectionFailed` if the login shell ran no command.
        """
        rc = self._channel.recv_exit_status()
        self._channel.close()
        if rc >= 0 and self._pid is None:
            raise runs_nothing(self._target, rc)
        if rc < 0:
            raise ConnectionLost(f"the SSH connection to {self._target} broke off while the command ran")
        return Result(rc, self._outputs.get("stdout", b""), self._outputs.get("stderr", b""))

    def _write(self, stdin: bytes) -> None:
        try:
            # In pieces, because paramiko copies the rest of its argument after each packet.
            for start in range(0, len(stdin), CHUNK_BYTES):
                piece = stdin[start : start + CHUNK_BYTES]
                self._channel.sendall(piece)
                if self._streams.sent:
                    self._streams.sent(start + len(piece))
            while self._streams.more is not None and (more := self._streams.more()):
                self._channel.sendall(more)
            self._channel.shutdown_write()
        except Abandoned as abandoned:
            self._fail(abandoned)
        except (OSError, EOFError, paramiko.SSHException):
            # The command ended without reading all of its input, which is no error. `result` reports a lost connection.
            return

    def _behind_marker(self, pieces: t.Iterable[bytes]) -> t.Iterator[bytes]:
        """Yield the output that follows the marked line; all of it if there is no such line."""
        output = b""
        for piece in pieces:
            if self._has_begun.is_set():
                yield piece
                continue
            output += piece
            _before, marker, rest = output.partition(self._marker)
            number, end, rest = rest.partition(b"\n")
            if marker and end:
                self._pid = int(number) if number.strip().isdigit() else None
                self._has_begun.set()
                yield rest
        if not self._has_begun.is_set():
            self._has_begun.set()
            yield output

    def _read(self, name: str, pieces: t.Iterable[bytes]) -> None:
        sink = self._streams.out if name == "stdout" else self._streams.err
        if sink is None:
            self._outputs[name] = b"".join(pieces)
            return
        try:
            for piece in pieces:
                if piece:
                    sink(piece)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError | Abandoned) -> None:
        self.failure = error
        # Wakes `wait`, because the command may run for ever.
        self._channel.status_event.set()
