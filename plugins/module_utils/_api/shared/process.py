# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of a session holder: steps out of its caller's life, and serves. Run as a file, by starting.py alone."""

from __future__ import annotations

import json
import os
import sys
import types


def main() -> None:
    found = json.loads(sys.stdin.buffer.readline())
    folders = [folder for folder in found["path"] if folder not in sys.path]
    # The caller waits for its child; what serves is nobody's child, and leaves nothing for anybody to collect.
    if os.fork():
        os._exit(0)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.path.extend(folders)
    name_the_collection()

    from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import holder, order

    holder.main(order.read(found))


def name_the_collection() -> None:
    """Give the folder this lies in the name its files import each other by: there is no Ansible here to do it."""
    root = os.path.abspath(__file__)
    for _level in ("process.py", "shared", "_api", "module_utils", "plugins"):
        root = os.path.dirname(root)
    for name, folders in (
        ("ansible_collections", []),
        ("ansible_collections.pixels", []),
        ("ansible_collections.pixels.truenas", [root]),
    ):
        package = types.ModuleType(name)
        package.__path__ = folders
        sys.modules[name] = package


if __name__ == "__main__":
    main()
