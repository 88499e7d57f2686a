# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where do the lab's datasets live? In a pool of a zfs-fuse daemon of its own, which is a file in memory."""

from __future__ import annotations

import os
import subprocess
import time
import typing as t
from pathlib import Path

from tests.lab import mounts

FOLDER = Path("/run/pixels-lab/pool")
SIZE = 40 * 1024**3
SECONDS_TO_START = 20


def start(shifted_ids: Path) -> subprocess.Popen[t.Any]:
    """The daemon, with the library that shifts ids; returns once it answers."""
    mounts.memory(FOLDER)
    # KiB of stack for each of its threads. With 64 it crashed at every tenth rm -rf of a system, never with this.
    daemon = subprocess.Popen(
        ["zfs-fuse", "--no-daemon", "--no-kstat-mount", "--stack-size=1024", "--enable-xattr"],
        env={**os.environ, "LD_PRELOAD": str(shifted_ids)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + SECONDS_TO_START
    while subprocess.run(["zpool", "list"], capture_output=True, check=False, timeout=SECONDS_TO_START).returncode:
        if daemon.poll() is not None or time.monotonic() > until:
            raise RuntimeError("zfs-fuse did not start")
        time.sleep(0.02)
    return daemon


def create(name: str, mounted_at: str) -> None:
    file = FOLDER / "pool.img"
    with file.open("wb") as made:
        made.truncate(SIZE)
    zpool(
        "create", "-f", "-m", "none", "-O", "canmount=off", "-O", "atime=off", "-O", "compression=on", name, str(file)
    )
    zfs("set", f"mountpoint={mounted_at}", name)
    zfs("create", "-o", "canmount=off", f"{name}/.ix-virt")
    for part in ("containers", "images"):
        zfs("create", "-o", "canmount=off", f"{name}/.ix-virt/{part}")


def load(name: str, image: Path) -> None:
    subprocess.run(["cp", "--sparse=always", str(image), str(FOLDER / "pool.img")], check=True)
    zpool("import", "-f", "-d", str(FOLDER), name)


def save(name: str, image: Path) -> None:
    """Wait until no file of the pool is open."""
    zpool("export", name)
    subprocess.run(["cp", "--sparse=always", str(FOLDER / "pool.img"), str(image)], check=True)


def zpool(*words: str) -> None:
    _run("zpool", *words)


def zfs(*words: str) -> None:
    _run("zfs", *words)


def _run(*words: str) -> None:
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(words)}: {ended.stderr.strip()}")
