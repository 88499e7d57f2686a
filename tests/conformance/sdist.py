# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads the integration targets of the installed ansible-core, which are part of its source distribution only."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path

VERSION = importlib.metadata.version("ansible-core")

PASSLIB = "passlib==1.7.4"

# Targets that others depend on have these prefixes.
HELPER_PREFIXES = ("setup_", "prepare_")


def download(directory: Path) -> Path:
    """Return the archive of the installed version, and download it with pip if it is not in `directory`."""
    archive = directory / f"ansible_core-{VERSION}.tar.gz"
    if not archive.exists():
        directory.mkdir(parents=True, exist_ok=True)
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check")
        options = ("--no-deps", "--no-binary", "ansible-core", "--dest", str(directory), f"ansible-core=={VERSION}")
        subprocess.run([*pip, *options], check=True)
    return archive


def install_filters(directory: Path) -> None:
    """Install the library for the filter `password_hash`, which only the targets use."""
    if not (directory / "passlib").is_dir():
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile")
        subprocess.run([*pip, "--no-deps", "--target", str(directory), PASSLIB], check=True)


def extract(archive: Path, directory: Path, targets: t.Container[str]) -> Path:
    """Extract targets and their dependencies into a new `directory`; return the directory of the targets."""
    shutil.rmtree(directory, ignore_errors=True)
    with tarfile.open(archive) as opened:
        # Python 3.11.2, which is that of Debian 12, has no filters.
        opened.extraction_filter = getattr(tarfile, "data_filter", None)
        for member in opened:
            _root, *path = Path(member.name).parts
            if path[:3] != ["test", "integration", "targets"] or len(path) < 4:
                continue
            if path[3] in targets or path[3].startswith(HELPER_PREFIXES):
                member.name = str(Path(*path))
                opened.extract(member, directory)
    return directory / "test/integration/targets"
