# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is anything of a lab left on the machine once it has ended, however it ended? Each test starts labs of its own."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
import uuid
from pathlib import Path

import pytest

from tests.lab import namespaces
from tests.lab.machine import UNFIT

ROOT = Path(__file__).resolve().parents[3]
MARK = "PIXELS_LAB_TEST"
SECONDS_TO_APPEAR = 60
SECONDS_TO_VANISH = 60
LONGEST = 6.0
"""Seconds after which a lab of these tests has everything: pool, network, hosts, containers that boot."""
KINDS = ("net", "mnt", "pid", "uts", "ipc")
WORK = ("tests/lab/test_engine.py", "-k", "several or rollback", "-q")


class Lab:
    """One that is at work, and what it would leave behind."""

    def __init__(self, *command: str) -> None:
        self.mark = f"{MARK}={uuid.uuid4()}"
        name, _is, value = self.mark.partition("=")
        self.interfaces = interfaces()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab", *command],
            cwd=ROOT,
            env={**os.environ, name: value},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.namespaces: set[str] = set()

    def processes(self) -> list[int]:
        """Return the processes that inherited the mark of this test, or are in a namespace of one that did."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        try:
            if self.mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                return True
            return not self.namespaces.isdisjoint(namespaces_of(pid))
        except OSError:
            return False

    def note_namespaces(self) -> None:
        for pid in self.processes():
            # It may have ended by now.
            with contextlib.suppress(OSError):
                self.namespaces |= namespaces_of(pid)
        self.namespaces -= namespaces_of(os.getpid())

    def left(self) -> list[str]:
        """Everything of it that is still there."""
        group = f"{namespaces.NAME}{self.process.pid}"
        return [
            *(f"process {pid}" for pid in self.processes()),
            *(f"control group {path}" for path in namespaces.groups(group)),
            *(f"interface {name}" for name in interfaces() - self.interfaces),
            *(
                f"mount {line}"
                for line in Path("/proc/self/mountinfo").read_text().splitlines()
                if "pixels-lab" in line
            ),
            *(str(path) for path in (Path("/run/pixels-lab"), Path("/mnt/pixels-lab")) if path.exists()),
        ]

    def wait_until_gone(self) -> list[str]:
        until = time.monotonic() + SECONDS_TO_VANISH
        self.process.communicate()
        while (left := self.left()) and time.monotonic() < until:
            time.sleep(0.05)
        return left

    def kill(self, number: signal.Signals, pid: int) -> None:
        self.note_namespaces()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def wait_for(self, name: str) -> int:
        """A process of the lab by a word of its command."""
        until = time.monotonic() + SECONDS_TO_APPEAR
        while time.monotonic() < until:
            for pid in self.processes():
                with contextlib.suppress(OSError):
                    if name.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                        return pid
            time.sleep(0.02)
        raise AssertionError(f"no {name} in the lab after {SECONDS_TO_APPEAR} s")


def namespaces_of(pid: int) -> set[str]:
    return {os.readlink(f"/proc/{pid}/ns/{kind}") for kind in KINDS}


def interfaces() -> set[str]:
    return set(os.listdir("/sys/class/net"))


def zpools() -> str:
    """What the machine's own zfs-fuse has, where it has one."""
    return subprocess.run(["zpool", "list", "-H"], capture_output=True, text=True, check=False).stdout


@pytest.fixture
def moment(request: pytest.FixtureRequest) -> float:
    """A different value in every run; a failed test shows it."""
    return random.uniform(0, LONGEST)


@pytest.mark.parametrize("attempt", range(2))
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_lab_that_is_killed_leaves_nothing(number: signal.Signals, attempt: int, moment: float) -> None:
    pools = zpools()
    lab = Lab(*WORK)
    time.sleep(moment)

    # A terminal sends its Ctrl-C to all that it started.
    lab.kill(number, -lab.process.pid if number == signal.SIGINT else lab.process.pid)

    assert lab.wait_until_gone() == [], f"killed after {moment:.3f} s"
    assert zpools() == pools


@pytest.mark.parametrize("name", ["zfs-fuse", "dnsmasq", "pytest", "init"])
def test_a_lab_of_which_a_part_is_killed_leaves_nothing(name: str) -> None:
    lab = Lab(*WORK)
    # Before it there are others of the same names, by which the lab finds out what this machine lets it do.
    pytest_of_lab = lab.wait_for("pytest")
    pid = pytest_of_lab if name == "init" else lab.wait_for(name)
    time.sleep(random.uniform(0, 2))

    lab.kill(signal.SIGKILL, parent(pid) if name == "init" else pid)
    if name in ("zfs-fuse", "dnsmasq"):
        # What needs it may wait for long.
        time.sleep(1)
        lab.kill(signal.SIGKILL, lab.process.pid)

    assert lab.wait_until_gone() == []
    assert lab.process.returncode not in (0, UNFIT)


def test_a_lab_ends_with_the_process_that_started_it() -> None:
    shell = subprocess.Popen(
        ["sh", "-c", f"{sys.executable} -m tests.lab --run sleep 600 & echo $!; wait"], cwd=ROOT, stdout=subprocess.PIPE
    )
    started = int(t.cast(t.IO[bytes], shell.stdout).readline())
    time.sleep(random.uniform(0, LONGEST))
    group = f"{namespaces.NAME}{started}"

    shell.kill()

    shell.communicate()
    until = time.monotonic() + SECONDS_TO_VANISH
    while (runs(started) or namespaces.groups(group)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not runs(started)
    assert namespaces.groups(group) == []


def test_a_command_that_fails_fails_the_lab_with_its_status_and_leaves_nothing() -> None:
    lab = Lab("--run", "sh", "-c", "sleep 0.5; exit 5")
    time.sleep(0.5)
    lab.note_namespaces()
    during = lab.left()

    left = lab.wait_until_gone()

    assert during != []
    assert (left, lab.process.returncode) == ([], 5)


def test_a_daemon_that_gets_stuck_is_noticed_and_the_lab_is_made_again() -> None:
    stop = "import os, signal, time; time.sleep(0.2); os.kill(1, signal.SIGUSR1); time.sleep(600)"
    lab = Lab("--run", sys.executable, "-c", stop)

    message, _nothing = lab.process.communicate(timeout=150)

    assert message.count(b"zfs-fuse got stuck") == 3
    assert lab.process.returncode not in (0, UNFIT)
    assert lab.left() == []


CRASH = """
import os, pathlib, signal, sys, time
if not os.path.exists(sys.argv[1]):
    pathlib.Path(sys.argv[1]).touch()
    for each in filter(str.isdigit, os.listdir("/proc")):
        if pathlib.Path(f"/proc/{each}/comm").read_text().strip() == "zfs-fuse":
            os.kill(int(each), signal.SIGSEGV)
    time.sleep(600)
"""


def test_a_daemon_that_crashes_is_noticed_and_the_lab_is_made_again() -> None:
    # Not below tmp_path, which may be in /dev/shm: the lab has another one of its own.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        lab = Lab("--run", sys.executable, "-c", CRASH, f"{folder}/crashed")

        message, _nothing = lab.process.communicate(timeout=150)

    assert message.count(b"zfs-fuse crashed: once more, in a new lab") == 1
    assert lab.process.returncode == 0
    assert lab.left() == []


def runs(pid: int) -> bool:
    """Not every machine has a pid 1 that takes note of the end of others."""
    try:
        return status(pid)["State"][0] not in "ZX"
    except FileNotFoundError:
        return False


def parent(pid: int) -> int:
    return int(status(pid)["PPid"])


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _is, value in (line.partition(":") for line in lines)}
