# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.lab [PYTEST ARGUMENTS]`: makes the lab, runs the tests that need one in it, and leaves nothing.

`python -m tests.lab --run COMMAND ...` runs another command there. Ends with 77 where there can be no lab.
"""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.lab import init, machine, namespaces, recipe

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "lab"
TESTS = (
    "tests/lab",
    "tests/integration/test_living.py",
    "tests/integration/test_checkpoints.py::test_a_group_is_saved_put_back_and_cloned_by_playbooks",
    "tests/integration/test_connection.py::test_modules_of_ansible_run_in_pixels_without_ssh",
    "tests/integration/test_connection.py::test_user_key_and_become_password_count_over_every_transport",
    "tests/integration/test_provisioning.py::test_a_bare_system_becomes_one_to_work_in_and_stays_it",
    "tests/integration/test_egress.py",
    "tests/integration/test_agents.py",
    "tests/integration/test_truenas_26.py",
    "tests/integration/test_playbooks.py::test_the_main_job_from_a_playbook_to_ssh_and_back",
)
"""What depends on a real system: its init system, packages, users, file system or network."""
OUTSIDE = "tests/lab/outside"
"""Tests of the lab as a whole, which start labs of their own."""
OPTIONS = ("--engine", "lxc", "--timeout", "180", "-p", "no:cacheprovider", "--ignore", OUTSIDE)
MOST_TRIES = 2
"""For all that comes from an archive, which may not answer for a moment."""
MOST_LABS = 3
"""How often a lab is created again after its zfs-fuse ended."""
LOST = {init.STUCK: "got stuck", init.CRASHED: "crashed"}


def say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


def prepare() -> Path:
    """Return the directory of what is built once; build it if it is missing. Raises RuntimeError, Unfit."""
    ready = CACHE / recipe.digest()
    CACHE.mkdir(parents=True, exist_ok=True)
    lock = os.open(CACHE, os.O_RDONLY)
    try:
        if not _locked(lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
            say("waits for another lab, which makes the golden image")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            for left in CACHE.glob("*"):
                if _locked(os.open(left, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB):
                    shutil.rmtree(left)
            make(ready)
        # In use for as long as this process lives.
        fcntl.flock(os.open(ready, os.O_RDONLY), fcntl.LOCK_SH)
    finally:
        os.close(lock)
    return ready


def _locked(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        return False
    return True


def make(ready: Path) -> None:
    began = time.monotonic()
    if problem := machine.lacks_disk(CACHE):
        raise machine.Unfit(problem)
    new = ready.with_suffix(".new")
    for tries in range(1, MOST_TRIES + 1):
        archive = recipe.archive()
        say(f"makes its golden image, once, from {archive}")
        new.mkdir()
        status = namespaces.run(functools.partial(recipe.make, new, archive), network=False)
        if not status:
            break
        shutil.rmtree(new)
        if status >= namespaces.INTERRUPTED:
            sys.exit(status)
        if tries == MOST_TRIES:
            raise RuntimeError("the system of the golden image could not be made")
    say(f"the system is there after {time.monotonic() - began:.0f} s")
    for _attempt in range(MOST_LABS):
        status = namespaces.run(functools.partial(init.make_pool, new, new / "pool.img"), network=True)
        if not status:
            break
        if status >= namespaces.INTERRUPTED:
            sys.exit(status)
    else:
        raise RuntimeError("the pool of the golden image could not be made")
    say(f"the pool is there after {time.monotonic() - began:.0f} s")
    (new / "base.tar").unlink()
    (new / "work").rmdir()
    new.rename(ready)


def main(words: list[str]) -> int:
    namespaces.die_with_parent()
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:{machine.SYSTEM_PATH}"
    try:
        if problem := machine.unfit():
            raise machine.Unfit(problem)
        if lacking := machine.lacking():
            say(f"installs {' '.join(lacking)}")
            machine.install(lacking)
        if status := namespaces.run(machine.preflight, network=True):
            return status
        ready = prepare()
    except machine.Unfit as problem:
        say(f"not run: {problem}")
        return machine.UNFIT
    if words[:1] == ["--run"]:
        return run(ready, words[1:])
    pytest = [sys.executable, "-m", "pytest"]
    chosen = [] if any(word.startswith("tests/") for word in words) else TESTS
    status = run(ready, [*pytest, *OPTIONS, *chosen, *words])
    if status == 0 and not words:
        say("now labs that are killed")
        status = subprocess.run([*pytest, "--timeout", "180", OUTSIDE], cwd=ROOT, check=False).returncode
    return status


def run(ready: Path, command: list[str]) -> int:
    for _lab in range(MOST_LABS):
        work = functools.partial(init.serve, ready, ready / "pool.img", command=command)
        status = namespaces.run(work, network=True)
        if status not in LOST:
            break
        say(f"zfs-fuse {LOST[status]}: once more, in a new lab")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
