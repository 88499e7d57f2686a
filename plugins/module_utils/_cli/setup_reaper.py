# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb setup reaper: run `pixels reap` regularly, by a timer of systemd in the session of this user."""

from __future__ import annotations

import os
import sys
import typing as t
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._api import atomic_file
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import user_dirs
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import lifetime

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output

PIXELS = Path(__file__).parents[3] / "bin" / "pixels"
NAME = "pixels-reap"

SERVICE = """[Unit]
Description=Destroy expired pixels, and stop idle ones
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
{environment}ExecStart={command}
"""

TIMER = """[Unit]
Description=Destroy expired pixels, and stop idle ones, regularly

[Timer]
OnStartupSec=2min
OnUnitInactiveSec={seconds}s

[Install]
WantedBy=timers.target
"""

ENABLE = f"systemctl --user daemon-reload && systemctl --user enable --now {NAME}.timer"
DISABLE = f"systemctl --user disable --now {NAME}.timer; systemctl --user daemon-reload"
LINGER = "loginctl enable-linger"


def set_up(args: argparse.Namespace, output: Output) -> int:
    """Write or remove the units, and print the command that makes systemd use them."""
    seconds = lifetime.parse_duration("--every", args.every)
    wanted = units(args, seconds)
    done = remove(wanted) if args.undo else write(wanted)
    next_step = DISABLE if args.undo else ENABLE
    if output.json:
        key = "removed" if args.undo else "written"
        output.print_json({key: [str(path) for path in done], "next": next_step})
        return 0
    for path in done:
        output.say(f"{'Removed' if args.undo else 'Wrote'} {path}")
    if not done:
        output.say("There are no units to remove." if args.undo else "The units are up to date.")
    output.say(f"Run: {next_step}")
    if not args.undo:
        output.say(f"To run it while you are not logged in: {LINGER}")
    return 0


def units(args: argparse.Namespace, seconds: int) -> dict[Path, str]:
    """Return the content of the units by their paths."""
    directory = (
        Path(os.environ.get("XDG_CONFIG_HOME") or os.path.join(user_dirs.home(), ".config")) / "systemd" / "user"
    )
    options = ["--config", os.path.abspath(args.config)] if args.config else []
    options += ["--nas", args.nas] if args.nas else []
    command = " ".join(quote(word) for word in (str(PIXELS), *options, "reap"))
    environment = f"Environment={quote(f'PIXELS_PYTHON={sys.executable}')}\n"
    return {
        directory / f"{NAME}.service": SERVICE.format(environment=environment, command=command),
        directory / f"{NAME}.timer": TIMER.format(seconds=seconds),
    }


def quote(word: str) -> str:
    """Return a word of a command line as a unit contains it (systemd.service(5), "Command lines")."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    if any(ord(character) < ord(" ") for character in word):
        raise Refused(f"cannot write the units: the path {word!r} has control characters. Use another path")
    return f'"{escaped}"'


def write(wanted: dict[Path, str]) -> list[Path]:
    """Write the units that differ, and return their paths. Raises `Refused`."""
    changed = [path for path, text in wanted.items() if atomic_file.read(path) != text.encode()]
    for path in changed:
        atomic_file.replace(path, wanted[path].encode())
    return changed


def remove(wanted: dict[Path, str]) -> list[Path]:
    """Remove the units, and return the paths of those that existed. Raises `Refused`."""
    existing = [path for path in wanted if path.exists()]
    for path in existing:
        try:
            path.unlink()
        except OSError as error:
            raise Refused(f"cannot remove {path}: {error.strerror or error}. Remove it yourself") from None
    return existing
