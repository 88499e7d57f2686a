# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(python -m tests.lab [PYTEST ARGUMENTS]): makes the lab, runs the tests that need one in it, and leaves nothing.

C(python -m tests.lab --run COMMAND ...) runs another command there. Ends with 77 where there can be no lab.
"""

from __future__ import annotations

import functools
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
    "tests/integration/test_checkpoints.py",
    "tests/integration/test_connection.py",
    "tests/integration/test_provisioning.py",
    "tests/integration/test_playbooks.py::test_the_main_job_from_a_playbook_to_ssh_and_back",
)
OUTSIDE = "tests/lab/outside"
"""Tests of the lab as a whole, which start labs of their own."""
# On a busy machine, a connection of one test may still be closing when the next one begins.
WARNINGS = ("-W", "default::ResourceWarning", "-W", "default::pytest.PytestUnraisableExceptionWarning")
OPTIONS = ("--engine", "lxc", "--timeout", "180", "-p", "no:cacheprovider", "--ignore", OUTSIDE, *WARNINGS)
MOST_LABS = 3
"""One that got stuck is made anew so often."""


def say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


def prepare() -> Path:
    """The folder with everything that is made once; made when it is not there yet. Raises RuntimeError."""
    ready = CACHE / recipe.digest()
    if ready.exists():
        return ready
    for left in CACHE.glob("*"):
        shutil.rmtree(left)
    began = time.monotonic()
    new = CACHE / f"{recipe.digest()}.new"
    new.mkdir(parents=True)
    say("makes its golden image, once")
    steps: dict[str, tuple[namespaces.Work, bool]] = {
        "the system": (functools.partial(recipe.make, new), False),
        "the pool": (functools.partial(init.make_pool, new, new / "pool.img"), True),
    }
    for what, (work, separate) in steps.items():
        if namespaces.run(work, network=separate):
            raise RuntimeError(f"{what} of the golden image could not be made")
        say(f"{what} is there after {time.monotonic() - began:.0f} s")
    (new / "base.tar").unlink()
    new.rename(ready)
    return ready


def main(words: list[str]) -> int:
    namespaces.die_with_parent()
    problem = machine.unfit()
    if problem:
        say(f"not run: {problem}")
        return machine.UNFIT
    if lacking := machine.lacking():
        say(f"installs {' '.join(lacking)}")
        machine.install(lacking)
    ready = prepare()
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
        if status != init.STUCK:
            break
        say("zfs-fuse got stuck: once more, in a new lab")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
