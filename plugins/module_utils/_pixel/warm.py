# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes which open connection leads to a pixel, for bin/pixels to use it without starting Python.

A note has three lines: the variables that decide where to go, the configuration file (behind C(+) when there is one,
else C(-)), and the socket. bin/pixels believes it only where all of them are as they were.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names

# In the order in which bin/pixels puts them together.
VARIABLES = (
    "PIXELS_TRUENAS_HOST",
    "PIXELS_TRUENAS_PORT",
    "PIXELS_NAS",
    "PIXELS_CONFIG",
    "PIXELS_SSH_USER",
    "PIXELS_SSH_KEY",
    "PIXELS_SSH_PORT",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
)
SUFFIX = ".warm"


def context(environ: t.Mapping[str, str]) -> str:
    return "|".join(environ.get(name, "") for name in VARIABLES)


def note(pixel: str, socket: str, config: str, environ: t.Mapping[str, str]) -> None:
    """Remember the way to a pixel (its full name); where it cannot be written, the way is merely longer."""
    path = path_beside(socket, pixel)
    lines = [context(environ), f"{'+' if os.path.exists(config) else '-'}{os.path.abspath(config)}", socket]
    if any("\n" in line for line in lines):
        return
    text = "".join(f"{line}\n" for line in lines)
    # Nothing is written where nothing is new: but a configuration that is newer than the note has been read since.
    with contextlib.suppress(OSError):
        if unchanged(path, text, config):
            return
        descriptor, new = tempfile.mkstemp(dir=os.path.dirname(path), prefix="warm-")
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        os.replace(new, path)


def unchanged(path: str, text: str, config: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            same = file.read() == text
        return same and (not os.path.exists(config) or os.stat(path).st_mtime > os.stat(config).st_mtime)
    except OSError:
        return False


def path_beside(socket: str, pixel: str) -> str:
    return os.path.join(os.path.dirname(socket), f"{names.bare_name(pixel)}{SUFFIX}")
