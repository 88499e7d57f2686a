# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the pixels command from a checkout or an installed collection, without Ansible: python -P launch.py VERB ..."""

from __future__ import annotations

import gc
import io
import os
import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t


def name_the_collection() -> None:
    """Give the folder this lies in the name its files import each other by, wherever it is."""
    root = os.path.realpath(__file__)
    for _level in ("launch.py", "_command", "module_utils", "plugins"):
        root = os.path.dirname(root)
    for name, folders in (
        ("ansible_collections", []),
        ("ansible_collections.pixels", []),
        ("ansible_collections.pixels.truenas", [root]),
    ):
        package = types.ModuleType(name)
        package.__path__ = folders
        sys.modules[name] = package


def open_what_is_closed() -> None:
    """Else the next file or connection would be taken for an input or output; to write to stdout still fails."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free is this one.
            os.open(os.devnull, os.O_RDONLY)
            os.set_inheritable(number, True)  # noqa: FBT003 (it has no name)
            setattr(sys, name, io.TextIOWrapper(io.FileIO(number, mode, closefd=False), encoding="utf-8"))


def list_at_once() -> int | None:
    """The exit status, where all was done by the shortest way there is."""
    from ansible_collections.pixels.truenas.plugins.module_utils._command import quick
    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output

    output = Output()
    found: list[t.Any] = []

    def show() -> int:
        rows = quick.listing()
        if rows is not None:
            found.extend(rows)
            output.table(quick.HEADER, [quick.cells(*each) for each in rows])
        return 0

    status = output.ending(show)
    return status if found or status else None


def list_afresh() -> int | None:
    """The same without a session that is open already."""
    from ansible_collections.pixels.truenas.plugins.module_utils._command import afresh
    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output

    output = Output()
    unknown = -1
    status = output.ending(lambda: unknown if (shown := afresh.show(output)) is None else shown)
    return None if status == unknown else status


def look_for_libraries() -> None:
    """What the interpreter does at its start, unless it is told not to."""
    if sys.flags.no_site:
        import site

        site.main()


def leave(status: int) -> t.NoReturn:
    """Without taking down piece by piece what was loaded: that takes as long as the NAS does. All is written."""
    os._exit(status)


def run() -> int:
    name_the_collection()
    plain = sys.argv[1:] == ["list"]
    status = list_at_once() if plain else None
    if status is not None:
        leave(status)
    look_for_libraries()
    status = list_afresh() if plain else None
    if status is not None:
        leave(status)
    from ansible_collections.pixels.truenas.plugins.module_utils._command.main import main

    gc.freeze()
    gc.enable()
    return main()


if __name__ == "__main__":
    # Nothing of what is loaded is ever garbage, and looking for it takes a tenth of the time to start.
    gc.disable()
    open_what_is_closed()
    try:
        raise SystemExit(run())
    except KeyboardInterrupt:
        # While it was still loading.
        sys.stderr.write("Interrupted.\n")
        raise SystemExit(130) from None
