# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how many small changes of the code (mutants) make a test fail.

mutmut creates the mutants: other operators, constants, strings and arguments. Its own runner copies the tree, and
expects that the path of a file is the name of its module, which is not so in a collection. This runner leaves the tree
unchanged: for each mutant it forks a process that has imported the libraries, imports the mutant instead of the source
file, and runs the tests of that file until one fails. `tests/mutants/subjects.py` lists the files and their tests.

The survivors are written to build/mutants/survivors.diff.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import resource
import select
import signal
import sys
import typing as t
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.mutation import Mutant, MutantFinder, mutants_of
from tests.mutants.subjects import ROOT, SOURCES, sources, tests_of

OUTPUT = ROOT / "build/mutants"
PACKAGE = "ansible_collections.pixels.truenas.plugins.module_utils"
LIBRARIES = ("tests.conftest", "tests.simulator.running", "ansible.module_utils.testing")

TEST_TIMEOUT_S = 20
OPTIONS = [
    *("-x", "-q", "--tb=no", "-m", "not wide", f"--timeout={TEST_TIMEOUT_S}"),
    *("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly"),
]
CPU_TIMEOUT_S = 60
WALL_TIMEOUT_S = 300
"""High, because the tests of another process may need the processors."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__.splitlines()[0])
    parser.add_argument(
        "patterns", nargs="*", metavar="FILES", help="texts in the paths of the files to mutate (default: all)"
    )
    parser.add_argument("--sample", type=int, default=20, help="mutants of each file, 0 for all (default: 20)")
    arguments = parser.parse_args()
    import_libraries()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    total: Counter[str] = Counter()
    print_row("file", "mutants", "run", "killed", "survived", "timeout", "killed %")
    with (OUTPUT / "survivors.diff").open("w") as survivors:
        for source in sources(arguments.patterns):
            counts = measure(source, arguments.sample, survivors)
            print_counts(str(source.relative_to(SOURCES)), counts)
            total += counts
    print_counts("total", total)
    return 0


def import_libraries() -> None:
    """Import what every test needs, but nothing of the collection, which a mutant must be imported before."""
    for name in LIBRARIES:
        importlib.import_module(name)
    assert not any(name.startswith(f"{PACKAGE}.") for name in sys.modules)


def measure(source: Path, sample: int, survivors: t.TextIO) -> Counter[str]:
    """Run the tests for mutants of one file, and write down the mutants that survive."""
    module = ".".join((PACKAGE, *source.relative_to(SOURCES).with_suffix("").parts))
    tests = tests_of(source)
    number, mutants = mutants_of(source, sample)
    unchanged = Mutant(source.read_text(), "")
    if run_tests(module, source, unchanged, tests) != "survived":
        sys.exit(f"Cannot measure {source}: its tests fail without a mutation. Run: .venv/bin/pytest {' '.join(tests)}")
    counts = Counter({"mutants": number, "run": len(mutants)})
    for mutant in mutants:
        ended = run_tests(module, source, mutant, tests)
        counts[ended] += 1
        if ended == "survived":
            survivors.write(f"{source.relative_to(ROOT)}\n{mutant.diff}\n\n")
            survivors.flush()
    return counts


def run_tests(module: str, source: Path, mutant: Mutant, tests: list[str]) -> str:
    """Return the result for a mutant: `killed`, `survived` or `timeout`."""
    process = os.fork()
    if not process:
        try:
            os._exit(run_in_child(module, source, mutant, tests))
        except BaseException:  # noqa: BLE001 - a mutant that cannot be imported is found by each test
            os._exit(pytest.ExitCode.TESTS_FAILED)
    descriptor = os.pidfd_open(process)
    ready, *_others = select.select([descriptor], [], [], WALL_TIMEOUT_S)
    os.close(descriptor)
    # Tests that are interrupted leave processes behind.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    _process, status = os.waitpid(process, 0)
    if not ready or os.WIFSIGNALED(status):
        return "timeout"
    return "survived" if os.WEXITSTATUS(status) == pytest.ExitCode.OK else "killed"


def run_in_child(module: str, source: Path, mutant: Mutant, tests: list[str]) -> int:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_TIMEOUT_S, CPU_TIMEOUT_S))
    log = os.open(OUTPUT / "last.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(log, stream)
    MutantFinder(module, source, mutant.code).install()
    return pytest.main([*OPTIONS, *tests])


def print_counts(name: str, counts: Counter[str]) -> None:
    share = 100 * (counts["killed"] + counts["timeout"]) / max(counts["run"], 1)
    columns = ("mutants", "run", "killed", "survived", "timeout")
    print_row(name, *(str(counts[column]) for column in columns), f"{share:.0f}")


def print_row(name: str, *columns: str) -> None:
    print(f"{name:38}", *(f"{column:>8}" for column in columns), flush=True)


if __name__ == "__main__":
    sys.exit(main())
