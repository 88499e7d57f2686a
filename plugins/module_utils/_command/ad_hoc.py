# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb setup ad-hoc: lets C(ansible -m pixels_exec) work without the collection's full name, and takes that back.

Ansible finds modules and action plugins by their bare names in two folders of the user only. Links, not copies, so that
they are of the version that is installed; a module without its action plugin would run in a process of its own.
"""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output

ROOT = Path(__file__).parents[3]
KINDS = ("modules", "action")
FULL_NAME = ("ansible_collections", "pixels", "truenas")


def set_up(asked: argparse.Namespace, output: Output) -> int:
    done = undo() if asked.undo else link_all()
    if output.json:
        output.give({"removed" if asked.undo else "linked": [str(path) for path in done]})
        return 0
    for path in done:
        output.say(f"{'Removed' if asked.undo else 'Linked'} {path}")
    if asked.undo:
        if not done:
            output.say("There was nothing to remove.")
        return 0
    if not done:
        output.say("Everything is in place already.")
    if ROOT.parts[-3:] != FULL_NAME:
        output.warn(
            f"Ansible must find the collection as well, and {ROOT} is no folder it looks into: install it with "
            "ansible-galaxy, or work in the checkout, whose ansible.cfg says where it is"
        )
    return 0


def folder(kind: str) -> Path:
    home = os.environ.get("ANSIBLE_HOME") or os.path.join(os.path.expanduser("~"), ".ansible")
    return Path(home) / "plugins" / kind


def plugins(kind: str) -> list[Path]:
    return sorted((ROOT / "plugins" / kind).glob("pixels_*.py"))


def link_all() -> list[Path]:
    """Make the links that are missing. Raises C(Refused) where something else has the name, having made none."""
    wanted = {folder(kind) / plugin.name: plugin for kind in KINDS for plugin in plugins(kind)}
    in_the_way = [path for path in wanted if path.exists() and not path.is_symlink()]
    if in_the_way:
        raise Refused(f"not made by this command, and in its way: {', '.join(map(str, in_the_way))}")
    done = []
    for path, plugin in wanted.items():
        if path.is_symlink():
            if path.readlink() == plugin:
                continue
            path.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(plugin)
        done.append(path)
    return done


def undo() -> list[Path]:
    """Remove the links that lead into a collection of this kind, of whichever version, and nothing else."""
    done = []
    for kind in KINDS:
        for path in sorted(folder(kind).glob("pixels_*.py")):
            if path.is_symlink() and path.readlink().parts[-3:-1] == ("plugins", kind):
                path.unlink()
                done.append(path)
    return done
