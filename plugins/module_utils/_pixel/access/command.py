# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command that runs in a pixel, the shell line that runs it, its result, and the interface of a shell in a pixel."""

from __future__ import annotations

import abc
import math
import re
import shlex
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.env_table import NAME, NO_NAME

# The first line of the input sets the variables: command arguments are visible to all users of a pixel. `read` of a
# shell stops at the end of the line, so that the rest is the input of the command.
SET_VARIABLES = (
    "pixels_break='\n' && IFS= read -r pixels_line && eval \"$pixels_line\" && unset pixels_line pixels_break && "
)

# Arguments that are too long for a line: that line of the input sets them as positional parameters.
ARGUMENTS = '"$@"'

# For lines of this length or more, the arguments precede the input instead: Linux runs no program with an argument of
# 128 KiB, and the line is an argument of ssh and of the login shell.
LONG_LINE_BYTES = 64 * 1024

# Limits of Linux: MAX_ARG_STRLEN (32 pages, with the final zero byte), and a quarter of the default stack of 8 MiB for
# all arguments and variables (include/uapi/linux/binfmts.h, execve(2)), minus a reserve for the variables of a login.
ARGUMENT_LIMIT_BYTES = 128 * 1024 - 1
TOTAL_LIMIT_BYTES = 2 * 1024 * 1024 - 128 * 1024
POINTER_BYTES = 8
PID_DIGITS_LIMIT = 10

USER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*\$?", re.ASCII)

# Runs "$@" in a new session, without input and output, and prints its process ID. A command that is not found is an
# error before it is detached. In a pixel without setsid, the command only ignores the hang-up signal.
DETACH = (
    'command -v "$1" >/dev/null 2>&1 || { printf "pixels: %s: command not found\\n" "$1" >&2; exit 127; }; '
    "pixels_pid=$(exec 3>&1 </dev/null >/dev/null 2>&1; pixels_run='echo $$ >&3; exec 3>&- \"$@\"'; "
    'if command -v setsid; then setsid sh -c "$pixels_run" sh "$@" & '
    'else (trap \'\' HUP; exec sh -c "$pixels_run" sh "$@") & fi); '
    'echo "$pixels_pid"'
)

# Characters that one of the login shells sh, csh and fish interprets even in single quotes.
NOT_PORTABLE = re.compile(rb"[^ -~]|[\\'!]")
# The longest word that csh accepts is a little longer.
PORTABLE_WORD_BYTES = 500

# Enter the user's home first: su and sudo keep the working directory, which the user may not be able to read.
AT_HOME = "cd 2>/dev/null || cd /; "

# Runs a line as the user with a UID, or with the UID alone if no user has it. getent knows more users than the file,
# but is not in every image.
BY_NUMBER = (
    "pixels_user=$(getent passwd {uid} 2>/dev/null || grep '^[^:]*:[^:]*:{uid}:' /etc/passwd); "
    "pixels_user=${{pixels_user%%:*}}; "
    'if [ -n "$pixels_user" ]; then {start}su -s /bin/sh "$pixels_user" -c {at_home}; '
    "elif setpriv --reuid {uid} --regid {uid} --clear-groups true 2>/dev/null; "
    "then {start}setpriv --reuid {uid} --regid {uid} --clear-groups /bin/sh -c {without_home}; "
    "else echo 'pixels: no user of the pixel has the number {uid}, and it has no setpriv of util-linux' >&2; "
    "exit 1; fi"
)

WITHOUT_LOGIN = """\
if uid=$(id -u "$1") && gid=$(id -g "$1") && setpriv --reuid 0 --regid 0 --clear-groups true 2>/dev/null; then
    exec setpriv --reuid "$uid" --regid "$gid" --init-groups /bin/sh -c "$2"
fi
exec su -s /bin/sh "$1" -c "$2"
"""
"""Runs the line $2 as the user $1. su rejects accounts that PAM rejects; setpriv of util-linux does not. BusyBox has
neither PAM nor these options of setpriv."""

