# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files into a pixel and out of it, by any way in: all of a file or nothing, with a checksum that says so."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import secrets
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Shell

# Arguments: path, checksum, mode, owner; the last two may be empty. What is there stays as it was until all has come,
# and keeps its mode and owner unless others are asked for.
PUT = """\
set -e
umask 077
if [ -d "$1" ]; then echo "$1 is a folder" >&2; exit 1; fi
new=$1.pixels-$$
trap 'rm -f "$new"' EXIT
trap 'exit 1' HUP INT PIPE TERM
cat >"$new"
if [ "$(sha256sum <"$new")" != "$2  -" ]; then echo "it did not come as it was sent" >&2; exit 1; fi
mode=$3 owner=$4
if [ -e "$1" ]; then mode=${mode:-$(stat -Lc %a "$1")}; owner=${owner:-$(stat -Lc %u:%g "$1")}; fi
chmod "${mode:-644}" "$new"
[ -z "$owner" ] || chown "$owner" "$new"
mv -f "$new" "$1"
trap - EXIT
"""

GET = 'set -e; [ -f "$1" ] || { echo "$1 is no file" >&2; exit 1; }; cat "$1"'
# Of a file whose name it is told, it writes the checksum otherwise where the name has a backslash or a line break.
SUM = 'sha256sum <"$1"'


class NotTransferred(Exception):
    """The pixel, or this machine, did not take the file; the text says why."""


def put(shell: Shell, source: str, path: str, *, mode: str = "", owner: str = "") -> None:
    """Write a file of this machine to C(path) in the pixel; C(mode) is octal, C(owner) as chown takes it.

    Raises NotTransferred, and then what was at C(path) is still there.
    """
    with mapped(source) as content:
        checksum = hashlib.sha256(content).hexdigest()
        command = Command(("/bin/sh", "-c", PUT, "put", path, checksum, mode, owner), stdin=t.cast(bytes, content))
        ended = shell.run(command)
    if ended.rc:
        raise NotTransferred(f"{source} to {path}: {why(ended.stderr)}")


def put_bytes(shell: Shell, content: bytes, path: str, *, mode: str = "", owner: str = "") -> None:
    """The same for what is in no file."""
    checksum = hashlib.sha256(content).hexdigest()
    ended = shell.run(Command(("/bin/sh", "-c", PUT, "put", path, checksum, mode, owner), stdin=content))
    if ended.rc:
        raise NotTransferred(f"{path}: {why(ended.stderr)}")


def get(shell: Shell, path: str, target: str) -> None:
    """Write a file of the pixel to C(target) on this machine. Raises NotTransferred, and then nothing was written."""
    unfinished = f"{target}.{secrets.token_hex(4)}"
    digest = hashlib.sha256()
    try:
        with open(unfinished, "xb") as file:

            def take(piece: bytes) -> None:
                digest.update(piece)
                file.write(piece)

            ended = shell.run(Command(("/bin/sh", "-c", GET, "get", path)), out=take)
        if ended.rc:
            raise NotTransferred(f"{path}: {why(ended.stderr)}")
        there = shell.run(Command(("/bin/sh", "-c", SUM, "sum", path))).stdout.split()
        if there[:1] != [digest.hexdigest().encode("ascii")]:
            raise NotTransferred(f"{path}: it did not come as it is, or was written to meanwhile")
        os.replace(unfinished, target)
    except OSError as error:
        raise NotTransferred(f"{path} to {target}: {error.strerror}") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished)


@contextlib.contextmanager
def mapped(source: str) -> t.Iterator[bytes | mmap.mmap]:
    """What is in a file, without reading all of it into memory at once."""
    try:
        with open(source, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                yield b""
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                yield content
    except OSError as error:
        raise NotTransferred(f"{source}: {error.strerror}") from None


def why(stderr: bytes) -> str:
    return stderr.decode("utf-8", "replace").strip() or "it ended without a word"
