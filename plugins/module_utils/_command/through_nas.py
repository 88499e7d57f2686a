# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb exec through the shell of the NAS: in pixels that have no address, no SSH server or no key of ours."""

from __future__ import annotations

import sys
import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._command import inside
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.shell import NasShell

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command


def run(place: Place, name: str, command: Command, *, terminal: bool) -> int:
    """The command's exit status; its outputs come as it writes them, its input is read to the end first."""
    if terminal:
        raise Unsupported("a command gets no terminal through the shell of the NAS: leave -t out, or use SSH")
    found = inside.running(place, name)
    stdin = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read()
    with NasShell(place.pixels, found.name) as shell:
        return shell.run(replace(command, stdin=stdin), out=to(sys.stdout), err=to(sys.stderr)).rc


def to(stream: t.TextIO) -> t.Callable[[bytes], None]:
    def write(piece: bytes) -> None:
        stream.buffer.write(piece)
        stream.buffer.flush()

    return write
