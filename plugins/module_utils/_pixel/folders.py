# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders into a pixel and out of it, by any way in: all of a folder or nothing, and links are links.

With tar where the pixel has it, file by file where it has not. A folder that is there is replaced as a whole, once all
of the new one has come.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import tarfile
import tempfile
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import receiving, transfer
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.transfer import NotTransferred, why

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Result, Shell

ROOT = "0:0"

# Arguments: the place, the new folder beside it, its owner. Until the last step the old one is what it was, and comes
# back when this is ended in between.
REPLACE = """\
replace() {
    chown -R -h "$3" "$2"
    if [ -d "$1" ]; then mv "$1" "$2.old"; fi
    mv "$2" "$1"
    rm -rf "$2.old"
}
clean_up() {
    if [ ! -e "$1" ] && [ -e "$2.old" ]; then mv "$2.old" "$1"; fi
    rm -rf "$2" "$2.tar"
}
set -e
umask 077
trap 'clean_up "$@"' EXIT
trap 'exit 1' HUP INT PIPE TERM
if [ -L "$1" ] || { [ -e "$1" ] && [ ! -d "$1" ]; }; then echo "$1 is no folder" >&2; exit 1; fi
"""
PUT = f"""\
{REPLACE}
cat >"$2.tar"
if [ "$(sha256sum <"$2.tar")" != "$4  -" ]; then echo "it did not come as it was sent" >&2; exit 1; fi
mkdir "$2"
tar -x -p -f "$2.tar" -C "$2"
replace "$@"
"""

HAS_TAR = "command -v tar >/dev/null 2>&1"

PACK = """\
[ -d "$1" ] || { echo "$1 is no folder" >&2; exit 1; }
cd "$1" && tar -c -f - ."""

# Mode, path and where it leads to of each, behind a zero byte that no path holds.
LIST = """\
[ -d "$1" ] || { echo "$1 is no folder" >&2; exit 1; }
cd "$1" && find . -exec sh -c '
for path; do printf "%s\\0%s\\0%s\\0" "$(stat -c %f "$path")" "$path" "$(readlink "$path")"; done
' sh {} +
"""


class Entry(t.NamedTuple):
    """Something in a folder, by its path below it; C(.) is the folder itself."""

    path: str
    mode: int
    target: str = ""
    """Where a link leads to."""


def put(shell: Shell, source: str, path: str, *, owner: str = ROOT) -> None:
    """Write a folder of this machine to C(path) in the pixel, all of it owned by C(owner).

    Raises NotTransferred, and then what was at C(path) is still there.
    """
    path = path.rstrip("/")
    new = f"{path}.pixels-{secrets.token_hex(4)}"
    try:
        inside = entries(source)
        if sh(shell, HAS_TAR).rc:
            put_each(shell, source, path, new, inside, owner)
            return
        with packed(source, inside) as name, transfer.mapped(name) as content:
            checksum = hashlib.sha256(content).hexdigest()
            ended = sh(shell, PUT, path, new, owner, checksum, stdin=t.cast(bytes, content))
    except OSError as error:
        raise NotTransferred(f"{error.filename or source}: {error.strerror}") from None
    if ended.rc:
        raise NotTransferred(f"{source} to {path}: {why(ended.stderr)}")


def put_each(shell: Shell, source: str, path: str, new: str, inside: t.Sequence[Entry], owner: str) -> None:
    try:
        for entry in inside:
            place = os.path.normpath(os.path.join(new, entry.path))
            if stat.S_ISREG(entry.mode):
                transfer.put(shell, os.path.join(source, entry.path), place, mode=f"{entry.mode & 0o7777:o}")
                continue
            words = ("ln", "-s", entry.target, place)
            if stat.S_ISDIR(entry.mode):
                words = ("mkdir", "-m", f"{entry.mode & 0o7777:o}", place)
            ended = shell.run(Command(words))
            if ended.rc:
                raise NotTransferred(f"{source} to {path}: {why(ended.stderr)}")
        ended = sh(shell, f'{REPLACE}replace "$@"', path, new, owner)
        if ended.rc:
            raise NotTransferred(f"{source} to {path}: {why(ended.stderr)}")
    except NotTransferred:
        shell.run(Command(("rm", "-rf", new)))
        raise


