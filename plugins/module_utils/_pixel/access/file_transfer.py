# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends files to a pixel and fetches them, over either transport: completely, verified by a checksum, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import stat
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import safe_text
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Shell

Progress = t.Callable[[int, int], None]
"""Called with the number of transferred bytes, and of all bytes, or 0 if that is unknown."""

# Arguments: path, checksum, mode, owner; the last two may be empty. An existing file is unchanged until all bytes have
# arrived, and keeps its mode and owner unless others are requested. It loses setuid and setgid bits, because another
# user may have chosen the file, by a symlink.
PUT = f"""\
{scripts.ENTER}{scripts.STAGE}
enter "$1" ""
if [ -d "./$name" ]; then fail "$1 is a directory"; fi
mode=$3 owner=$4
if [ -e "./$name" ]; then
    was=$(stat -Lc '%a %u:%g' "./$name") || exit 1
    mode=${{mode:-$(printf %o $((0${{was% *}} & 0777)))}}
    # Only root can give a file away.
    [ "$me" != 0 ] || owner=${{owner:-${{was#* }}}}
fi
make_stage
cat >new || exit 1
[ "$(sha256sum <new)" = "$2  -" ] || fail "the checksum is wrong after the transfer. Try again"
chmod "${{mode:-644}}" new || exit 1
[ ! "$owner" ] || chown "$owner" new || exit 1
mv -f -T new "../$name" || exit 1
"""

# The file is checked after it was opened, because its name may lead to another file by then.
OPEN = f"""\
{scripts.ENTER}
enter "$1" follow
[ -f "./$name" ] || fail "$1 is not a file"
exec 3<"./$name" || exit 1
opened=$(readlink /proc/self/fd/3; printf .)
[ "${{opened%?.}}" = "$here/$name" ] && [ -f /proc/self/fd/3 ] || fail "$1 was replaced meanwhile. Try again"
"""
# The first line of the output is the size and the mode.
GET = f"{OPEN}stat -L -c '%s %a' /proc/self/fd/3 && cat <&3"
# From standard input: with a file name that has a backslash or a line break, sha256sum prints another format.
SUM = f"{OPEN}sha256sum <&3"

RESERVED_SPACE_BYTES = 64 * 1024 * 1024
"""Free space that a transfer leaves on the disk of the controller."""

UNDECLARED_SIZE_BYTES = 1024 * 1024
"""How large a file may be regardless of its reported size, which is 0 for files in /proc."""

HEADER = re.compile(rb"([0-9]{1,19}) ([0-7]{1,4})")
HEADER_LIMIT_BYTES = 64
PIECE_BYTES = 1024 * 1024

WRITE_TIMEOUT_S = 30.0
"""For the small files of `put_bytes`. A user of the pixel can stop the processes of that user for ever."""


class NotTransferred(Refused):
    """A file could not be sent or fetched; the text says why."""


class Content:
    """The content of a local file, which is read when it is sliced.

    If the file shrinks, zeros replace the missing bytes, so that the checksum does not match.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        self._size = os.fstat(file).st_size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _step = part.indices(self._size)
        pieces = []
        while start < stop and (piece := os.pread(self._file, min(stop - start, PIECE_BYTES), start)):
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces) + bytes(max(stop - start, 0))

    @property
    def checksum(self) -> str:
        """SHA-256 of the content, in hexadecimal digits."""
        digest = hashlib.sha256()
        for start in range(0, self._size, PIECE_BYTES):
            digest.update(self[start : start + PIECE_BYTES])
        return digest.hexdigest()


def put(
    shell: Shell,
    source: str,
    path: str,
    *,
    mode: str = "",
    owner: str = "",
    user: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the local file `source` to `path` in the pixel. `mode` is octal; `owner` is an argument of chown.

    `user` of the pixel writes it, by default the user that the shell logs in as. Raises `NotTransferred`, and then
    `path` is unchanged.
    """
    with opened(source) as content:
        arguments = (path, content.checksum, mode, owner)
        problem = send(shell, PUT, *arguments, content=content, user=user, progress=progress)
    if problem:
        raise NotTransferred(f"{source} to {path}: {problem}")


def put_bytes(
    shell: Shell, content: bytes, path: str, *, mode: str = "", owner: str = "", user: str | None = None
) -> None:
    """Write a few bytes to `path` in the pixel as `put` does. Raises `TimedOut` after `WRITE_TIMEOUT_S`."""
    checksum = hashlib.sha256(content).hexdigest()
    with trying(f"writing {path}"):
        problem = send(shell, PUT, path, checksum, mode, owner, content=content, user=user, timeout=WRITE_TIMEOUT_S)
    if problem:
        raise NotTransferred(f"{path}: {problem}")