WITH_SUDO = (
    "command -v sudo >/dev/null 2>&1 || { echo 'pixels: cannot become another user: the pixel has no sudo. "
    "Log in as root, or use transport shell' >&2; exit 127; }; "
)

KILL_DELAY_S = 2.0
"""Time between the signals TERM and KILL for a command that has to be ended."""


def termination_script(kill: str) -> str:
    """Return a script for `sh` that ends a process; `kill` is the line that sends it the signal `$s`.

    If `sleep` does not accept fractions of a second, the script waits for `KILL_DELAY_S` in whole seconds.
    """
    wait = f"sleep 0.1 2>/dev/null || {{ sleep {math.ceil(KILL_DELAY_S)}; n=0; }}"
    return (
        f"k() {{ s=$1; {kill}; }} 2>/dev/null; k TERM; n={math.ceil(KILL_DELAY_S * 10)}; "
        f"while [ $n -gt 0 ] && k 0; do n=$((n - 1)); {wait}; done; k KILL"
    )


def for_any_shell(line: str) -> str:
    """Return a line that any login shell (sh, bash, csh, tcsh, fish) runs as a POSIX shell runs `line`.

    sshd passes a command to the login shell of the user, and quoting differs between shells. In single quotes, all of
    them keep everything but quotes, backslashes, exclamation marks and line breaks; `printf %b` restores those.
    """
    content = line.encode("utf-8", "surrogateescape")
    pieces = (content[at : at + PORTABLE_WORD_BYTES] for at in range(0, len(content), PORTABLE_WORD_BYTES))
    words = (NOT_PORTABLE.sub(lambda match: b"\\0%03o" % match[0][0], piece).decode("ascii") for piece in pieces)
    return """exec /bin/sh -c 'eval "$(printf %b "$@")"' sh """ + " ".join(f"'{word}'" for word in words)


Sink = t.Callable[[bytes], None]
"""Takes a piece of a command's output."""

Source = t.Callable[[], bytes]
"""Waits for the next piece of a command's input and returns it; an empty piece is the end."""


class Abandoned(Exception):
    """Raised by a `Source` to end its command; `Shell.run` raises it again."""