def get(shell: Shell, path: str, target: str) -> None:
    """Write a folder of the pixel to C(target) on this machine, all of it this user's.

    Raises NotTransferred, and then what was at C(target) is still there.
    """
    try:
        with receiving.replacing(target) as folder:
            if sh(shell, HAS_TAR).rc:
                get_each(shell, path, folder)
            else:
                get_packed(shell, path, folder)
    except receiving.Unwelcome as error:
        raise NotTransferred(f"{path}: {error}") from None
    except OSError as error:
        raise NotTransferred(f"{path} to {target}: {error.strerror}") from None


def get_packed(shell: Shell, path: str, folder: receiving.Folder) -> None:
    digest = hashlib.sha256()
    with tempfile.TemporaryFile() as file:

        def take(piece: bytes) -> None:
            digest.update(piece)
            file.write(piece)

        ended = sh(shell, PACK, path, out=take)
        if ended.rc:
            raise NotTransferred(f"{path}: {why(ended.stderr)}")
        there = sh(shell, f"{PACK} | sha256sum", path).stdout.split()
        if there[:1] != [digest.hexdigest().encode("ascii")]:
            raise NotTransferred(f"{path}: it did not come as it is, or was written to meanwhile")
        file.seek(0)
        try:
            with tarfile.open(fileobj=file, mode="r:") as archive:
                unpack(archive, folder)
        except tarfile.TarError as error:
            raise NotTransferred(f"{path}: {error}") from None


def unpack(archive: tarfile.TarFile, folder: receiving.Folder) -> None:
    for member in archive:
        if member.isdir():
            folder.add_folder(member.name, member.mode)
        elif member.issym():
            folder.add_link(member.name, member.linkname)
        elif member.isfile() or member.islnk():
            with t.cast("t.IO[bytes]", archive.extractfile(member)) as content:
                folder.add_file(member.name, member.mode, content)
        else:
            raise receiving.Unwelcome(f"{member.name} is neither a file, a folder nor a link")


def get_each(shell: Shell, path: str, folder: receiving.Folder) -> None:
    listed = sh(shell, LIST, path)
    if listed.rc:
        raise NotTransferred(f"{path}: {why(listed.stderr)}")
    words = os.fsdecode(listed.stdout).split("\0")
    for mode, name, target in zip(words[::3], words[1::3], words[2::3], strict=False):
        number = int(mode, 16)
        if stat.S_ISDIR(number):
            folder.add_folder(name, number)
        elif stat.S_ISLNK(number):
            folder.add_link(name, target)
        elif stat.S_ISREG(number):
            transfer.get(shell, os.path.join(path, name), folder.place_of(name))
            folder.note_file(name, number)
        else:
            raise receiving.Unwelcome(f"{name} is neither a file, a folder nor a link")


def entries(source: str) -> list[Entry]:
    """All that is in a folder, each after the folder it is in. Raises OSError, and NotTransferred for what is odd."""
    if not os.path.isdir(source):
        raise NotTransferred(f"{source} is no folder")
    found = [Entry(".", os.stat(source).st_mode)]

    def fail(error: OSError) -> t.NoReturn:
        raise error

    for folder, folders, files in os.walk(source, onerror=fail):
        for name in sorted([*folders, *files]):
            place = os.path.join(folder, name)
            mode = os.lstat(place).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
                raise NotTransferred(f"{place} is neither a file, a folder nor a link")
            target = os.readlink(place) if stat.S_ISLNK(mode) else ""
            found.append(Entry(os.path.relpath(place, source), mode, target))
    return found


@contextlib.contextmanager
def packed(source: str, inside: t.Sequence[Entry]) -> t.Iterator[str]:
    """The name of a file with all of it; owned by root, whoever has it here."""
    with tempfile.NamedTemporaryFile() as file:
        # What busybox reads as well.
        with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for entry in inside:
                place = os.path.join(source, entry.path)
                member = archive.gettarinfo(place, arcname=entry.path)
                member.uid = member.gid = 0
                member.uname = member.gname = ""
                if entry.path == ".":
                    # A link to a folder is one when it is named.
                    member.type, member.mode, member.size = tarfile.DIRTYPE, entry.mode & 0o7777, 0
                if member.isfile():
                    with open(place, "rb") as content:
                        archive.addfile(member, content)
                else:
                    archive.addfile(member)
        file.flush()
        yield file.name


def sh(shell: Shell, script: str, *arguments: str, stdin: bytes = b"", **how: t.Any) -> Result:
    return shell.run(Command(("/bin/sh", "-c", script, "sh", *arguments), stdin=stdin), **how)
