# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a command in a pixel: what is asked, what comes back, and how a shell line is made of it."""

from __future__ import annotations

import shlex
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from types import TracebackType


# A command that is out of time is asked to end, and killed this many seconds later.
GRACE = 2


Sink = t.Callable[[bytes], None]


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
        return self._line(login, "")

    def as_program(self, login: str) -> str:
        """The same for a shell that becomes the command, so that a signal to its process is one to the command."""
        return self._line(login, "exec ")

    def _line(self, login: str, start: str) -> str:
        words = ["env", *(f"{name}={value}" for name, value in self.environment.items())] if self.environment else []
        line = start + shlex.join([*words, *self.argv])
        if self.chdir:
            line = f"cd {shlex.quote(self.chdir)} && {line}"
        if self.user is None or self.user == login:
            return line
        if login == "root":
            # su is everywhere, busybox included; runuser and sudo are not.
            return start + shlex.join(["su", "-s", "/bin/sh", self.user, "-c", line])
        return start + shlex.join(["sudo", "-n", "-H", "-u", self.user, "--", "/bin/sh", "-c", line])


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    rc: int
    """Its exit status; 128 and the number of a signal that ended it, as shells count."""
    stdout: bytes
    stderr: bytes


class Shell(t.Protocol):
    """A way into one pixel; a context manager."""

    def __enter__(self) -> Shell: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, command: Command, *, timeout: float | None = None, out: Sink | None = None) -> Result:
        """Run a command to its end; C(out) is handed its standard output as it comes, which is then in no result.

        Raises C(TimedOut) when it takes longer, and ends it in the pixel as well.
        """

    def close(self) -> None: ...
