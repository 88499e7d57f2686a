# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a command in a pixel: what is asked, what comes back, and how a shell line is made of it."""

from __future__ import annotations

import shlex
import typing as t
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Command:
    """A command as its arguments, unchanged by any shell on the way."""

    argv: tuple[str, ...]
    stdin: bytes = b""
    environment: t.Mapping[str, str] = field(default_factory=dict)
    chdir: str | None = None
    user: str | None = None
    """Run as this user of the pixel rather than the one that logs in."""

    def as_login(self, login: str) -> str:
        """One line for a POSIX shell in which user C(login) arrives, that runs just this command."""
        words = ["env", *(f"{name}={value}" for name, value in self.environment.items())] if self.environment else []
        line = shlex.join([*words, *self.argv])
        if self.chdir:
            line = f"cd {shlex.quote(self.chdir)} && {line}"
        if self.user is None or self.user == login:
            return line
        if login == "root":
            # su is everywhere, busybox included; runuser and sudo are not.
            return shlex.join(["su", "-s", "/bin/sh", self.user, "-c", line])
        return shlex.join(["sudo", "-n", "-H", "-u", self.user, "--", "/bin/sh", "-c", line])


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    rc: int
    """Its exit status; 128 and the number of a signal that ended it, as shells count."""
    stdout: bytes
    stderr: bytes


class Shell(t.Protocol):
    """A way into one pixel."""

    def run(self, command: Command, *, timeout: float | None = None) -> Result:
        """Run a command to its end. Raises C(TimedOut) when it takes longer, and ends it in the pixel as well."""

    def close(self) -> None: ...
