# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies what git would carry, committed or not: `python -m tests.build.working_tree FOLDER`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def files() -> list[Path]:
    """Tracked files and new ones that are not ignored, relative to the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    # A file that was deleted without telling git is still listed.
    return sorted({Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).exists()})


def copy_to(folder: Path) -> None:
    """Make `folder` hold exactly the working tree; what was in it goes."""
    if folder.exists():
        shutil.rmtree(folder)
    for name in files():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)


if __name__ == "__main__":
    copy_to(Path(sys.argv[1]).absolute())
