# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb exec: a command in a pixel as if it ran here, or in many of them at once."""

from __future__ import annotations

import contextlib
import sys
import threading
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    NotFound,
    PixelsError,
    Refused,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._command import inside, targets
from ansible_collections.pixels.truenas.plugins.module_utils._command.output import FAILED, failure, leave_at_once
from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names, openssh, relaying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output

CONCURRENCY = 16
# Seconds after which it is seen that there was a signal.
TURN = 0.2


class Ended(t.NamedTuple):
    """How a command ended in one pixel."""

    name: str
    rc: int
    heard: Kept | None = None
    error: PixelsError | None = None


def execute(asked: argparse.Namespace, output: Output) -> int:
    place = Place(asked, output)
    if len(asked.names) == 1 and not asked.all and not targets.is_pattern(asked.names[0]) and not output.json:
        return in_one(place, asked.names[0], asked)
    return in_many(place, asked.names, asked)


def in_one(place: Place, name: str, asked: argparse.Namespace) -> int:
    """Input and outputs are ours, and stream as they come; the exit status is the command's."""
    command = Command(tuple(asked.command), environment=dict(place.ssh.variables))
    if place.ssh.transport == "shell":
        return by_shell(place, name, command, terminal=asked.tty)
    try:
        return over_ssh(place, name, command, asked)
    except TimedOut as late:
        # No SSH server answered in all that time, so nothing was begun.
        if place.ssh.transport == "ssh":
            raise
        place.output.detail(f"{late}: going through the shell of {place.nas}")
    return by_shell(place, name, command, terminal=asked.tty)


def by_shell(place: Place, name: str, command: Command, *, terminal: bool) -> int:
    from ansible_collections.pixels.truenas.plugins.module_utils._command import through_nas

    return through_nas.run(place, name, command, terminal=terminal)


def over_ssh(place: Place, name: str, command: Command, asked: argparse.Namespace) -> int:
    if openssh.program() is None:
        from ansible_collections.pixels.truenas.plugins.module_utils._command import without_openssh

        return without_openssh.run(place, name, command, terminal=asked.tty)
    return inside.run(place, name, command, terminal=asked.tty)


def in_many(place: Place, wanted: t.Sequence[str], asked: argparse.Namespace) -> int:
    """Each line of output comes as it is written, behind the pixel's name; the worst exit status wins."""
    if asked.tty:
        asked.parser.error("a terminal can be given to one pixel only")
    chosen = targets.find(place.pixels, wanted, everything=asked.all)
    # Of a pattern, those that run; who names one by its name wants to know that it does not.
    named = {names.full_name(word) for word in wanted if not targets.is_pattern(word)}
    full = [each.name for each in chosen.found if each.running or each.name in named]
    stdin = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read()
    command = Command(tuple(asked.command), stdin=stdin, environment=dict(place.ssh.variables))
    ended, complete = run_all(place, full, command)
    ended.extend(Ended("", FAILED, error=error) for error in chosen.missing)
    if not ended:
        raise NotFound(f"of the pixels that are meant, none runs on {place.nas}")
    tell(place.output, ended)
    status = max(each.rc for each in ended)
    return status if complete else leave_at_once(status)


def run_all(place: Place, full: t.Sequence[str], command: Command) -> tuple[list[Ended], bool]:
    """How it ended in each, and whether that is all: after a signal nobody waits for those that have not begun."""
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

    lock = threading.Lock()

    def one(name: str) -> Ended:
        bare = names.bare_name(name)
        heard = Kept() if place.output.json else Lines(bare, lock)
        try:
            rc = run_in(place, name, command, heard, relay)
        except PixelsError as error:
            return Ended(bare, FAILED, error=error)
        return Ended(bare, rc, heard)

    with relaying.Relay() as relay:
        pool = ThreadPoolExecutor(max_workers=CONCURRENCY)
        futures = {name: pool.submit(one, name) for name in full}
        pending = set(futures.values())
        try:
            while pending and (relay.running or not relay.number):
                done, pending = wait(pending, timeout=TURN, return_when=FIRST_EXCEPTION)
                for each in done:
                    each.result()
        except OSError:
            # Nobody reads any more.
            relay.hang_up()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        stopped = 128 + (relay.number or 0)
        return [
            futures[name].result() if futures[name] not in pending else not_begun(names.bare_name(name), stopped)
            for name in full
        ], not pending


def not_begun(bare: str, status: int) -> Ended:
    return Ended(bare, status, error=Refused(f"interrupted before the command began in {bare}"))


def run_in(place: Place, name: str, command: Command, heard: Kept, relay: relaying.Relay) -> int:
    if place.ssh.transport == "shell" or openssh.program() is None:
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel import entering

        with entering.enter(place.pixels, name, place.ssh) as shell:
            ended = shell.run(command)
        for number, content in ((1, ended.stdout), (2, ended.stderr)):
            heard(number, content)
            heard(number, b"")
        return ended.rc
    return inside.run(place, name, command, stdin=command.stdin, receive=heard, relay=relay)


class Kept:
    """What a command wrote, all of it."""

    def __init__(self) -> None:
        self.written = {1: bytearray(), 2: bytearray()}

    def __call__(self, number: int, chunk: bytes) -> None:
        self.written[number] += chunk


class Lines(Kept):
    """Writes each line behind the name of its pixel once it is complete, its bytes untouched."""

    def __init__(self, name: str, lock: threading.Lock) -> None:
        super().__init__()
        self._prefix = f"{name}: ".encode()
        self._lock = lock

    def __call__(self, number: int, chunk: bytes) -> None:
        left = self.written[number]
        left += chunk
        if b"\n" not in chunk and (chunk or not left):
            return
        *lines, rest = left.split(b"\n")
        # A last line without an end gets one.
        self.written[number] = rest if chunk else bytearray()
        if lines := lines if chunk else [rest]:
            with self._lock:
                write(number, b"".join(self._prefix + line + b"\n" for line in lines))


def write(number: int, content: bytes) -> None:
    if number == 1:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    with contextlib.suppress(OSError):
        sys.stderr.buffer.write(content)
        sys.stderr.flush()


def tell(output: Output, ended: t.Sequence[Ended]) -> None:
    if output.json:
        output.give([as_json(each) for each in ended])
    for each in ended:
        if each.error:
            output.complain(f"Error: {each.error}")


def as_json(ended: Ended) -> dict[str, t.Any]:
    """Bytes that are no text are shown as replacement characters."""
    if ended.error:
        return {"name": ended.name or None, "error": failure(ended.error)}
    written = ended.heard.written if ended.heard else {}
    return {
        "name": ended.name,
        "rc": ended.rc,
        "stdout": written.get(1, bytearray()).decode("utf-8", "replace"),
        "stderr": written.get(2, bytearray()).decode("utf-8", "replace"),
    }
