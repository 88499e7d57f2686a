# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the directories for files of this user, also for a user without a home, as in execution environments."""

from __future__ import annotations

import atexit
import errno
import functools
import os

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid

CACHE_VARIABLE, STATE_VARIABLE = "XDG_CACHE_HOME", "XDG_STATE_HOME"


def directory(variable: str, *below_home: str) -> str:
    """Return the value of an XDG variable, else a directory below the home, else one below the runtime directory.

    The runtime directory also replaces a home that cannot hold files, such as the `/dev/null` of a service account.
    Raise `Invalid` if there is no such directory.
    """
    value = os.environ.get(variable)
    if value:
        return value
    home = os.path.expanduser("~")
    # With neither HOME nor an entry in passwd, `home` is "~", a path below the working directory.
    if os.path.isabs(home) and can_exist(path := os.path.join(home, *below_home)):
        return path
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import NoRuntimeDir, find

    try:
        return os.path.join(find().directory, *below_home)
    except NoRuntimeDir as error:
        problem = f"there is no directory for the files of this user ({error})"
    raise Invalid(f"{problem}: set HOME or {variable}", fields=((None, problem),))


def home() -> str:
    """Return the home directory. Raises `Invalid` if there is none, or only a path below the working directory."""
    path = os.path.expanduser("~")
    if os.path.isabs(path):
        return path
    raise Invalid.in_field(None, "this user has no home directory", "set HOME to an absolute path")


def expand(path: str) -> str:
    """Return a path with `~` replaced by the home directory. Raises `FileNotFoundError` for a user without a home.

    The path would be one below the working directory, in which others may have put files.
    """
    found = os.path.expanduser(path)
    if found.startswith("~"):
        raise FileNotFoundError(errno.ENOENT, "this user has no home directory: set HOME")
    return found


def cache_directory() -> str:
    """Return `$XDG_CACHE_HOME/pixels`, or the same under `~/.cache`. It need not exist."""
    return os.path.join(directory(CACHE_VARIABLE, ".cache"), "pixels")


def writable_cache() -> str:
    """Return the cache directory, else a temporary one. Raises `Invalid` if there is neither."""
    return writable(cache_directory(), CACHE_VARIABLE)[0]


def can_exist(path: str) -> bool:
    """Return whether a directory exists or can be created."""
    if os.path.isdir(path):
        return True
    parent = os.path.dirname(path)
    while not os.path.lexists(parent):
        parent = os.path.dirname(parent)
    if not os.path.isdir(parent) or not os.access(parent, os.W_OK | os.X_OK):
        return False
    try:
        # A file system without blocks, such as /proc, may refuse new files although its modes allow them.
        if not os.statvfs(parent).f_blocks:
            os.makedirs(path, mode=0o700, exist_ok=True)
    except OSError:
        return False
    return True


def writable(path: str, variable: str) -> tuple[str, str]:
    """Return a directory that exists and is writable, and why it is not `path` if it is another one.

    The other one is below the runtime directory, or belongs to this process alone: its files are lost with the next
    reboot, or when the process ends. `variable` sets `path`. Raises `Invalid` if there is no such directory.
    """
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        if os.access(path, os.W_OK | os.X_OK):
            return path, ""
        cause = "Permission denied"
    except OSError as error:
        cause = error.strerror or str(error)
    problem = f"cannot write to {path}: {cause}. Set {variable} to a directory that can be written"
    return os.path.join(_temporary(problem), variable.lower()), problem


@functools.cache
def _temporary(problem: str) -> str:
    """Return the parent of the directories that replace those that are not writable."""
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import NoRuntimeDir, find

    try:
        parent = os.path.join(find().directory, "files")
        _make_directories(parent)
    except (OSError, NoRuntimeDir):
        pass
    else:
        return parent
    import shutil
    import tempfile

    try:
        parent = tempfile.mkdtemp(prefix="pixels-")
        atexit.register(shutil.rmtree, parent, ignore_errors=True)
        _make_directories(parent)
    except OSError as error:
        raise Invalid(f"{problem} ({error.strerror})", fields=((None, problem),)) from None
    return parent


def _make_directories(parent: str) -> None:
    for variable in (CACHE_VARIABLE, STATE_VARIABLE):
        os.makedirs(os.path.join(parent, variable.lower()), mode=0o700, exist_ok=True)
