# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of the session daemon: detach from the client, then serve. Only launcher.py runs it, as a file."""

from __future__ import annotations

import json
import os
import sys
import types


def main() -> None:
    """Read the configuration from stdin, detach, and run the daemon."""
    config = json.loads(sys.stdin.buffer.readline())
    libraries = [entry for entry in config["library_path"] if entry not in sys.path]
    # The client waits for its child process. The daemon is a grandchild, so that no process has to reap it.
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    sys.path.extend(libraries)
    make_importable()

    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import server, startup_config

    server.main(startup_config.decode(config))


def make_importable() -> None:
    """Make the collection importable by its absolute name, as Ansible's loader would do."""
    root = os.path.abspath(__file__)
    for _level in ("main.py", "daemon", "_api", "module_utils", "plugins"):
        root = os.path.dirname(root)
    for name, path in (
        ("ansible_collections", []),
        ("ansible_collections.pixels", []),
        ("ansible_collections.pixels.truenas", [root]),
    ):
        package = types.ModuleType(name)
        package.__path__ = path
        sys.modules[name] = package


if __name__ == "__main__":
    main()
