# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record the open SSH connection of a pixel, which `bin/pixels` then uses without starting Python.

A record has five lines: the values of the variables that select the target, the path of the configuration file after
`+` if it exists or `-` if not, that path with symlinks resolved, the path of the control socket, and the process ID of
the connection. Its modification time is that of the configuration file. `bin/pixels` ignores a record if any of this
has changed or the process has ended.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api import atomic_file
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import schema

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.config_file import ConfigFile, Stamp
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

VARIABLES = (
    *sorted(schema.VARIABLES - {schema.SETTINGS[name].variable for name in schema.CREDENTIALS}),
    schema.CONFIG_VARIABLE,
    schema.PROFILE_VARIABLE,
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
)
"""All variables but credentials, in the order of `libexec/pixels`: an invalid value of any is an error."""

SUFFIX = ".warm"


def context(environ: t.Mapping[str, str]) -> str:
    """Return the first line of a record."""
    return "|".join(environ.get(name, "") for name in VARIABLES)


def note(pixel: PixelName, socket: str, pid: int, config: ConfigFile, environ: t.Mapping[str, str]) -> None:
    """Write the record of a pixel by its full name. Failures are ignored, because the record only saves time."""
    path = path_beside(socket, pixel)
    exists = "+" if config.stamp else "-"
    lines = [context(environ), f"{exists}{config.path}", os.path.realpath(config.path), socket, str(pid)]
    # A relative path depends on the working directory.
    if any("\n" in line for line in lines) or not os.path.isabs(config.path):
        return
    text = "".join(f"{line}\n" for line in lines)
    with contextlib.suppress(OSError, Refused):
        # The directory of the socket must exist already.
        if not os.path.isdir(os.path.dirname(path)) or unchanged(path, text, config.stamp):
            return
        atomic_file.replace(path, text.encode("utf-8", "surrogateescape"))
        if config.stamp:
            # Without the right modification time, the record is ignored.
            os.utime(path, ns=(config.stamp.changed, config.stamp.changed))


def unchanged(path: str, text: str, stamp: Stamp | None) -> bool:
    """Return whether a record exists with this text and modification time."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            same = file.read() == text
            return same and (stamp is None or os.fstat(file.fileno()).st_mtime_ns == stamp.changed)
    except OSError:
        return False


def path_beside(socket: str, pixel: PixelName) -> str:
    """Return the path of the record of a pixel, in the directory of its control socket."""
    return os.path.join(os.path.dirname(socket), f"{pixel.bare}{SUFFIX}")
