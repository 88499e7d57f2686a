# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and replace files of the user. A replaced file keeps everything but its content."""

from __future__ import annotations

import contextlib
import os
import stat

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused


def read(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a file, `b""` if it does not exist. Raises `Refused` if it cannot be read."""
    try:
        # Reading a device or a pipe may never end.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Refused(f"cannot read {os.fspath(path)}: it is not a regular file")
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise _refused("read", path, error) from None


def replace(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file atomically: after a full disk or a crash, it has the old content.

    A symlink is kept, and its target is replaced. The file keeps its mode, owner, group and extended attributes. A new
    file, and a new directory for it, is private to its owner. Raises `Refused` if the file cannot be written.
    """
    try:
        # Not the directory of a symlink's target: if that is missing, its file system is probably not mounted.
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
        write(os.path.realpath(path), content)
    except OSError as error:
        raise _refused("write", path, error) from None


def write(target: str, content: bytes) -> None:
    """Write a file as `replace` does, in an existing directory and not through a symlink. Raises `OSError`."""
    # Imported here, because most callers only read, and the import takes longer than that.
    import tempfile

    descriptor, unfinished = tempfile.mkstemp(dir=os.path.dirname(target), prefix=f".{os.path.basename(target)}-")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            _copy_metadata(target, file.fileno(), unfinished)
            # Without it, a power failure may leave an empty file under the new name.
            os.fsync(file.fileno())
        os.replace(unfinished, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise


def _copy_metadata(target: str, descriptor: int, unfinished: str) -> None:
    """Copy the metadata of the old file, if there is one, to the new file."""
    import shutil

    try:
        old = os.lstat(target)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(old.st_mode):
        raise OSError(0, "it is not a regular file")
    new = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    shutil.copystat(target, unfinished)
    # `copystat` copies the modification time, which must be that of the new content.
    os.utime(unfinished)


def _refused(action: str, path: str | os.PathLike[str], error: OSError) -> Refused:
    return Refused(f"cannot {action} {os.fspath(path)}: {error.strerror or error}")
