# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb setup ad-hoc: make `ansible -m pixels_exec` work without the full name of the collection.

Ansible finds modules and action plugins by their bare names only in two directories of the user. The verb writes links
there, so that they always lead to the installed version. Without its action plugin, a module would run in a separate
process.
"""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import user_dirs

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output

ROOT = Path(__file__).parents[3]
KINDS = ("modules", "action")
FULL_NAME = ("ansible_collections", "pixels", "truenas")


def set_up(args: argparse.Namespace, output: Output) -> int:
    """Create or remove the links."""
    done = undo() if args.undo else link_all()
    if output.json:
        output.print_json({"removed" if args.undo else "linked": [str(path) for path in done]})
        return 0
    for path in done:
        output.say(f"{'Removed' if args.undo else 'Linked'} {path}")
    if args.undo:
        if not done:
            output.say("No links to remove.")
        return 0
    if not done:
        output.say("All links already exist.")
    if ROOT.parts[-3:] != FULL_NAME:
        output.warn(
            f"Ansible does not find the collection in {ROOT}. Install it with ansible-galaxy, or work in the checkout, "
            "whose ansible.cfg sets the path"
        )
    return 0


def directory(kind: str) -> Path:
    """Return the directory of the user for a kind of plugin."""
    home = os.environ.get("ANSIBLE_HOME") or os.path.join(user_dirs.home(), ".ansible")
    return Path(home) / "plugins" / kind


def plugins(kind: str) -> list[Path]:
    """Return the plugins of a kind in this collection."""
    return sorted((ROOT / "plugins" / kind).glob("pixels_*.py"))


def link_all() -> list[Path]:
    """Create the missing links. Raises `Refused` before creating any, if another file has the name of one."""
    if not plugins("modules"):
        raise Refused(
            f"cannot create the links: {ROOT} contains the command without the Ansible modules. Install the collection "
            "with ansible-galaxy, and run bin/pixels in it"
        )
    links = {directory(kind) / plugin.name: plugin for kind in KINDS for plugin in plugins(kind)}
    foreign = [path for path in links if os.path.lexists(path) and not is_own_link(path)]
    if foreign:
        raise Refused(f"cannot create the links: these files exist: {', '.join(map(str, foreign))}. Remove them first")
    done = []
    for path, plugin in links.items():
        if path.is_symlink() and path.readlink() == plugin:
            continue
        try:
            link(path, plugin)
        except OSError as error:
            raise Refused(
                f"cannot write {path}: {error.strerror or error}. Set ANSIBLE_HOME to a directory that can be written"
            ) from None
        done.append(path)
    return done


def link(path: Path, plugin: Path) -> None:
    """Create a link, or replace an older one."""
    if path.is_symlink():
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(plugin)


def undo() -> list[Path]:
    """Remove the links that lead into any version of this collection, and nothing else."""
    done = []
    for kind in KINDS:
        for path in sorted(directory(kind).glob("pixels_*.py")):
            if is_own_link(path):
                path.unlink()
                done.append(path)
    return done


def is_own_link(path: Path) -> bool:
    """Return whether this is a link into any version of this collection."""
    return path.is_symlink() and path.readlink().parts[-3:-1] == ("plugins", path.parent.name)