@dataclass(frozen=True)
class Command:
    """A command by its arguments, which no shell interprets."""

    argv: tuple[str, ...]
    stdin: bytes = b""
    environment: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    """Environment variables. Only the user of the command, and root, can see them."""
    chdir: str | None = None
    user: str | None = None
    """Name or UID of the user that runs the command, in the user's home. Defaults to the user that logs in."""
    needs_login: bool = True
    """Whether `user` must be allowed to log in. False serves accounts that are expired or have no password entry."""
    detach: bool = False
    """Print the process ID and return; the command continues without input and output."""

    def __post_init__(self) -> None:
        """Validate. Raises `Invalid` for values that shells cannot set or Linux does not accept."""
        for name, value in self.environment.items():
            if not NAME.fullmatch(name):
                raise invalid_environment(f"{name!r} {NO_NAME}")
            if "\0" in value:
                raise invalid_environment(f"the value of {name} has a zero byte")
        if self.user is not None and not USER_NAME.fullmatch(self.user):
            raise Invalid(
                f"invalid user {self.user!r}: give the name or the number of a user of the pixel",
                fields=(("user", "no user name"),),
            )
        if self.chdir == "":
            raise Invalid("invalid directory '': give a path in the pixel", fields=(("chdir", "empty"),))
        if "\0" in (self.chdir or ""):
            raise Invalid("invalid working directory: it has a zero byte", fields=(("chdir", "zero byte"),))
        if self.argv[:1] == ("",):
            raise Invalid("the command is empty: name a program of the pixel", fields=(("argv", "empty"),))
        check_sizes(self.argv, self.environment)

    @property
    def is_long(self) -> bool:
        """Whether the arguments are too long for a line and precede the input."""
        short = self._as_user(shlex.join(self.argv), "root", "")
        # A quoted line is longer than the line, and quoting megabytes takes a while.
        return len(short) >= LONG_LINE_BYTES or len(for_any_shell(short)) >= LONG_LINE_BYTES

    @property
    def preamble(self) -> bytes:
        """The bytes that precede the command's input: they set variables and long arguments."""
        words = [f"{name}={in_one_line(value)}" for name, value in self.environment.items()]
        lines = [f"export {' '.join(words)}"] if words else []
        if self.is_long:
            lines.append(f"set -- {' '.join(map(in_one_line, self.argv))}")
        return f"{'; '.join(lines)}\n".encode("utf-8", "surrogateescape") if lines else b""

    @property
    def input(self) -> bytes:
        """The preamble and the command's input."""
        # Without a preamble, `stdin` is not copied: it may be a lazily read file.
        return preamble + self.stdin if (preamble := self.preamble) else self.stdin

    def as_login_shell(self, login: str, *, sent: bool = False) -> str:
        """Return the line that runs this command in a POSIX shell of the user `login`.

        With `sent`, SSH sends the variables, and the line reports those that the server rejects. Raises `Invalid` for
        arguments that are too long for that.
        """
        return self._line(login, "", sent=sent)

    def as_program(self, login: str, *, sent: bool = False) -> str:
        """Return the same line, but let the command replace the shell and so get the signals to its process."""
        return self._line(login, "exec ", sent=sent)

    def _line(self, login: str, start: str, *, sent: bool = False) -> str:
        if sent and self.is_long:
            raise Invalid(
                "the command cannot run at a terminal: its arguments are too long. Run it without a terminal, or put "
                "them into a file in the pixel",
                fields=(("argv", "too long"),),
            )
        arguments = ARGUMENTS if self.is_long else shlex.join(self.argv)
        line = f"{{ set -- {arguments}; {DETACH}; }}" if self.detach else start + arguments
        if self.chdir:
            line = f"cd {quote_for_cd(self.chdir)} && {line}"
        if self.environment or self.is_long:
            line = f"{rejection_report(self.environment)} {line}" if sent and self.environment else SET_VARIABLES + line
        return self._as_user(line, login, start)

    def _as_user(self, line: str, login: str, start: str) -> str:
        if self.user is None or self.user == login:
            return line
        if login != "root":
            user = f"#{self.user}" if self.user.isdecimal() else self.user
            words = ["sudo", "-n", "-H", "-u", user, "--", "/bin/sh", "-c", AT_HOME + line]
            return WITH_SUDO + start + shlex.join(words)
        if not self.needs_login:
            return start + shlex.join(["/bin/sh", "-c", WITHOUT_LOGIN, "sh", self.user, line])
        # su is in every image, with busybox too; runuser and sudo are not.
        if not self.user.isdecimal():
            return start + shlex.join(["su", "-s", "/bin/sh", self.user, "-c", AT_HOME + line])
        # su does not accept a UID.
        return BY_NUMBER.format(
            uid=int(self.user),
            start=start,
            at_home=shlex.quote(AT_HOME + line),
            without_home=shlex.quote(f"HOME=/; export HOME; unset USER LOGNAME; cd /; {line}"),
        )


def quote_for_cd(path: str) -> str:
    """Quote a path for `cd`, where `~` is the home of the user.

    The prefix `./` keeps `cd` from reading `-` as the previous directory and from searching CDPATH.
    """
    if path == "~" or path.startswith("~/"):
        return f'"$HOME"{shlex.quote(path[1:])}' if path[1:] else '"$HOME"'
    return shlex.quote(path if path.startswith("/") else f"./{path}")


def process_id(printed: str) -> int | None:
    """Parse the process ID that a detached command printed; None if it could not be started."""
    digits = printed.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= PID_DIGITS_LIMIT else None


