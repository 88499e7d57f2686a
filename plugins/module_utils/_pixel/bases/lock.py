# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock a version of a base while it is built, so that two builders make one version.

The lock is an entry in the metadata of the version on the NAS. Creating the container sets it, and of two containers
with one name the NAS creates one. The entry names the builder, the start, and the time at which the builder gives
up, so an older lock is that of a builder that was killed. On the machine of the builder, a dead process is enough.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import os
import platform
import re
import threading
import uuid
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import lifetime

GRACE_S = 120.0
"""Seconds that a builder may need after its timeout to remove what it has made."""

UNSAFE = re.compile(r"[^\w.@-]+", re.ASCII)

_active: set[str] = set()
_guard = threading.Lock()


@dataclass(frozen=True)
class Lock:
    """An entry in the metadata."""

    owner: str
    """`user@machine`."""
    since: datetime.datetime
    """By the clock of the NAS, in UTC."""
    until: datetime.datetime
    process: str
    """The machine, the process and its start."""
    run: str

    def __str__(self) -> str:
        times = (lifetime.format_time(each) for each in (self.since, self.until))
        return " ".join((self.owner, *times, self.process, self.run))

    @property
    def description(self) -> str:
        """The builder, and the start of the build."""
        return f"{self.owner}, since {lifetime.format_time(self.since)}"

    def is_stale(self, now: datetime.datetime) -> bool:
        """Return whether the build has ended. `now` is the time of the NAS."""
        if now > self.until + datetime.timedelta(seconds=GRACE_S):
            return True
        machine, _colon, process = self.process.partition(":")
        if not machine or machine != machine_id():
            return False
        if process == process_id():
            with _guard:
                return self.run not in _active
        return process != process_id(process.partition(":")[0])


def parse(text: str | None) -> Lock | None:
    """Return the lock in metadata; None for a text that is none, which nothing protects."""
    words = (text or "").split()
    if len(words) != 5:
        return None
    since, until = map(lifetime.parse_time, words[1:3])
    return Lock(words[0], since, until, words[3], words[4]) if since and until else None


def acquire(now: datetime.datetime, seconds: float, *, of_parent: bool = False) -> Lock:
    """Return a new lock of this process, which builds for at most `seconds`.

    With `of_parent`, the lock is that of the parent process: Ansible runs each task in a child of its own.
    """
    made = Lock(
        owner=owner(),
        since=now.replace(microsecond=0),
        until=now.replace(microsecond=0) + datetime.timedelta(seconds=min(seconds, lifetime.MAX_DURATION_S)),
        process=f"{machine_id()}:{process_id(str(os.getppid()) if of_parent else None)}",
        run=uuid.uuid4().hex[:8],
    )
    with _guard:
        _active.add(made.run)
    return made


def is_of_parent(lock: Lock) -> bool:
    """Return whether a lock is that of the parent of this process."""
    return bool(machine_id()) and lock.process == f"{machine_id()}:{process_id(str(os.getppid()))}"


def release(lock: Lock) -> None:
    """Note that this process builds no longer. The entry in the metadata remains."""
    with _guard:
        _active.discard(lock.run)


def owner() -> str:
    """Return the user and the machine, as others read it."""
    user = os.environ.get("USER") or os.environ.get("LOGNAME") or f"uid-{os.getuid()}"
    return "@".join(UNSAFE.sub("-", part).strip("-")[:60] or "unknown" for part in (user, platform.node()))


@functools.cache
def machine_id() -> str:
    """Return a digest of this boot and PID namespace; empty on systems that do not tell, where only time counts."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            text = file.read() + os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def process_id(number: str | None = None) -> str:
    """Return the number and the start of a process, this one by default; without the start if it does not run."""
    number = number or str(os.getpid())
    try:
        with open(f"/proc/{int(number)}/stat", encoding="ascii", errors="replace") as file:
            # The name of the program, in brackets, may contain blanks.
            started = file.read().rpartition(")")[2].split()[19]
    except (OSError, ValueError, IndexError):
        return f"{number}:"
    return f"{number}:{started}"
