# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets tests import the collection as Ansible does, untouched by the developer's own settings."""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import os
import random
import shutil
import signal
import sys
import tempfile
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COLLECTIONS = ROOT / "build"

# What tests are made of; changes here are rare, and the tests of the plugins use all of it.
TOOLS = tuple(ROOT / "tests" / "unit" / name for name in ("bench", "lab", "simulator", "truth"))


NEED_A_NAS = {"ansible", "command", "internet", "truenas"}
"""Fixtures that start processes, network namespaces or a simulated NAS."""

SEED = 1
"""Of the sample that `--cells` takes, so that it is the same in each run."""

MEMORY = "/dev/shm"
MEMORY_BYTES = 4 * 1024**3
"""How much must be free there for it to be used."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        default="process",
        choices=("process", "lxc", "incus"),
        help="what containers are that a test goes inside",
    )
    parser.addoption(
        "--cells",
        type=float,
        default=1.0,
        metavar="PART",
        help="the part of the wide cases of tests, and of the cells of sweeps, to run: from 0 to 1",
    )


def pytest_report_header(config: pytest.Config) -> str | None:
    part = config.getoption("cells")
    return f"cells: {part:g} of the wide cases and of the cells of sweeps, seed {SEED}" if part < 1 else None


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> t.Generator[None, t.Any, t.Any]:
    """Collect without looking for garbage: what is collected stays until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even read what `make test` leaves out as a whole."""
    return True if config.option.markexpr == "not wide" and collection_path in TOOLS else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mark_wide(items)
    if config.getoption("cells") < 1:
        dropped = beyond_sample(items, config.getoption("cells"))
        items[:] = [item for item in items if item not in dropped]
        config.hook.pytest_deselected(items=list(dropped))


def beyond_sample(items: list[pytest.Item], part: float) -> set[pytest.Item]:
    """Return the wide cases that a sample leaves out. It has at least one case of each test function.

    Whether a case belongs to it depends on the name of the case alone, and not on what else is collected.
    """
    functions: dict[object, list[pytest.Item]] = {}
    for item in items:
        functions.setdefault(function_of(item), []).append(item)
    dropped: set[pytest.Item] = set()
    for cases in functions.values():
        drawn = {item: random.Random(f"{SEED} {name_in_file(item)}").random() for item in cases}
        chosen = {item for item in cases if drawn[item] < part or not item.get_closest_marker("wide")}
        dropped.update(set(cases) - (chosen or {min(cases, key=drawn.__getitem__)}))
    return dropped


def name_in_file(item: pytest.Item) -> str:
    """Return what names a test case, wherever the checkout is."""
    return f"{item.path.relative_to(ROOT)}::{item.name}"


def mark_wide(items: list[pytest.Item]) -> None:
    """Mark as `wide` what `make test` leaves to `make test-all`.

    These are the tests of tools, repetitions on an older release, and most cases of a test that has many of them and
    needs a simulated NAS for each: of these `make test` runs one for each API of containers. Other tests have the mark
    in their file: those that take seconds each, and those that show again what others show in part.
    """
    newest: dict[object, str] = {}
    for item in items:
        release = release_of(item)
        if release:
            test = without_release(item)
            newest[test] = max(release, newest.get(test, ""))
    cases: dict[object, list[pytest.Item]] = {}
    for item in items:
        release = release_of(item)
        repeated = bool(release) and release < newest[without_release(item)]
        if repeated or tests_a_tool(item.path):
            item.add_marker(pytest.mark.wide)
        elif item.get_closest_marker("wide"):
            continue
        elif NEED_A_NAS.intersection(getattr(item, "fixturenames", ())):
            generation = str(parameters(item).get("release", "")).startswith("26")
            cases.setdefault((function_of(item), generation), []).append(item)
    for group in cases.values():
        # Plugins that change the order of tests do not change which ones are run.
        group.sort(key=lambda item: tuple(item.callspec.indices.values()) if hasattr(item, "callspec") else ())
        del group[len(group) // 2]
        for item in group:
            item.add_marker(pytest.mark.wide)


@functools.cache
def tests_a_tool(path: Path) -> bool:
    return any(map(path.is_relative_to, TOOLS))


def release_of(item: pytest.Item) -> str:
    """Return the release of TrueNAS that a test is repeated on; empty if the test selects its release.

    Releases 25.04 and 25.10 have the same API for containers. That of 26 is another one, and no repetition.
    """
    release = parameters(item).get("release")
    return release if release in ("25.04", "25.10") else ""


def function_of(item: pytest.Item) -> tuple[Path, str]:
    """Return the file and the name of a test function."""
    return item.path, getattr(item, "originalname", None) or item.name


def without_release(item: pytest.Item) -> object:
    """Return what the repetitions of one test on several releases have in common."""
    others = sorted((name, repr(value)) for name, value in parameters(item).items() if name != "release")
    return *function_of(item), tuple(others)


def parameters(item: pytest.Item) -> dict[str, object]:
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec else {}


def link_the_checkout() -> None:
    """Give the checkout the path that Ansible derives the collection's name from; `make` does the same."""
    link = COLLECTIONS / "ansible_collections" / "pixels" / "truenas"
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("../../..")


def forget_the_settings_of_the_developer() -> None:
    """Before the first import of ansible, which reads its settings once."""
    for name in list(os.environ):
        if name.startswith(("ANSIBLE_", "PIXELS_")) and name != "PIXELS_CONTRACT_DIR":
            del os.environ[name]
    # A short path: sockets live below it, and theirs may not be longer than about 100 characters.
    home = tempfile.mkdtemp(prefix="pixels-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ["ANSIBLE_HOME"] = home
    # Nor is the configuration of the command, the modules and the inventory.
    os.environ["XDG_CONFIG_HOME"] = os.path.join(home, "config")
    # Shared sessions, and the count of logins, are not those of the developer either.
    os.environ["XDG_RUNTIME_DIR"] = home
    # Set explicitly, because Ansible ignores ansible.cfg in a directory that other users can write to.
    os.environ["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")


def use_memory_for_temporary_files() -> None:
    """Overlay mounts and removed trees make a disk wait for its journal, once or more in a test.

    Guests of the simulator need extended attributes, which a tmpfs has from Linux 6.6 on.
    """
    if "TMPDIR" in os.environ or not os.path.isdir(MEMORY):
        return
    size = os.statvfs(MEMORY)
    if size.f_bavail * size.f_frsize < MEMORY_BYTES or size.f_flag & os.ST_NOEXEC:
        return
    with contextlib.suppress(OSError), tempfile.NamedTemporaryFile(dir=MEMORY) as file:
        os.setxattr(file.name, "user.pixels", b"")
        os.environ["TMPDIR"] = MEMORY
        tempfile.tempdir = None


def keep_bytecode() -> None:
    """Keep bytecode: a run starts Python hundreds of times, and each start would compile the files again."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def install_the_collection_loader() -> None:
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader([str(COLLECTIONS)])


def let_programs_be_interrupted() -> None:
    """In a shell's background or under nohup these signals are ignored, and all that tests start would inherit it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


link_the_checkout()
use_memory_for_temporary_files()
let_programs_be_interrupted()
forget_the_settings_of_the_developer()
keep_bytecode()
install_the_collection_loader()
