# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process of ours reads and writes, passed on as it comes."""

from __future__ import annotations

import os
import select
import selectors
import typing as t

if t.TYPE_CHECKING:
    import subprocess

CHUNK = 65536

# What a command wrote: 1 for stdout, 2 for stderr, and the bytes; no bytes are the end of it.
Receive = t.Callable[[int, bytes], object]


def pump(process: subprocess.Popen[bytes], stdin: bytes, receive: Receive) -> None:
    """Give a process its input, and pass on what it writes, until it has closed both outputs."""
    left = memoryview(stdin)
    with selectors.DefaultSelector() as ready:
        for number, stream in ((1, process.stdout), (2, process.stderr)):
            ready.register(t.cast("t.IO[bytes]", stream), selectors.EVENT_READ, number)
        if process.stdin:
            os.set_blocking(process.stdin.fileno(), False)
            ready.register(process.stdin, selectors.EVENT_WRITE, 0)
        while ready.get_map():
            for key, _events in ready.select():
                more = True
                if key.data:
                    chunk = os.read(key.fd, CHUNK)
                    more = bool(chunk)
                    receive(key.data, chunk)
                else:
                    try:
                        left = left[os.write(key.fd, left[:CHUNK]) :]
                        more = bool(left)
                    except BrokenPipeError:
                        # The command ended without reading all of it, which is its right.
                        more = False
                if not more:
                    ready.unregister(key.fileobj)
                    t.cast("t.IO[bytes]", key.fileobj).close()


def nobody_reads() -> bool:
    """Whether whoever reads what we write has gone: that ends a command as well, and is no news."""
    poll = select.poll()
    poll.register(1, 0)
    return bool(poll.poll(0))
