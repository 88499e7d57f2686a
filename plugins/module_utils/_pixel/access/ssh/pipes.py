# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The input and the outputs of a child process, copied as they arrive, and the standard output of this process."""

from __future__ import annotations

import fcntl
import os
import select
import selectors
import stat
import sys
import typing as t

if t.TYPE_CHECKING:
    import subprocess

CHUNK_BYTES = 65536

STDOUT = "standard output"
"""Name in errors of writing to it. `_cli/output.py` recognizes it under the same name."""

Receive = t.Callable[[int, bytes], object]
"""Called with 1 for stdout or 2 for stderr, and the bytes that were written; no bytes are the end of that output."""


def pump(process: subprocess.Popen[bytes], stdin: bytes | None, receive: Receive) -> None:
    """Write `stdin` to a process and pass its outputs to `receive`, until it has closed them.

    Outputs that are not pipes are ignored. With `None` for `stdin`, so is its input.
    """
    left = memoryview(stdin or b"")
    with selectors.DefaultSelector() as selector:
        for number, stream in ((1, process.stdout), (2, process.stderr)):
            if stream:
                selector.register(stream, selectors.EVENT_READ, number)
        if process.stdin and stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE, 0)
        while selector.get_map():
            for key, _events in selector.select():
                more = True
                if key.data:
                    chunk = os.read(key.fd, CHUNK_BYTES)
                    more = bool(chunk)
                    receive(key.data, chunk)
                else:
                    try:
                        left = left[os.write(key.fd, left[:CHUNK_BYTES]) :]
                        more = bool(left)
                    except BrokenPipeError:
                        # The command ended without reading all of its input, which is no error.
                        more = False
                if not more:
                    selector.unregister(key.fileobj)
                    t.cast("t.IO[bytes]", key.fileobj).close()


def is_reliable_output() -> bool:
    """Return whether ssh can write to the standard output itself. It does not report errors such as a full disk.

    Writing to a terminal, a pipe, a socket or /dev/null fails only after its reader has closed it.
    """
    try:
        status = os.fstat(1)
        if fcntl.fcntl(1, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            return False
        null = os.stat(os.devnull)
    except OSError:
        return False
    is_stream = stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode) or os.isatty(1)
    return is_stream or (stat.S_ISCHR(status.st_mode) and status.st_rdev == null.st_rdev)


def write_stdout(content: bytes) -> None:
    """Write to standard output without buffering. Raises `OSError` that names it."""
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, STDOUT) from None


def stdout_closed() -> bool:
    """Return whether the reader of the standard output has closed it, which ends a command as well."""
    poll = select.poll()
    poll.register(1, 0)
    return bool(poll.poll(0))