def check_sizes(argv: t.Sequence[str], environment: t.Mapping[str, str]) -> None:
    """Raise `Invalid` for arguments and variables that are too large for Linux to start a program."""
    total = 0
    for number, argument in enumerate(argv):
        if "\0" in argument:
            raise Invalid("a command cannot hold a zero byte", fields=(("argv", "zero byte"),))
        size = len(argument.encode("utf-8", "surrogateescape"))
        total += size + 1 + POINTER_BYTES
        if size > ARGUMENT_LIMIT_BYTES:
            raise too_large(f"argument {number} of the command has {size:,} bytes", ARGUMENT_LIMIT_BYTES, "argv")
    for name, value in environment.items():
        size = len(f"{name}={value}".encode("utf-8", "surrogateescape"))
        total += size + 1 + POINTER_BYTES
        if size > ARGUMENT_LIMIT_BYTES:
            raise too_large(f"the variable {name} has {size:,} bytes", ARGUMENT_LIMIT_BYTES, "environment")
    if total > TOTAL_LIMIT_BYTES:
        raise too_large(f"arguments and variables together have {total:,} bytes", TOTAL_LIMIT_BYTES, "argv")


def too_large(problem: str, limit: int, option: str) -> Invalid:
    """Return the error for arguments or variables above a limit in bytes."""
    return Invalid(
        f"the command cannot run: {problem}, and Linux accepts {limit:,}. Send the content as standard input, or put "
        "it into a file in the pixel",
        fields=((option, "too long"),),
    )


def rejection_report(variables: t.Iterable[str]) -> str:
    """Return a line that reports which of these variables are missing: a server silently drops those it rejects."""
    report = "pixels: the SSH server takes no $pixels_name (AcceptEnv): provision the pixel, or use transport shell"
    is_set = 'eval "[ \\"\\${$pixels_name+x}\\" ]"'
    return f'for pixels_name in {" ".join(variables)}; do {is_set} || echo "{report}" >&2; done; unset pixels_name;'


def in_one_line(value: str) -> str:
    """Quote a value without line breaks, for the shell that runs `SET_VARIABLES`."""
    return "'" + value.replace("'", "'\\''").replace("\n", "'\"$pixels_break\"'") + "'"


def invalid_environment(problem: str) -> Invalid:
    """Return the error for variables that cannot be set."""
    return Invalid.in_field("environment", "environment", problem)


@dataclass(frozen=True)
class Result:
    """The result of a command."""

    rc: int
    """Exit status. A command that a signal ended has 128 plus its number, as in shells."""
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class Streams:
    """The callbacks of a command for its outputs and its input, as `Shell.run` describes them."""

    out: Sink | None = None
    err: Sink | None = None
    more: Source | None = None
    sent: t.Callable[[int], None] | None = None


class Shell(abc.ABC):
    """A shell in one pixel; a context manager."""

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def run(
        self,
        command: Command,
        *,
        timeout: float | None = None,
        out: Sink | None = None,
        err: Sink | None = None,
        more: Source | None = None,
        sent: t.Callable[[int], None] | None = None,
    ) -> Result:
        """Run a command until it ends.

        `out` and `err` get its outputs as they arrive, which are then not part of the result. `more` is called in
        another thread for the input that follows the command's own; `sent` gets the number of bytes of its own input
        that have been sent.

        Raises `TimedOut` after `timeout` seconds, `OSError` of `out` and `Abandoned` of `more`; then the command has
        been ended in the pixel. Raises `ConnectionLost` if the connection broke off and the outcome is unknown.
        """
        return self.run_with(command, timeout, Streams(out, err, more, sent))

    @abc.abstractmethod
    def run_with(self, command: Command, timeout: float | None, streams: Streams) -> Result:
        """Run a command as `run` does."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close the connection."""


class RunAs(Shell):
    """A shell of root whose commands run as another user, in that user's home."""

    def __init__(self, shell: Shell, user: str) -> None:
        self.root_shell = shell
        self._user = user

    def run_with(self, command: Command, timeout: float | None, streams: Streams) -> Result:
        """Run a command as the user, unless it names another."""
        if command.user is None:
            command = replace(command, user=self._user)
        return self.root_shell.run_with(command, timeout, streams)

    def close(self) -> None:
        """Close the shell of root."""
        self.root_shell.close()
