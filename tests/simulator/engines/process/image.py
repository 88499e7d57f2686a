# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every new guest is made of, once for all guests of this process."""

from __future__ import annotations

import atexit
import functools
import os
import pathlib
import shutil
import sys
import tempfile
import typing as t

from tests.simulator.engines.process.contents import TOPS
from tests.simulator.engines.process.image_builder import Builder, Ids

NAME = "pixels-image-"
PYTHON = "/usr/bin/python3"
"""Where a guest has its interpreter."""


class Image(t.NamedTuple):
    folder: pathlib.Path
    """`root` and one directory for each overlay."""
    overlays: dict[str, str]
    """Path in a guest -> directory of the machine that is visible there."""
    ids: Ids
    """The owner of its files."""


@functools.cache
def image(ids: Ids) -> Image:
    """Made at the first call and removed when this process ends."""
    place = _place()
    _remove_left_behind(place)
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{NAME}{os.getpid()}-", dir=place))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    ids.chown(folder)
    overlays = {top: f"/{top}" for top in TOPS if os.path.isdir(f"/{top}") and not os.path.islink(f"/{top}")}
    if not os.access(PYTHON, os.X_OK):
        overlays["opt/python"] = sys.base_prefix
    Builder(folder, overlays, ids).build()
    return Image(folder, overlays, ids)


def _place() -> str:
    """tmpfs if it supports overlayfs (Linux 6.6 and later), since it creates a thousand directories quickly."""
    try:
        with tempfile.TemporaryDirectory(prefix=NAME, dir="/dev/shm") as attempt:
            os.setxattr(attempt, "user.overlay.opaque", b"y")
    except OSError:
        return tempfile.gettempdir()
    return "/dev/shm"


def _remove_left_behind(place: str) -> None:
    """Images of processes that were killed."""
    for left in pathlib.Path(place).glob(f"{NAME}*-*"):
        process = left.name.removeprefix(NAME).partition("-")[0]
        if process.isdigit() and not os.path.exists(f"/proc/{process}"):
            shutil.rmtree(left, ignore_errors=True)
