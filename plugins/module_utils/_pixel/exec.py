# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a command in a pixel: what is asked, what comes back, and how a shell line is made of it."""

from __future__ import annotations

import shlex
import typing as t
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.environment import NAME, NO_NAME

if t.TYPE_CHECKING:
    from types import TracebackType


# The first line of the input sets the variables, as everybody in a pixel sees the arguments of all commands there. A
# shell reads no further than to the end of the line, and the rest is the command's.
SET_VARIABLES = (
    "pixels_break='\n' && IFS= read -r pixels_line && eval \"$pixels_line\" && unset pixels_line pixels_break && "
)

# A command that is out of time is asked to end, and killed this many seconds later, if it is still there.
GRACE = 2


def ending(signal: str) -> str:
    """A script for C(sh) that ends what it sends a signal to with the line C(signal), which has its name as C($s).

    Who does not know fractions of a second for C(sleep) waits for all of them.
    """
    wait = f"sleep 0.1 2>/dev/null || {{ sleep {GRACE}; n=0; }}"
    return (
        f"k() {{ s=$1; {signal}; }} 2>/dev/null; k TERM; n={GRACE * 10}; "
        f"while [ $n -gt 0 ] && k 0; do n=$((n - 1)); {wait}; done; k KILL"
    )


Sink = t.Callable[[bytes], None]


@dataclass(frozen=True)
class Command:
    """A command as its arguments, unchanged by any shell on the way."""

    argv: tuple[str, ...]
    stdin: bytes = b""
    environment: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables, which nobody but the command's own user gets to see."""
    chdir: str | None = None
    user: str | None = None
    """Run as this user of the pixel rather than the one that logs in."""

    def __post_init__(self) -> None:
        """Raises C(Invalid) for a variable that no shell could set."""
        for name, value in self.environment.items():
            if not NAME.fullmatch(name):
                raise refused(f"{name!r} {NO_NAME}")
            if "\0" in value:
                raise refused(f"the value of {name} has a zero byte")

    @property
    def variables(self) -> bytes:
        """What to send to the line that runs the command, ahead of the command's input."""
        if not self.environment:
            return b""
        words = (f"{name}={in_one_line(value)}" for name, value in self.environment.items())
        return f"export {' '.join(words)}\n".encode("utf-8", "surrogateescape")

    @property
    def input(self) -> bytes:
        """All that is to be sent to the line that runs the command."""
        # A file that is mapped, and not read, is not copied either.
        return self.variables + self.stdin if self.environment else self.stdin

    def as_login(self, login: str, *, sent: bool = False) -> str:
        """One line for a POSIX shell in which user C(login) arrives, that runs just this command.

        With C(sent) the variables come beside it, as far as the SSH server takes them; it says so where it does not.
        """
        return self._line(login, "", sent=sent)

    def as_program(self, login: str) -> str:
        """The same for a shell that becomes the command, so that a signal to its process is one to the command."""
        return self._line(login, "exec ")

    def _line(self, login: str, start: str, *, sent: bool = False) -> str:
        line = start + shlex.join(self.argv)
        if self.chdir:
            line = f"cd {shlex.quote(self.chdir)} && {line}"
        if self.environment:
            line = f"{complaining(self.environment)} {line}" if sent else SET_VARIABLES + line
        if self.user is None or self.user == login:
            return line
        if login == "root":
            # su is everywhere, busybox included; runuser and sudo are not.
            return start + shlex.join(["su", "-s", "/bin/sh", self.user, "-c", line])
        return start + shlex.join(["sudo", "-n", "-H", "-u", self.user, "--", "/bin/sh", "-c", line])


def complaining(variables: t.Iterable[str]) -> str:
    """A line that says which of these variables have not come along: a server passes over those it does not know."""
    said = "pixels: the SSH server takes no $pixels_name (AcceptEnv): provision the pixel, or use transport shell"
    there = 'eval "[ \\"\\${$pixels_name+x}\\" ]"'
    return f'for pixels_name in {" ".join(variables)}; do {there} || echo "{said}" >&2; done; unset pixels_name;'


def in_one_line(value: str) -> str:
    """A value as a word for the shell that C(SET_VARIABLES) is run by."""
    return "'" + value.replace("'", "'\\''").replace("\n", "'\"$pixels_break\"'") + "'"


def refused(problem: str) -> Invalid:
    return Invalid(f"environment: {problem}", fields=(("environment", problem),))


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
