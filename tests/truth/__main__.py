# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.truth [PYTEST ARGUMENTS]`: run the tests of real Incus and OpenZFS in a virtual machine.

`python -m tests.truth --run COMMAND ...` runs another command next to it. Ends with 77 where that is not possible.
"""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.lab import machine as lab_machine
from tests.lab import namespaces
from tests.truth import init, machine, recipe
from tests.truth.init import say

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "truth"
MODULES = "modules"
SCRATCH = "run-"
TESTS = ("tests/truth",)
OPTIONS = ("--engine", "incus", "--timeout", "1800", "-p", "no:cacheprovider", "--numprocesses", "0")


def prepare() -> Path:
    """Return the directory of the image; build it if it is missing. Raises RuntimeError, Unfit."""
    ready = CACHE / recipe.digest()
    CACHE.mkdir(parents=True, exist_ok=True)
    lock = os.open(CACHE, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            remove_old()
            make(ready)
        # In use for as long as this process lives.
        fcntl.flock(os.open(ready, os.O_RDONLY), fcntl.LOCK_SH)
    finally:
        os.close(lock)
    return ready


def remove_old() -> None:
    """Remove images that no process uses."""
    for left in CACHE.glob("*"):
        if left.name != MODULES and not left.name.startswith(SCRATCH) and is_free(left):
            shutil.rmtree(left)


def is_free(folder: Path) -> bool:
    file = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def make(ready: Path) -> None:
    began = time.monotonic()
    if problem := machine.lacks_disk(CACHE):
        raise machine.Unfit(problem)
    say(f"makes its image, once, from {recipe.archive()}; the modules of ZFS alone take a quarter of an hour")
    new = ready.with_suffix(".new")
    new.mkdir()
    status = namespaces.run(functools.partial(recipe.make, new, CACHE / MODULES), network=False)
    if status:
        raise RuntimeError(f"the image could not be made: status {status}")
    new.rename(ready)
    say(f"made its image in {time.monotonic() - began:.0f} s")


def main(words: list[str]) -> int:
    namespaces.die_with_parent()
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:{lab_machine.SYSTEM_PATH}"
    try:
        if problem := machine.unfit():
            raise machine.Unfit(problem)
        if lacking := lab_machine.lacking(machine.PACKAGES):
            say(f"installs {' '.join(lacking)}")
            lab_machine.install(lacking)
        image = prepare()
    except machine.Unfit as problem:
        say(f"not run: {problem}")
        return machine.UNFIT
    if words[:1] == ["--run"]:
        return run(image, words[1:])
    chosen = [] if any(word.startswith("tests/") for word in words) else TESTS
    return run(image, [sys.executable, "-m", "pytest", *OPTIONS, *chosen, *words])


def run(image: Path, command: list[str]) -> int:
    """Next to a virtual machine of its own."""
    scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=CACHE))
    work = functools.partial(init.serve, image, scratch, command=command)
    return namespaces.run(work, network=True, scratch=scratch)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
