# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the pixels command from a checkout or an installed collection: `python -P launch.py VERB ...`."""

from __future__ import annotations

import gc
import io
import os
import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t


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
        package = types.ModuleType(name)
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


# `pixels list` without options has three routes. Each is slower and handles more cases than the one before, and checks
# whether it applies. Measured in CPU time with Python 3.11, and what `bench/run command` allows:
#                   open session, beside `python3 -c "import argparse, json, socket"`  no session, beside a bare script
# list_via_daemon   1.0                                                                -
# list_direct       2.3                                                                1.2
# list_verb         3.5                                                                1.9
# allowed           2.0                                                                1.3
# So each of the first two is required.


def list_via_daemon() -> int | None:
    """Run `pixels list` over an open session. Return the exit status, or None if another route has to do it."""
    from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_via_daemon as route
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import FAILED, Output

    output = Output()
    found: list[t.Any] = []

    def show() -> int:
        try:
            rows = route.listing()
        except Exception as error:
            # Not imported above: a listing that succeeds has no use for it.
            from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import TimedOut

            if not isinstance(error, TimedOut):
                raise
            output.fail(error)
            return FAILED
        if rows is not None:
            found.extend(rows)
            output.table(*route.table(rows))
        return 0

    status = output.run(show)
    return status if found or status else None


def list_direct() -> int | None:
    """Run `pixels list` with few imports. Return the exit status, or None if `main` has to do it."""
    from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_direct as route
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output

    output = Output()
    undecided = -1
    status = output.run(lambda: undecided if (shown := route.show(output)) is None else shown)
    return None if status == undecided else status


def find_libraries() -> None:
    """Set up sys.path, which `python -S` skips."""
    if sys.flags.no_site:
        import site

        site.main()


def leave(status: int) -> t.NoReturn:
    """Exit without the cleanup of the interpreter, which takes as long as the NAS does. All output is flushed."""
    os._exit(status)


def run() -> int:
    """Run the command. Return its exit status."""
    make_importable()
    plain = sys.argv[1:] == ["list"]
    status = list_via_daemon() if plain else None
    if status is not None:
        leave(status)
    find_libraries()
    status = list_direct() if plain else None
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
