# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the pixels command from a checkout or an installed collection: `python -P launch.py VERB ...`."""

from __future__ import annotations

import gc
import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t


SERVE = "--serve"
"""The word with which the session daemon starts the command server."""


def make_importable() -> None:
    """Make the directory of this file importable as the collection, wherever it is."""
    root = os.path.realpath(__file__)
    for _level in ("launch.py", "_cli", "module_utils", "plugins"):
        root = os.path.dirname(root)
    for name, directories in (
        ("ansible_collections", []),
        ("ansible_collections.pixels", []),
        ("ansible_collections.pixels.truenas", [root]),
    ):
        package = type(sys)(name)
        package.__path__ = directories
        sys.modules[name] = package


def open_closed_streams() -> None:
    """Open closed standard streams, so that no other file gets their numbers. Writing to stdout still fails."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            # The file gets the lowest free number, which is this one.
            os.open(os.devnull, os.O_RDONLY)
            os.set_inheritable(number, True)  # noqa: FBT003 (it has no name)
            setattr(sys, name, io.TextIOWrapper(io.FileIO(number, mode, closefd=False), encoding="utf-8"))


class Libraries:
    """Sets up sys.path, which `python -S` skips, once a library is imported: most verbs need none."""

    NAMES = ("paramiko", "websocket", "yaml")

    @classmethod
    def find_spec(cls, name: str, path: t.Any = None, target: t.Any = None) -> t.Any:
        """Search like an import does, with the complete path."""
        if name not in cls.NAMES:
            return None
        sys.meta_path.remove(cls)
        import site

        site.main()
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path)
        return next(filter(None, found), None)


def find_libraries() -> None:
    """Let imports find the libraries."""
    if sys.flags.no_site:
        sys.meta_path.append(Libraries)


def leave(status: int) -> t.NoReturn:
    """Exit without the cleanup of the interpreter, which takes as long as the NAS does. All output is flushed."""
    os._exit(status)


def run() -> int:
    """Run the command. Return its exit status."""
    make_importable()
    find_libraries()
    words = sys.argv[1:]
    if words == [SERVE]:
        from ansible_collections.pixels.truenas.plugins.module_utils._cli import command_server

        command_server.serve()
    # Loading the parser and the configuration takes longer than the rest.
    status = None
    if words == ["list"]:
        from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_quickly

        status = list_quickly.run()
    if status is None:
        from ansible_collections.pixels.truenas.plugins.module_utils._cli import served_verbs

        if served_verbs.includes(words):
            from ansible_collections.pixels.truenas.plugins.module_utils._cli import command_client

            status = command_client.run(words)
    if status is not None:
        leave(status)
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.main import main

    gc.freeze()
    gc.enable()
    return main()


if __name__ == "__main__":
    # Imports create no garbage, and collecting it takes a tenth of the startup time.
    gc.disable()
    open_closed_streams()
    try:
        raise SystemExit(run())
    except KeyboardInterrupt:
        # During the imports.
        sys.stderr.write("Interrupted.\n")
        raise SystemExit(130) from None
