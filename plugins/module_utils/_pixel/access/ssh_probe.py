# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out whether an SSH server answers at an address, which decides the transport with `auto`."""

from __future__ import annotations

import re
import socket
import threading
import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.ssh_answers import SshAnswers

PROBE_TIMEOUT_S = 0.5
"""For the greeting of a server where none has answered before."""
CONNECT_TIMEOUT_S = 0.1
"""For the connection to it. The kernel of a pixel answers within the round-trip time, however busy the pixel is."""
MIN_CONNECT_TIMEOUT_S = 0.02
"""The same for a pixel of a NAS that replied sooner: a pixel is as far away."""
RETURN_TIMEOUT_S = 10.0
"""For a server that has answered before: the pixel may be booting."""
RECHECK_TIMEOUT_S = 5.0

# A server may send other lines before the one that identifies it (RFC 4253, 4.2).
IDENTIFICATION = re.compile(rb"^SSH-.*", re.MULTILINE | re.DOTALL)
GREETING_LIMIT = 16 * 1024


class NoSshServer(Exception):
    """Raised with transport `auto` if no SSH server answers, so that the web shell is used."""


def uses_ssh(
    notes: SshAnswers, pixel: str, address: str, port: int, *, connect_timeout: float = CONNECT_TIMEOUT_S
) -> bool:
    """Return whether transport `auto` uses SSH, within `PROBE_TIMEOUT_S`; `connect_timeout` is in seconds.

    A port that did not answer before is probed in the background, for the next command.
    """
    known = notes.find(pixel, address, port)
    if known is None:
        return probe(notes, pixel, address, port, connect_timeout=connect_timeout)
    if not known:
        threading.Thread(target=recheck, args=(notes, pixel, address, port), daemon=True).start()
    return known


def answers_again(notes: SshAnswers, pixel: str, address: str, port: int) -> bool:
    """Wait `RETURN_TIMEOUT_S` for a server that has answered before; return whether it answers again."""
    back = Deadline(RETURN_TIMEOUT_S).wait_until(lambda: greeting(address, port), longest=0.5) is not None
    notes.note(pixel, address, port, answered=back)
    return back


def connect_timeout_after(reply_s: float) -> float:
    """Return how long to wait for the connection to a pixel whose NAS took `reply_s` seconds for a request.

    A request takes the round-trip time to the NAS at least.
    """
    return min(max(reply_s, MIN_CONNECT_TIMEOUT_S), CONNECT_TIMEOUT_S)


def probe(notes: SshAnswers, pixel: str, address: str, port: int, *, connect_timeout: float) -> bool:
    """Return whether a server answers within `PROBE_TIMEOUT_S`, and record the answer."""
    try:
        answered = read_greeting(address, port, PROBE_TIMEOUT_S, connect_timeout=connect_timeout) is not None
    except TimeoutError:
        notes.note(pixel, address, port, answered=False)
        return False
    except OSError:
        # A refused connection costs no time, so it is not recorded.
        return False
    if answered:
        notes.note(pixel, address, port, answered=True)
    return answered


def recheck(notes: SshAnswers, pixel: str, address: str, port: int) -> None:
    """Record a server that answers within `RECHECK_TIMEOUT_S`."""
    if greeting(address, port, timeout=RECHECK_TIMEOUT_S):
        notes.note(pixel, address, port, answered=True)


def greeting(address: str, port: int, *, timeout: float = 2.0) -> bytes | None:
    """Return the identification of an SSH server; None if none answers within `timeout` seconds."""
    try:
        return read_greeting(address, port, timeout)
    except OSError:
        return None


def read_greeting(address: str, port: int, timeout: float, *, connect_timeout: float | None = None) -> bytes | None:
    """Return the identification of an SSH server (RFC 4253, section 4.2); None for a server of another kind.

    Raises `TimeoutError` if nothing answers, and other kinds of `OSError` if the connection is refused.
    """
    until = time.monotonic() + timeout
    received = b""
    with socket.create_connection((address, port), timeout=connect_timeout or timeout) as connection:
        while len(received) < GREETING_LIMIT:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
            piece = connection.recv(1024)
            received += piece
            if found := IDENTIFICATION.search(received):
                return found[0]
            if not piece:
                return None
    return None
