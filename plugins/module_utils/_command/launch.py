# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the pixels command from a checkout or an installed collection, without Ansible: python -P launch.py VERB ..."""

from __future__ import annotations

import gc
import os
import sys
import types


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


def list_at_once() -> bool:
    """Whether it was all done by the shortest way there is."""
    from ansible_collections.pixels.truenas.plugins.module_utils._command import quick

    found = quick.listing()
    if found is None:
        return False
    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output

    Output().table(quick.HEADER, [quick.cells(*each) for each in found])
    return True


if __name__ == "__main__":
    # Nothing of what is loaded is ever garbage, and looking for it takes a tenth of the time to start.
    gc.disable()
    name_the_collection()
    if sys.argv[1:] == ["list"] and list_at_once():
        raise SystemExit(0)
    if sys.flags.no_site:
        # Libraries were not looked for so far.
        import site

        site.main()
    from ansible_collections.pixels.truenas.plugins.module_utils._command.main import main

    gc.freeze()
    gc.enable()
    raise SystemExit(main())
