# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of this machine that is filled from a pixel, which nobody trusts: nothing is written outside of it."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import typing as t


class Unwelcome(Exception):
    """What was sent is not to be written here; the text says why."""


class Folder:
    """Filled piece by piece, each after the folder it is in. Links come last: nothing is ever written through one."""

    def __init__(self, place: str) -> None:
        """C(place) is an empty folder."""
        self._place = place
        self._modes: dict[str, int] = {}
        """Of folders, which must stay writable until all is in them."""
        self._links: dict[str, str] = {}
        self._files: set[str] = set()

    def add_folder(self, name: str, mode: int) -> None:
        place = self.place_of(name)
        if place != self._place:
            os.mkdir(place, 0o700)
        self._modes[place] = mode & 0o777

    def add_file(self, name: str, mode: int, content: t.IO[bytes]) -> None:
        with open(self.place_of(name), "xb") as file:
            shutil.copyfileobj(content, file)
        self.note_file(name, mode)

    def note_file(self, name: str, mode: int) -> None:
        """One that was written by somebody else."""
        place = self.place_of(name)
        os.chmod(place, mode & 0o777)
        self._files.add(place)

    def add_link(self, name: str, target: str) -> None:
        place = self.place_of(name)
        leads_to = os.path.normpath(os.path.join(os.path.dirname(place), target))
        if os.path.isabs(target) or not is_below(leads_to, self._place):
            raise Unwelcome(f"{name} is a link that leads out of the folder, to {target}")
        self._links[place] = target

    def place_of(self, name: str) -> str:
        """Where it is to be. Raises Unwelcome for what is not in a folder that came before it."""
        place = os.path.normpath(os.path.join(self._place, name))
        if os.path.isabs(name) or not is_below(place, self._place):
            raise Unwelcome(f"{name} is not inside of the folder")
        if place != self._place and os.path.dirname(place) not in self._modes:
            raise Unwelcome(f"{name} is in no folder that came before it")
        return place

    def finish(self) -> None:
        for place, target in self._links.items():
            os.symlink(target, place)
        for place, mode in reversed(self._modes.items()):
            os.chmod(place, mode)


def is_below(place: str, folder: str) -> bool:
    return place == folder or place.startswith(f"{folder}{os.sep}")


@contextlib.contextmanager
def replacing(target: str) -> t.Iterator[Folder]:
    """A new folder that takes the place of C(target), file or folder or nothing, where all goes well.

    Raises Unwelcome where there is something else than a folder, and OSError.
    """
    place = os.path.abspath(target)
    if os.path.islink(place) or (os.path.exists(place) and not os.path.isdir(place)):
        raise Unwelcome(f"{target} here is no folder")
    new, old = (f"{place}.{secrets.token_hex(4)}" for _each in range(2))
    os.mkdir(new, 0o700)
    try:
        folder = Folder(new)
        yield folder
        folder.finish()
        if os.path.isdir(place):
            os.rename(place, old)
        os.rename(new, place)
    finally:
        remove(new)
        # Whatever ended it in between: what was there is removed only where something has taken its place.
        if os.path.lexists(place):
            remove(old)
        elif os.path.isdir(old):
            os.rename(old, place)


def remove(place: str) -> None:
    """All of a folder, also where some of it may not be written to."""
    for folder, _folders, _files in os.walk(place):
        with contextlib.suppress(OSError):
            os.chmod(folder, 0o700)
    shutil.rmtree(place, ignore_errors=True)
