# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol that runs commands through a terminal without losing a byte: requests, and a parser of responses.

The web shell of TrueNAS is a terminal in the container: one stream of bytes in each direction, without exit statuses
(middleware apps/webshell_app.py). The first line that is typed replaces its shell by one that sets the terminal to raw
mode, in which every byte passes, and then runs one line after another. For each command, that shell

- requests standard input when the command can read it, passes on exactly that many bytes, and drops the unread rest;
- copies standard output unchanged;
- sends standard error as lines of base64. Each line starts with a marker of 128 random bits and is a single write,
  which the kernel does not mix with those of other processes;
- ends with such a line that holds the exit status.

The marker is never an argument of a process, because a command may list those. The pixel needs `sh`, `stty`, `cat`,
`head`, `dd` and `base64`, which are in coreutils and in busybox. With `setsid` the command runs in a new session, so
that it can be ended with its child processes and cannot write to the terminal.
"""

from __future__ import annotations

import binascii
import secrets
import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost, Invalid

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command

READY, LACKING = "ready", "lacking"
NOTE = "runs commands, 4"
"""Marks a returned shell as prepared by this version of the protocol."""

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# One line without tabs, which an interactive shell would complete, and without single quotes, because it is quoted.
# bash drops bytes in multibyte locales, so the shell has LC_ALL=C, and each command the original value. After READY,
# the standard error of the shell and of its helper programs is discarded: variables of the container such as LD_PRELOAD
# make every program write to it, and the terminal shows both outputs as one. busybox accepts lines of up to 1023 bytes,
# so everything that is not needed to read the next line is in the next line.
PROGRAM = (
    "a=${{LC_ALL+x$LC_ALL}}; LC_ALL=C; "
    "for p in stty cat head dd base64; do "
    'command -v $p >/dev/null 2>&1 || {{ printf "pixels-%s-%s %s\\n" {lacking} {marker} $p; exit 1; }}; done; '
    "stty raw -echo || exit 1; exec 9>&1 2>/dev/null; set +m; "
    'printf "pixels-%s-%s\\n" {ready} {marker}; '
    'while IFS= read -r l; do eval "$l"; done'
)

# x MARKER BYTES LINE runs a line. Descriptor 9 is the terminal, 8 is assigned to r, 7 is standard output and 6 standard
# error of the command, which the line itself uses. The variable n is a line break, which no line can hold. Programs are
# looked up before a command gets its own PATH.
RUNNING = (
    's=$(command -v setsid); h=$(command -v sh); n=$(printf "\\n."); n=${n%.}; '
    'l() { if [ "$a" ]; then export LC_ALL="${a#x}"; else unset LC_ALL; fi; }; '
    'c() { (l; v; exec $s "$h" -c "$3") 7>&- 8>&-; echo $? >&8; }; '
    'e() { while IFS= read -r y; do printf "%se%s\\n" "$1" "$y" >&9; done; }; '
    "x() { r=$( { { { "
    'if [ "$2" = 0 ]; then c "$@" </dev/null; '
    'else printf "%sg\\n" "$1" >&9; head -c "$2" | { c "$@"; cat >/dev/null; }; fi; '
    '} 6>&1 >&7 | base64 | e "$1"; } 7>&1 | cat >&9; } 8>&1 ); '
    'printf "%sx%s\\n" "$1" "$r" >&9; }'
)

# Sets the variables of /etc/environment as PAM does for SSH logins.
LOGIN_VARIABLES = (
    'q=$(printf "\\047"); '
    'v() { while IFS= read -r y || [ -n "$y" ]; do y=${y%%#*}; y=${y#export }; k=${y%%=*}; '
    'case $k in "$y" | "" | [0-9]* | *[!A-Za-z0-9_]*) continue;; esac; y=${y#*=}; '
    'case $y in \\"*\\") y=${y#\\"}; y=${y%\\"};; $q*$q) y=${y#$q}; y=${y%$q};; esac; '
    'export "$k=$y"; done </etc/environment; }'
)

# z MARKER LINE is x for an input of unknown length: r requests the size of the next piece (0 is the end), g its bytes,
# and d reports that the command has ended, regardless of how much it has read.
#
# base64 buffers more than a prompt contains, so dd, which calls read once, passes it the available bytes.
STREAMING = (
    'f() { while y=$(dd bs=49152 count=1 | base64); [ "$y" ]; do printf "%s\\n" "$y"; done; }; '
    'w() { while printf "%sr\\n" "$1" >&9; IFS= read -r y && [ "$y" -gt 0 ]; '
    'do printf "%sg\\n" "$1" >&9; head -c "$y"; done; }; '
    'z() { r=$( { { { w "$1" | { c "$1" 1 "$2"; printf "%sd\\n" "$1" >&9; cat >/dev/null; }; '
    '} 6>&1 >&7 | f | e "$1"; } 7>&1 | cat >&9; } 8>&1 ); printf "%sx%s\\n" "$1" "$r" >&9; }'
)

LEAD = b"\0"
"""Precedes the marker at a visible terminal, which does not show it; only output after a zero byte has to wait."""


def new_marker() -> str:
    """Return a random marker, which no other output contains."""
    return secrets.token_hex(16)


def opening(marker: str) -> bytes:
    """Return the first line, for the POSIX shell that the NAS starts.

    If the container's own PATH leads to no programs, it is replaced by the default PATH of a login.
    """
    program = PROGRAM.format(marker=marker, ready=READY, lacking=LACKING)
    return f" command -v sh >/dev/null 2>&1 || PATH={DEFAULT_PATH}; exec sh -c '{program}'\n".encode("ascii")


def opened() -> bytes:
    """Return the second line, for a terminal that is open."""
    return f"{LOGIN_VARIABLES}; {RUNNING}; {STREAMING}\n".encode("ascii")


def probe(marker: str) -> bytes:
    """Return the line to which a shell that is ready for commands replies as `is_open` expects it."""
    return f'printf "pixels-%s-%s\\n" {READY} {marker}\n'.encode("ascii")


def is_open(output: bytes, marker: str) -> bool:
    """Return whether the terminal is ready for commands, by all of its output."""
    return f"pixels-{READY}-{marker}\n".encode("ascii") in output


def missing_program(output: bytes, marker: str) -> str | None:
    """Return the name of a required program that the output reports as missing; None if there is none."""
    _before, report, rest = output.partition(f"pixels-{LACKING}-{marker} ".encode("ascii"))
    if not report or b"\n" not in rest:
        return None
    return rest.partition(b"\n")[0].strip().decode("ascii", "replace")


def request(command: Command, marker: str, *, streams: bool = False) -> bytes:
    """Return the line that runs a command.

    Its standard input is sent when the shell requests it, because bash reads ahead from a terminal. With `streams`, the
    input has an unknown length, and is sent in pieces.
    """
    # Messages of the starting shell are not the command's, so its standard error begins here. The first output is the
    # process ID, which is also that of the session.
    line = f'exec 2>&6 6>&-; printf "%sp%s\\n" {marker} $$ >&9; exec 9>&-; {command.as_program("root")}'
    if streams:
        return b"z %s %s\n" % (marker.encode("ascii"), in_one_line(line))
    return b"x %s %d %s\n" % (marker.encode("ascii"), len(command.input), in_one_line(line))


def at_terminal(command: Command, marker: str, *, columns: int, rows: int, term: str) -> bytes:
    """Return the line that runs a command with a terminal of this size as its input and outputs.

    The line holds its variables, because it is not an argument of a process. The shell ignores signals from keys.
    """
    variables = {"TERM": term, **command.environment}
    words = b" ".join(name.encode("ascii") + b"=" + in_one_line(value) for name, value in variables.items())
    line = in_one_line(f"exec 2>&1; {replace(command, environment={}).as_program('root', sent=True)}")
    return b"; ".join(
        [
            b"trap : INT QUIT TSTP",
            b"stty sane",
            b"stty rows %d cols %d 2>/dev/null" % (rows, columns),
            marked(marker, b"b", b"$$"),
            b'(l; v; export %s; exec "$h" -c %s) 9>&-' % (words, line),
            b"r=$?",
            b"trap - INT QUIT TSTP",
            b"stty raw -echo",
            marked(marker, b"x", b'"$r"\n'),
        ]
    )


def marked(marker: str, kind: bytes, value: bytes) -> bytes:
    """Return the command that prints a marked line for `ResponseParser`, after `LEAD`."""
    return b'printf "\\000%s' + kind + b'%s\\n" ' + marker.encode("ascii") + b" " + value


def in_one_line(text: str) -> bytes:
    """Quote a text as a word of a shell line, without line breaks. Raises `Invalid` for a zero byte."""
    if "\0" in text:
        raise Invalid("a command cannot hold a zero byte", fields=(("argv", "zero byte"),))
    quoted = text.replace("'", "'\\''").replace("\n", "'\"$n\"'")
    return f"'{quoted}'".encode("utf-8", "surrogateescape")


class ResponseParser:
    """Separates the output of the terminal after a request into the command's outputs, requests and exit status."""

    def __init__(
        self, marker: str, *, out: t.Callable[[bytes], None], err: t.Callable[[bytes], None], lead: bytes = b""
    ) -> None:
        """`out` and `err` get the pieces of the command's outputs; `lead` precedes the marker."""
        self._marker = lead + marker.encode("ascii")
        self._out = out
        self._err = err
        self._pending = b""
        self.wants_input = False
        """Whether the command's standard input, or its next piece, may be sent now."""
        self.wants_size = False
        """Whether the shell requests the size of the next piece."""
        self.wants_no_more = False
        """Whether the command ended, so that it reads no more input."""
        self.terminal_pid: int | None = None
        """A process that has the terminal of the command open, once the command runs."""
        self.pid: int | None = None
        """Process ID of the command, which leads its session if the container has setsid."""
        self.rc: int | None = None
        """Exit status, once the response is complete."""

    def feed(self, piece: bytes) -> None:
        """Take a piece of the terminal's output. Raises `ConnectionLost` for one that does not follow the protocol."""
        pending = self._pending + piece
        while self.rc is None:
            at = pending.find(self._marker)
            if at < 0:
                at = len(pending) - self._partial_marker(pending)
                self._write(pending[:at])
                pending = pending[at:]
                break
            end = pending.find(b"\n", at)
            self._write(pending[:at])
            pending = pending[at:]
            if end < 0:
                break
            self._parse(pending[len(self._marker) : end - at])
            pending = pending[end - at + 1 :]
        self._pending = pending

    def _partial_marker(self, pending: bytes) -> int:
        """Return how many bytes at the end may be the start of the marker."""
        longest = min(len(self._marker) - 1, len(pending))
        return next((size for size in range(longest, 0, -1) if self._marker.startswith(pending[-size:])), 0)

    def _write(self, piece: bytes) -> None:
        if piece:
            self._out(piece)

    def _parse(self, line: bytes) -> None:
        try:
            self._set(line[:1], line[1:])
        except ValueError:
            invalid = line[:40]
        else:
            return
        raise ConnectionLost(f"the web shell sent an invalid line: {invalid!r}", sent=True)

    def _set(self, kind: bytes, rest: bytes) -> None:
        if kind == b"e":
            self._err(binascii.a2b_base64(rest))
        elif kind == b"g":
            self.wants_input = True
        elif kind == b"p":
            self.pid = int(rest)
        elif kind == b"r":
            self.wants_size = True
        elif kind == b"d":
            self.wants_no_more = True
        elif kind == b"b":
            self.terminal_pid = int(rest)
        elif kind == b"x":
            self.rc = int(rest or b"255")
