# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb exec: a command in a pixel as if it ran here, or in many of them at once."""

from __future__ import annotations

import sys
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound, PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._command import inside, targets
from ansible_collections.pixels.truenas.plugins.module_utils._command.output import failure
from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names, openssh
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output

CONCURRENCY = 16
FAILED = 1


class Ended(t.NamedTuple):
    """How a command ended in one pixel."""

    name: str
    rc: int
    stdout: bytes = b""
    stderr: bytes = b""
    error: PixelsError | None = None


def execute(asked: argparse.Namespace, output: Output) -> int:
    place = Place(asked, output)
    if len(asked.names) == 1 and not asked.all and not targets.is_pattern(asked.names[0]) and not output.json:
        return in_one(place, asked.names[0], asked)
    return in_many(place, asked.names, asked)


def in_one(place: Place, name: str, asked: argparse.Namespace) -> int:
    """Input and outputs are ours, and stream as they come; the exit status is the command's."""
    command = Command(tuple(asked.command))
    if openssh.program() is None:
        from ansible_collections.pixels.truenas.plugins.module_utils._command import without_openssh

        return without_openssh.run(place, name, command, terminal=asked.tty)
    rc, _stdout, _stderr = inside.run(place, name, command, terminal=asked.tty)
    return rc


def in_many(place: Place, wanted: t.Sequence[str], asked: argparse.Namespace) -> int:
    """Output is prefixed by the pixel's name, line by line; the worst exit status wins."""
    if asked.tty:
        asked.parser.error("a terminal can be given to one pixel only")
    chosen = targets.find(place.pixels, wanted, everything=asked.all)
    # Of a pattern, those that run; who names one by its name wants to know that it does not.
    named = {names.full_name(word) for word in wanted if not targets.is_pattern(word)}
    full = [each.name for each in chosen.found if each.running or each.name in named]
    stdin = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read()
    ended = run_all(place, full, Command(tuple(asked.command), stdin=stdin))
    ended.extend(Ended("", FAILED, error=error) for error in chosen.missing)
    tell(place.output, ended)
    if not ended:
        raise NotFound(f"of the pixels that are meant, none runs on {place.nas}")
    return max(each.rc for each in ended)


def run_all(place: Place, full: t.Sequence[str], command: Command) -> list[Ended]:
    from concurrent.futures import ThreadPoolExecutor

    def one(name: str) -> Ended:
        bare = names.bare_name(name)
        try:
            return Ended(bare, *run_in(place, name, command))
        except PixelsError as error:
            return Ended(bare, FAILED, error=error)

    with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
        return list(pool.map(one, full))


def run_in(place: Place, name: str, command: Command) -> tuple[int, bytes, bytes]:
    if openssh.program() is None:
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel import entering

        with entering.enter(place.pixels, name, place.ssh) as shell:
            ended = shell.run(command)
        return ended.rc, ended.stdout, ended.stderr
    return inside.run(place, name, command, stdin=command.stdin, capture=True)


def tell(output: Output, ended: t.Sequence[Ended]) -> None:
    if output.json:
        output.give([as_json(each) for each in ended])
    for each in ended:
        if not output.json:
            write(sys.stdout, each.name, each.stdout)
            write(sys.stderr, each.name, each.stderr)
        if each.error:
            output.complain(f"Error: {each.error}")


def write(stream: t.TextIO, name: str, content: bytes) -> None:
    """Each line behind the name of its pixel, its bytes untouched."""
    for line in content.splitlines(keepends=True):
        end = b"" if line.endswith((b"\n", b"\r")) else b"\n"
        stream.buffer.write(f"{name}: ".encode() + line + end)
    stream.flush()


def as_json(ended: Ended) -> dict[str, t.Any]:
    """Bytes that are no text are shown as replacement characters."""
    if ended.error:
        return {"name": ended.name or None, "error": failure(ended.error)}
    return {
        "name": ended.name,
        "rc": ended.rc,
        "stdout": ended.stdout.decode("utf-8", "replace"),
        "stderr": ended.stderr.decode("utf-8", "replace"),
    }
