# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program in namespaces of its own, so that nothing of it is left however it ends.

It gets namespaces of its own and is pid 1 there: with it go its processes, its mounts, its interfaces. It dies with the
process that waits for it, which dies with its parent. Only control groups are outside of all namespaces, so a
small separate process waits for the end, normal or not, and removes those.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import sys
import time
import traceback
import typing as t
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
NAME = "pixels-lab-"
NEW_MOUNTS, NEW_NAMES, NEW_IPC, NEW_PIDS, NEW_NETWORK = 0x0002_0000, 0x0400_0000, 0x0800_0000, 0x2000_0000, 0x4000_0000
PR_SET_PDEATHSIG = 1
SECONDS_TO_END = 15
"""Seconds in which an interrupted program must end."""
SECONDS_TO_SWEEP = 30
INTERRUPTED = 128
"""To which the number of a signal is added."""

Work = t.Callable[[str], int]
"""What is to be done, given the name of its control group."""


def _call(name: str, *arguments: int) -> None:
    """A system call by its name in the C library. Raises OSError."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def die_with_parent() -> None:
    _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def run(work: Work, *, network: bool, scratch: Path | None = None) -> int:
    """Do something as pid 1 of new namespaces, with or without the machine's own network; returns its exit status.

    The directory `scratch` is removed at the end, however that comes.
    """
    _sweep_left_behind()
    group = f"{NAME}{os.getpid()}"
    end_of_all, held = os.pipe()
    janitor = _start_janitor(group, end_of_all, held, scratch)
    os.close(end_of_all)
    try:
        pid = _start(work, group, network=network)
        return _wait(pid)
    finally:
        os.close(held)
        os.waitpid(janitor, 0)


def _start(work: Work, group: str, *, network: bool) -> int:
    """A process of its own calls unshare(), which is for its children; it ends as they do."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    # Neither branch may ever return to the caller.
    try:
        die_with_parent()
        signal.signal(signal.SIGINT, lambda *_: None)
        _call("unshare", NEW_MOUNTS | NEW_NAMES | NEW_IPC | NEW_PIDS | (NEW_NETWORK if network else 0))
        asking, answer = os.pipe()
        inner = os.fork()
        if not inner:
            os.close(answer)
            die_with_parent()
            # Of a parent that died before that call nothing is heard here.
            if os.read(asking, 1):
                status = work(group)
        else:
            os.close(asking)
            os.write(answer, b"g")
            status = _wait(inner)
    finally:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _wait(pid: int) -> int:
    """Wait for the end of a process. After an interrupt it has some seconds to end; then it is killed.

    Return its status: INTERRUPTED or higher if it was interrupted and did not succeed.
    """
    received: list[int] = []

    def interrupt(number: int, _frame: t.Any) -> None:
        received.append(number)
        signal.alarm(SECONDS_TO_END)

    def end(number: int, _frame: t.Any) -> None:
        received.append(number)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    handlers = {signal.SIGINT: interrupt, signal.SIGALRM: end, signal.SIGTERM: end, signal.SIGHUP: end}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        _pid, status = os.waitpid(pid, 0)
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
    code = os.waitstatus_to_exitcode(status)
    if received and code:
        return INTERRUPTED + received[0]
    return INTERRUPTED - code if code < 0 else code


# ----- control groups


def _start_janitor(group: str, end_of_all: int, held: int, scratch: Path | None) -> int:
    """Each process in the namespaces has `held` open, or is a child of one that has."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        os.close(held)
        # Neither a terminal nor a pipe of the caller may wait for this process.
        with open(os.devnull, "r+b") as nothing:
            for number in (0, 1, 2):
                os.dup2(nothing.fileno(), number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.read(end_of_all, 1)
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        sweep(group)
    finally:
        os._exit(0)


def parents() -> list[Path]:
    """Return the control groups in which LXC creates those of a lab: the root of each hierarchy, or the current one."""
    found = {CGROUPS}
    for line in OWN_GROUPS.read_text(encoding="utf-8").splitlines():
        _number, controllers, place = line.split(":", 2)
        root = CGROUPS / (controllers.removeprefix("name=") or "unified")
        root = root if root.is_dir() else CGROUPS
        found |= {root, root / place.lstrip("/")}
    return sorted(each for each in found if each.is_dir())


def groups(name: str) -> list[Path]:
    """Where groups of this lab are left, the innermost first."""
    tops = [parent / name for parent in parents() if (parent / name).is_dir()]
    found = [Path(folder) for top in tops for folder, _folders, _files in os.walk(top)]
    return sorted(found, key=lambda path: len(path.parts), reverse=True)


def sweep(name: str) -> bool:
    """Remove them; what dies may be a while in its group. Whether none is left."""
    until = time.monotonic() + SECONDS_TO_SWEEP
    while left := groups(name):
        for folder in left:
            with contextlib.suppress(OSError):
                folder.rmdir()
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _sweep_left_behind() -> None:
    """Groups of a lab whose janitor was killed as well."""
    for parent in parents():
        for left in parent.glob(f"{NAME}*"):
            owner = left.name.removeprefix(NAME)
            if owner.isdigit() and not Path(f"/proc/{owner}").exists():
                sweep(left.name)
