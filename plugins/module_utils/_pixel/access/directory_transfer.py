# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends directories to a pixel and fetches them, over either transport: completely or not at all. Links stay links.

With tar if the pixel has it, otherwise file by file. An existing directory is replaced as a whole, once all of the new
one has arrived.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shlex
import shutil
import stat
import struct
import tarfile
import tempfile
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import extraction, file_transfer, scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.file_transfer import (
    NotTransferred,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Shell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.file_transfer import Progress

# Arguments: the path, the checksum of the input, the owner of all entries, and the size of the table if the input is
# not a tar archive. Until the last step the old directory is unchanged, and an interrupted script restores it.
PUT = f"""\
{scripts.ENTER}{scripts.STAGE}
enter "$1" ""
if [ -L "./$name" ] || {{ [ -e "./$name" ] && [ ! -d "./$name" ]; }}; then fail "$1 is not a directory"; fi
[ "$name" != . ] || fail "$1 cannot be replaced"
make_stage
cat >content || exit 1
[ "$(sha256sum <content)" = "$2  -" ] || fail "the checksum is wrong after the transfer. Try again"
mkdir new || exit 1
unpack "$4" || exit 1
[ ! "$3" ] || chown -R -h "$3" new || exit 1
if [ -d "../$name" ]; then mv -T "../$name" old || exit 1; fi
mv -T new "../$name" || exit 1
"""
WITH_TAR = "unpack() { tar -x -p -f content -C new; }\n"

# The table is a script that calls these functions. The contents of the files follow it.
WITHOUT_TAR = """\
as_dir() { [ "$1" = . ] || mkdir "new/$1" || exit 1; }
as_link() { ln -s "$2" "new/$1" || exit 1; }
as_mode() { chmod "$2" "new/$1" || exit 1; }
as_file() { { [ "$3" = 0 ] || tail -c "+$((size + $2))" content | head -c "$3"; } >"new/$1" || exit 1; }
unpack() { size=$1; head -c "$size" content >table && . ./table && rm table; }
"""

HAS_TAR = "command -v tar >/dev/null 2>&1"

GO_IN = f"""\
{scripts.ENTER}
enter "$1" follow
[ -d "./$name" ] || fail "$1 is not a directory"
[ "$name" = . ] || go_down "$name"
"""
PACK = f"{GO_IN}tar -c -f - ."

# Mode, path and symlink target of each entry, each followed by a zero byte, which no path contains.
LIST = f"""{GO_IN}
find . -exec sh -c '
for path; do printf "%s\\0%s\\0%s\\0" "$(stat -c %f "$path")" "$path" "$(readlink "$path")"; done
' sh {{}} +
"""
LIST_LIMIT_BYTES = 64 * 1024 * 1024
MODE = re.compile(r"[0-9a-f]{1,8}", re.IGNORECASE)

READ_LIMIT_BYTES = 1024 * 1024
"""Length of a single read from an archive, such as for a long name, and of the padding after its end."""

# Errors of tarfile for a malformed archive (CPython 3.11 to 3.14).
INVALID_ARCHIVE = (
    *(tarfile.TarError, EOFError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError),
    *(RecursionError, struct.error),
)


class Entry(t.NamedTuple):
    """An entry of a directory, by its relative path; `.` is the directory itself."""

    path: str
    mode: int
    target: str = ""
    """Target of a symlink."""


def put(
    shell: Shell,
    source: str,
    path: str,
    *,
    owner: str = "",
    user: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the local directory `source` to `path` in the pixel.

    `user` of the pixel writes it, by default the user that the shell logs in as. All entries belong to `owner`, by
    default to the user that writes them. Raises `NotTransferred`, and then `path` is unchanged.
    """
    try:
        inside = entries(source)
        has_tar = scripts.run(shell, HAS_TAR, user=user).rc == 0
        with (packed if has_tar else listed)(source, inside) as (file, table_size):  # noqa: SIM117 (pylint misreads one)
            with file_transfer.opened(file) as content:
                script = (WITH_TAR if has_tar else WITHOUT_TAR) + PUT
                arguments = (path.rstrip("/") or "/", content.checksum, owner, str(table_size))
                problem = file_transfer.send(shell, script, *arguments, content=content, user=user, progress=progress)
    except OSError as error:
        raise NotTransferred(f"{error.filename or source}: {error.strerror or error}") from None
    if problem:
        raise NotTransferred(f"{source} to {path}: {problem}")


def get(shell: Shell, path: str, target: str, *, user: str | None = None, progress: Progress | None = None) -> None:
    """Write the directory `path` of the pixel to the local path `target`. All entries belong to this process's user.

    Raises `NotTransferred`, and then `target` is unchanged.
    """
    with arriving_at(path, target) as directory:
        if scripts.run(shell, HAS_TAR, user=user).rc:
            get_each(shell, path, directory, user, progress)
        else:
            space = file_transfer.space_in(os.path.dirname(os.path.abspath(target)))
            get_packed(shell, path, directory, space, user, progress)


@contextlib.contextmanager
def arriving_at(path: str, target: str) -> t.Iterator[extraction.ExtractionDir]:
    """Yield a directory for `path` of a pixel, which replaces `target` when complete. Raises `NotTransferred`."""
    try:
        with extraction.replacing(target) as directory:
            yield directory
    except (extraction.UnsafeEntry, scripts.TooMuch) as error:
        raise NotTransferred(f"{path}: {error}") from None
    except OSError as error:
        raise NotTransferred(f"{path} to {target}: {error.strerror or error}") from None
    except UnicodeError:
        raise NotTransferred(f"{path}: it contains a name that is invalid on the controller") from None


def get_packed(
    shell: Shell,
    path: str,
    directory: extraction.ExtractionDir,
    space: int,
    user: str | None,
    progress: Progress | None,
) -> None:
    """Fetch a tar archive and unpack it as it arrives, so that an invalid or endless one fails immediately."""
    digest = hashlib.sha256()
    reading, writing = os.pipe()
    count = 0

    def take(piece: bytes) -> None:
        nonlocal count
        count += len(piece)
        if count > space:
            raise scripts.TooMuch(f"it is larger than the {space} bytes of free space on the controller")
        digest.update(piece)
        if progress:
            progress(count, 0)
        while piece:
            piece = piece[os.write(writing, piece) :]

    with ThreadPoolExecutor(1) as pool:
        unpacking = pool.submit(unpack_all, reading, directory)
        try:
            ended = scripts.execute(shell, scripts.command(PACK, path, user=user), out=take)
        except BrokenPipeError:
            # The thread that unpacks has failed, and reports the error.
            ended = None
        finally:
            os.close(writing)
    if ended is not None and ended.rc:
        raise NotTransferred(f"{path}: {scripts.output_tail(ended.stderr)}")
    unpacking.result()
    file_transfer.verify(shell, f"{PACK} | sha256sum", path, digest.hexdigest(), user)


def unpack_all(reading: int, directory: extraction.ExtractionDir) -> None:
    """Unpack the archive from a file descriptor. Raises `UnsafeEntry` for an invalid archive, and `OSError`."""
    with open(reading, "rb", buffering=0) as stream:
        archive_stream = ArchiveStream(stream)
        try:
            with tarfile.open(fileobj=t.cast("t.IO[bytes]", archive_stream), mode="r:") as archive:
                unpack(archive, directory)
        except INVALID_ARCHIVE as error:
            raise extraction.UnsafeEntry(f"the archive cannot be unpacked: {error}") from None
        archive_stream.finish()


def unpack(archive: tarfile.TarFile, directory: extraction.ExtractionDir) -> None:
    """Add all members of an archive to a directory. Raises `UnsafeEntry`, `OSError` and the errors of tarfile."""
    while (member := archive.next()) is not None:
        # Otherwise tarfile would keep all members in memory.
        t.cast("t.Any", archive).members.clear()
        if member.isdir():
            directory.add_directory(member.name, member.mode)
        elif member.issym():
            directory.add_symlink(member.name, member.linkname)
        elif member.islnk():
            directory.add_hard_link(member.name, member.linkname)
        elif member.isfile() and not member.issparse() and member.size >= 0:
            with t.cast("t.IO[bytes]", archive.extractfile(member)) as content:
                directory.add_file(member.name, member.mode, content)
        else:
            raise extraction.UnsafeEntry(f"{member.name} is neither a file, a directory nor a link")


class ArchiveStream:
    """A stream that is read in order, as the file object that tarfile requires."""

    def __init__(self, stream: t.BinaryIO) -> None:
        self._stream = stream
        self._at = 0

    def tell(self) -> int:
        """Return the number of bytes that have been read."""
        return self._at

    def seek(self, to: int) -> None:
        """Skip to a position. Raises `UnsafeEntry` for an earlier one."""
        if to < self._at:
            raise extraction.UnsafeEntry("the archive refers to an earlier position")
        while self._at < to and self.read(min(to - self._at, READ_LIMIT_BYTES)):
            pass

    def read(self, size: int) -> bytes:
        """Read `size` bytes, or less at the end. Raises `UnsafeEntry` for more than `READ_LIMIT_BYTES`."""
        if not 0 <= size <= READ_LIMIT_BYTES:
            raise extraction.UnsafeEntry(f"the archive has a header of {size} bytes")
        pieces = []
        while size and (piece := self._stream.read(size)):
            pieces.append(piece)
            size -= len(piece)
            self._at += len(piece)
        return b"".join(pieces)

    def finish(self) -> None:
        """Read the padding. Raises `UnsafeEntry` for more than `READ_LIMIT_BYTES`."""
        self.read(READ_LIMIT_BYTES)
        if self.read(1):
            raise extraction.UnsafeEntry("the archive continues after its end")


def get_each(
    shell: Shell, path: str, directory: extraction.ExtractionDir, user: str | None, progress: Progress | None
) -> None:
    """Fetch a directory entry by entry. Raises `NotTransferred`, `UnsafeEntry` and `OSError`."""
    listing = scripts.run(shell, LIST, path, user=user, limit=LIST_LIMIT_BYTES)
    if listing.rc:
        raise NotTransferred(f"{path}: {scripts.output_tail(listing.stderr)}")
    words = os.fsdecode(listing.stdout).split("\0")
    if len(words) % 3 != 1 or words[-1]:
        raise extraction.UnsafeEntry("the list of files is invalid")
    count = 0
    for mode, name, target in zip(words[::3], words[1::3], words[2::3], strict=False):
        if not MODE.fullmatch(mode):
            raise extraction.UnsafeEntry(f"{name} has an invalid mode: {mode}")
        number = int(mode, 16)
        if stat.S_ISDIR(number):
            directory.add_directory(name, number)
        elif stat.S_ISLNK(number):
            directory.add_symlink(name, target)
        elif stat.S_ISREG(number):
            count += file_transfer.get(shell, os.path.join(path, name), directory.path_of(name), user=user)
            directory.register_file(name, number)
        else:
            raise extraction.UnsafeEntry(f"{name} is neither a file, a directory nor a link")
        if progress:
            progress(count, 0)


def entries(source: str) -> list[Entry]:
    """Return all entries of a local directory, each after its parent. Raises `OSError` and `NotTransferred`."""
    if not os.path.isdir(source):
        raise NotTransferred(f"{source} is not a directory")
    result = [Entry(".", os.stat(source).st_mode)]

    def fail(error: OSError) -> t.NoReturn:
        raise error

    for directory, directories, files in os.walk(source, onerror=fail):
        below = os.path.relpath(directory, source)
        if below.count(os.sep) >= extraction.DEPTH_LIMIT:
            raise NotTransferred(f"{source} has more than {extraction.DEPTH_LIMIT} levels of directories")
        for name in sorted([*directories, *files]):
            path = os.path.join(directory, name)
            mode = os.lstat(path).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
                raise NotTransferred(f"{path} is neither a file, a directory nor a link")
            target = os.readlink(path) if stat.S_ISLNK(mode) else ""
            result.append(Entry(os.path.normpath(os.path.join(below, name)), mode, target))
    return result


@contextlib.contextmanager
def packed(source: str, inside: t.Sequence[Entry]) -> t.Iterator[tuple[str, int]]:
    """Yield the name of a tar archive with these entries, owned by root, and 0."""
    with tempfile.NamedTemporaryFile() as file:
        # busybox reads this format too.
        with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for entry in inside:
                if stat.S_ISREG(entry.mode):
                    with open_file(os.path.join(source, entry.path)) as content:
                        # The second name of a file becomes a hard link to the first.
                        member = archive.gettarinfo(arcname=entry.path, fileobj=content)
                        archive.addfile(owned_by_root(member), content if member.isreg() else None)
                    continue
                member = tarfile.TarInfo(entry.path)
                member.type = tarfile.SYMTYPE if stat.S_ISLNK(entry.mode) else tarfile.DIRTYPE
                member.mode, member.linkname = entry.mode & 0o7777, entry.target
                archive.addfile(member)
        file.flush()
        yield file.name, 0


def owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return a member of an archive with root as its owner."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


@contextlib.contextmanager
def listed(source: str, inside: t.Sequence[Entry]) -> t.Iterator[tuple[str, int]]:
    """Yield the name of a file for a pixel without tar, and the size of the table at its start, in bytes.

    The contents of the files follow the table.
    """
    with tempfile.TemporaryFile() as contents, tempfile.NamedTemporaryFile() as file:
        sizes = {}
        for entry in inside:
            if stat.S_ISREG(entry.mode):
                with open_file(os.path.join(source, entry.path)) as content:
                    before = contents.tell()
                    shutil.copyfileobj(content, contents)
                    sizes[entry.path] = (before, contents.tell() - before)
        table = table_of(inside, sizes)
        file.write(table)
        contents.seek(0)
        shutil.copyfileobj(contents, file)
        file.flush()
        yield file.name, len(table)


def table_of(inside: t.Sequence[Entry], sizes: t.Mapping[str, tuple[int, int]]) -> bytes:
    """Return a script that creates all entries. The modes of directories are set last."""
    lines, modes = [], []
    for entry in inside:
        name = shlex.quote(entry.path)
        if stat.S_ISLNK(entry.mode):
            lines.append(f"as_link {name} {shlex.quote(entry.target)}")
            continue
        if stat.S_ISDIR(entry.mode):
            lines.append(f"as_dir {name}")
        else:
            start, length = sizes[entry.path]
            # tail counts from 1.
            lines.append(f"as_file {name} {start + 1} {length}")
        modes.append(f"as_mode {name} {entry.mode & 0o7777:o}")
    return os.fsencode("".join(f"{line}\n" for line in [*lines, *reversed(modes)]))


@contextlib.contextmanager
def open_file(path: str) -> t.Iterator[t.BinaryIO]:
    """Open a file. Raises `OSError`, also if it has been replaced by something other than a file."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EAGAIN, "it changed while it was read", path)
        yield file
