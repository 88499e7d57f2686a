# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes which open connection leads to a pixel, for bin/pixels to use it without starting Python.

A note has four lines: the variables that decide where to go, the configuration file (behind C(+) when there is one,
else C(-)), the file that this leads to through links, and the socket. It is as old as the configuration that was read.
bin/pixels believes it only where all of that is as it was.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config_file import ConfigFile, Stamp

# In the order in which bin/pixels puts them together.
VARIABLES = (
    "PIXELS_TRUENAS_HOST",
    "PIXELS_TRUENAS_PORT",
    "PIXELS_NAS",
    "PIXELS_CONFIG",
    "PIXELS_SSH_USER",
    "PIXELS_SSH_KEY",
    "PIXELS_SSH_PORT",
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
)
SUFFIX = ".warm"


def context(environ: t.Mapping[str, str]) -> str:
    return "|".join(environ.get(name, "") for name in VARIABLES)


def note(pixel: str, socket: str, config: ConfigFile, environ: t.Mapping[str, str]) -> None:
    """Remember the way to a pixel (its full name); where it cannot be written, the way is merely longer."""
    path = path_beside(socket, pixel)
    sign = "+" if config.stamp else "-"
    lines = [context(environ), f"{sign}{config.path}", os.path.realpath(config.path), socket]
    # What a relative path leads to depends on where one is.
    if any("\n" in line for line in lines) or not os.path.isabs(config.path):
        return
    text = "".join(f"{line}\n" for line in lines)
    with contextlib.suppress(OSError):
        if unchanged(path, text, config.stamp):
            return
        descriptor, new = tempfile.mkstemp(dir=os.path.dirname(path), prefix="warm-")
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        if config.stamp:
            os.utime(new, ns=(config.stamp.changed, config.stamp.changed))
        os.replace(new, path)


def unchanged(path: str, text: str, stamp: Stamp | None) -> bool:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            same = file.read() == text
            return same and (stamp is None or os.fstat(file.fileno()).st_mtime_ns == stamp.changed)
    except OSError:
        return False


def path_beside(socket: str, pixel: str) -> str:
    return os.path.join(os.path.dirname(socket), f"{names.bare_name(pixel)}{SUFFIX}")
