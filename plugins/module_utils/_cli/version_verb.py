# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb version: the versions of the command, of Python, of the libraries and of the NAS."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import platform
import sys
import typing as t
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output

ROOT = Path(__file__).resolve().parents[3]
"""The directory of the collection."""
LIBRARIES = ("websocket-client", "paramiko", "PyYAML")


def version() -> str:
    """Return the version of the collection, which is also that of the command.

    A checkout and a wheel contain galaxy.yml; ansible-galaxy replaces it by MANIFEST.json.
    """
    with contextlib.suppress(OSError):
        for line in (ROOT / "galaxy.yml").read_text().splitlines():
            key, _colon, value = line.partition(":")
            if key == "version":
                return value.strip()
    return str(json.loads((ROOT / "MANIFEST.json").read_text())["collection_info"]["version"])


def library_version(name: str) -> str | None:
    """Return the version of an installed library; None if it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def show(args: argparse.Namespace, output: Output) -> int:
    """Show all versions. A NAS that is not configured or not reachable is no failure."""
    # Completes sys.path (launch.py), in which importlib.metadata searches.
    importlib.util.find_spec("websocket")
    found: dict[str, t.Any] = {
        "version": version(),
        "collection": {"name": "pixels.truenas", "version": version(), "path": str(ROOT)},
        "python": {"version": platform.python_version(), "path": sys.executable},
        "libraries": {name: library_version(name) for name in LIBRARIES},
        "nas": describe_nas(CliContext(args, output)),
    }
    if output.json:
        output.print_json(found)
        return 0
    nas = found["nas"]
    lines = {
        "pixels": found["version"],
        "Collection": f"pixels.truenas {found['version']} in {ROOT}",
        "Python": f"{found['python']['version']}, {sys.executable}",
        "Libraries": ", ".join(f"{name} {number or '(not installed)'}" for name, number in found["libraries"].items()),
        "NAS": f"{nas['name']}, TrueNAS {nas['release']}" if nas["release"] else nas["error"],
    }
    for name, text in lines.items():
        output.say(f"{name + ':':<12}{text}")
    return 0


def describe_nas(context: CliContext) -> dict[str, str | None]:
    """Return the name and the release of the NAS, or why they are unknown."""
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.hints import text_of
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas import nas

    name = None
    try:
        name = context.nas
        return {"name": name, "release": nas.release(context.pixels.wire), "error": None}
    except PixelsError as error:
        return {"name": name, "release": None, "error": text_of(error)}