def send(
    shell: Shell,
    script: str,
    *arguments: str,
    content: bytes | Content,
    user: str | None = None,
    progress: Progress | None = None,
    timeout: float | None = None,
) -> str:
    """Run a script with this content as its input. Return its error message, which is empty after success.

    Raises `TimedOut` after `timeout` seconds. By default there is no limit, because files have any size. Then a user of
    the pixel who stops that user's processes blocks a transfer as that user until it is interrupted.
    """
    size = len(content)
    command = scripts.command(script, *arguments, user=user, stdin=t.cast(bytes, content))
    out = scripts.limited(lambda _piece: None, scripts.OUTPUT_LIMIT, "the output of a command")
    sent = None if progress is None else lambda number: progress(number, size)
    try:
        ended = scripts.execute(shell, command, out=out, timeout=timeout, sent=sent)
    except scripts.TooMuch as error:
        return str(error)
    return scripts.output_tail(ended.stderr) if ended.rc else ""


def get(
    shell: Shell,
    path: str,
    target: str,
    *,
    user: str | None = None,
    keeps_mode: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write a file of the pixel to the local path `target`, and return its size in bytes.

    With `keeps_mode` it has the same permissions as in the pixel, otherwise those of a new file. Raises
    `NotTransferred`, and then `target` is unchanged.
    """
    directory = os.path.dirname(target) or "."
    unfinished = os.path.join(directory, f".pixels-{secrets.token_hex(8)}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(unfinished, flags, 0o600 if keeps_mode else 0o666), "wb") as file:
            incoming = IncomingFile(file, space_in(directory), progress)
            ended = scripts.execute(shell, scripts.command(GET, path, user=user), out=incoming)
            if ended.rc:
                raise NotTransferred(f"{path}: {scripts.output_tail(ended.stderr)}")
            verify(shell, SUM, path, incoming.checksum, user)
            if keeps_mode:
                os.fchmod(file.fileno(), incoming.mode & 0o777)
        os.replace(unfinished, target)
    except scripts.TooMuch as error:
        raise NotTransferred(f"{path}: {error}") from None
    except OSError as error:
        raise NotTransferred(f"{path} to {target}: {error.strerror}") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished)
    return incoming.size


def verify(shell: Shell, script: str, path: str, checksum: str, user: str | None) -> None:
    """Raise `NotTransferred` if a script does not print this checksum for `path`."""
    words = scripts.run(shell, script, path, user=user).stdout.split()
    if words[:1] != [checksum.encode("ascii")]:
        raise NotTransferred(
            f"{path}: the checksum is wrong after the transfer, or it was changed meanwhile. Try again"
        )


class IncomingFile:
    """Writes a file that arrives from a pixel after a line with its size and mode."""

    def __init__(self, file: t.BinaryIO, space: int, progress: Progress | None) -> None:
        """`space` is the number of bytes that may be written."""
        self._file = file
        self._space = space
        self._progress = progress
        self._digest = hashlib.sha256()
        self._header: bytes | None = b""
        self._limit = 0
        self._declared = 0
        self.size = 0
        self.mode = 0

    @property
    def checksum(self) -> str:
        """SHA-256 of all bytes so far, in hexadecimal digits."""
        return self._digest.hexdigest()

    def __call__(self, piece: bytes) -> None:
        """Write a piece. Raises `scripts.TooMuch` if the file is larger than reported or than the space; `OSError`."""
        if self._header is not None:
            line, end, piece = (self._header + piece).partition(b"\n")
            self._header = None if end else line
            if not end and len(line) < HEADER_LIMIT_BYTES:
                return
            self._read_header(line)
        self.size += len(piece)
        if self.size > self._limit:
            raise scripts.TooMuch(
                f"it is larger than its reported size of {self._declared} bytes, because it was changed meanwhile, or "
                f"than the {self._space} bytes of free space on the controller"
            )
        self._digest.update(piece)
        self._file.write(piece)
        if self._progress:
            self._progress(self.size, self._declared)

    def _read_header(self, line: bytes) -> None:
        match = HEADER.fullmatch(line)
        if match is None:
            text = safe_text(line, limit=HEADER_LIMIT_BYTES)
            raise scripts.TooMuch(f"the pixel reports an invalid size: {text}")
        self._declared, self.mode = int(match[1]), int(match[2], 8)
        self._limit = min(max(self._declared, UNDECLARED_SIZE_BYTES), self._space)


def space_in(directory: str) -> int:
    """Return the number of bytes that may be written to a local directory. Raises `OSError`."""
    status = os.statvfs(directory)
    return max(status.f_bavail * status.f_frsize - RESERVED_SPACE_BYTES, 0)


@contextlib.contextmanager
def opened(source: str) -> t.Iterator[Content]:
    """Yield the content of a local file. Raises `NotTransferred` if it is not a regular file, or cannot be read."""
    try:
        # O_NONBLOCK, because opening a named pipe would wait for a writer.
        file = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise NotTransferred(f"{source} is not a regular file")
            yield Content(file)
        finally:
            os.close(file)
    except OSError as error:
        raise NotTransferred(f"{source}: {error.strerror}") from None
