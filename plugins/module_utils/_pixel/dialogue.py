# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How commands are run through a terminal so that nothing of them is lost: what is typed, and how the answer is read.

TrueNAS offers a shell in a container as a terminal: one stream of bytes each way, no exit status (middleware
apps/webshell_app.py). So the first line typed replaces the shell by one that makes the terminal raw, which lets every
byte through, and then runs one line after the other. For each command it

- says when it is ready for the bytes of its standard input, hands over just so many, and drops what is not read;
- copies standard output as it is;
- sends standard error as lines of base64, each begun with a word of 128 random bits and written at once, which the
  kernel does not mix with what others write to the terminal;
- ends with such a line that holds the exit status.

The word is never an argument of a process: a command may well list those. It takes C(sh), C(stty), C(cat), C(head) and
C(base64), which are in coreutils and in busybox. With C(setsid) the command is in a session of its own, so that all of
it can be ended, and nothing of it can write to the terminal.
"""

from __future__ import annotations

import binascii
import secrets
import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost, Invalid

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command

READY, LACKING = "ready", "lacking"
NOTE = "runs commands, 2"
"""Of a shell that is given back: how it has been prepared."""

# In one line without tabs, which an interactive shell would complete, and without single quotes, which are around it.
# x WORD BYTES LINE: 9 is the terminal, 8 goes to r, 7 is standard output and 6 standard error of the command.
# The variable n is a line break, which no line can hold. bash drops bytes in the locales of people, so the shell itself
# has LC_ALL=C, and each command what was there before. Of a line that is typed to busybox it keeps 1023 bytes, so what
# is not needed to take the next one comes as the next one.
PROGRAM = (
    "a=${{LC_ALL+x$LC_ALL}}; LC_ALL=C; "
    "for p in stty cat head base64; do "
    'command -v $p >/dev/null 2>&1 || {{ printf "pixels-%s-%s %s\\n" {lacking} {word} $p; exit 1; }}; done; '
    "stty raw -echo || exit 1; exec 9>&1; set +m; s=; "
    "command -v setsid >/dev/null 2>&1 && s=setsid; "
    'n=$(printf "\\n."); n=${{n%.}}; '
    'l() {{ if [ "$a" ]; then export LC_ALL="${{a#x}}"; else unset LC_ALL; fi; }}; '
    'c() {{ (l; v 2>/dev/null; exec $s sh -c "$3") 2>&6 6>&- 7>&- 8>&-; echo $? >&8; }}; '
    'e() {{ while IFS= read -r y; do printf "%se%s\\n" "$1" "$y" >&9; done; }}; '
    "x() {{ r=$( {{ {{ {{ "
    'if [ "$2" = 0 ]; then c "$@" </dev/null; '
    'else printf "%sg\\n" "$1" >&9; head -c "$2" | {{ c "$@"; cat >/dev/null; }}; fi; '
    '}} 6>&1 >&7 2>/dev/null | base64 | e "$1"; }} 7>&1 | cat >&9; }} 8>&1 ); '
    'printf "%sx%s\\n" "$1" "$r" >&9; }}; '
    'printf "pixels-%s-%s\\n" {ready} {word}; '
    'while IFS= read -r l; do eval "$l"; done'
)

# What every login has, as the PAM of an SSH server reads it.
LIKE_A_LOGIN = (
    'q=$(printf "\\047"); '
    'v() { while IFS= read -r y || [ -n "$y" ]; do y=${y%%#*}; y=${y#export }; k=${y%%=*}; '
    'case $k in "$y" | "" | [0-9]* | *[!A-Za-z0-9_]*) continue;; esac; y=${y#*=}; '
    'case $y in \\"*\\") y=${y#\\"}; y=${y%\\"};; $q*$q) y=${y#$q}; y=${y%$q};; esac; '
    'export "$k=$y"; done </etc/environment; }'
)

# z WORD LINE is x for an input of any length: r asks for the number of bytes to come, none being its end, g for those
# bytes, and d says that the command has ended, whether it has read all or not.
STREAMING = (
    'w() { while printf "%sr\\n" "$1" >&9; IFS= read -r y && [ "$y" -gt 0 ]; '
    'do printf "%sg\\n" "$1" >&9; head -c "$y"; done; }; '
    'z() { r=$( { { { w "$1" | { c "$1" 1 "$2"; printf "%sd\\n" "$1" >&9; cat >/dev/null; }; '
    '} 6>&1 >&7 2>/dev/null | base64 | e "$1"; } 7>&1 | cat >&9; } 8>&1 ); printf "%sx%s\\n" "$1" "$r" >&9; }'
)

# Before the word, where people watch: a terminal shows nothing of it, so nothing is missed while it may be the word's.
LEAD = b"\0"


def new_word() -> str:
    """A word that is in nothing else that comes over the terminal."""
    return secrets.token_hex(16)


def opening(word: str) -> bytes:
    """What is typed first, to whatever shell there is."""
    return f" exec sh -c '{PROGRAM.format(word=word, ready=READY, lacking=LACKING)}'\n".encode("ascii")


def opened() -> bytes:
    """The next line, once the terminal is ready."""
    return f"{LIKE_A_LOGIN}; {STREAMING}\n".encode("ascii")


def is_open(heard: bytes, word: str) -> bool:
    """Whether the terminal is ready for commands, by all that came over it so far."""
    return f"pixels-{READY}-{word}\n".encode("ascii") in heard


def lacks(heard: bytes, word: str) -> str | None:
    """The program the container lacks, once it has said so."""
    _before, said, rest = heard.partition(f"pixels-{LACKING}-{word} ".encode("ascii"))
    if not said or b"\n" not in rest:
        return None
    return rest.partition(b"\n")[0].strip().decode("ascii", "replace")


def request(command: Command, word: str, *, streams: bool = False) -> bytes:
    """The line that runs a command. Its standard input follows when it is wanted: bash reads ahead from a terminal.

    One that C(streams) comes in pieces, and the command's own is the first of them.
    """
    # The number of its process, which is that of its session, comes before all else.
    line = f'printf "%sp%s\\n" {word} $$ >&9; exec 9>&-; {command.as_program("root")}'
    if streams:
        return b"z %s %s\n" % (word.encode("ascii"), in_one_line(line))
    return b"x %s %d %s\n" % (word.encode("ascii"), len(command.input), in_one_line(line))


def at_terminal(command: Command, word: str, *, columns: int, rows: int, term: str) -> bytes:
    """The line that runs a command with the terminal itself as its input and outputs, as wide as is said.

    Its variables are in this line, which is no argument of a process. A signal by a key is not for the shell.
    """
    variables = {"TERM": term, **command.environment}
    words = b" ".join(name.encode("ascii") + b"=" + in_one_line(value) for name, value in variables.items())
    line = in_one_line(replace(command, environment={}).as_program("root"))
    return b"; ".join(
        [
            b"trap : INT QUIT TSTP",
            b"stty sane",
            b"stty rows %d cols %d 2>/dev/null" % (rows, columns),
            marked(word, b"b", b"$$"),
            b"(l; v 2>/dev/null; export %s; exec sh -c %s) 9>&-" % (words, line),
            b"r=$?",
            b"trap - INT QUIT TSTP",
            b"stty raw -echo",
            marked(word, b"x", b'"$r"\n'),
        ]
    )


def marked(word: str, kind: bytes, value: bytes) -> bytes:
    """What says something that is for us, behind C(LEAD)."""
    return b'printf "\\000%s' + kind + b'%s\\n" ' + word.encode("ascii") + b" " + value


def in_one_line(text: str) -> bytes:
    """A text as one word of a shell line, which cannot hold a line break. Raises C(Invalid) for a zero byte."""
    if "\0" in text:
        raise Invalid("a command cannot hold a zero byte", fields=(("argv", "zero byte"),))
    quoted = text.replace("'", "'\\''").replace("\n", "'\"$n\"'")
    return f"'{quoted}'".encode("utf-8", "surrogateescape")


class Answer:
    """What comes over the terminal after a request, told apart as it comes."""

    def __init__(
        self, word: str, *, out: t.Callable[[bytes], None], err: t.Callable[[bytes], None], lead: bytes = b""
    ) -> None:
        """C(out) and C(err) are handed each piece of the command's outputs; C(lead) is what comes before the word."""
        self._word = lead + word.encode("ascii")
        self._out = out
        self._err = err
        self._heard = b""
        self.wants_input = False
        """Whether the command's standard input, or its next piece, may be sent now."""
        self.wants_size = False
        """Whether it is to be said how long the next piece is."""
        self.wants_no_more = False
        """Whether the command ended, so that no more of its input is of use."""
        self.holder: int | None = None
        """The process that has the terminal of the command open, once it has begun."""
        self.pid: int | None = None
        """Of the command, which leads its session where the container has setsid."""
        self.rc: int | None = None
        """Its exit status, once all of it has come."""

    def hear(self, piece: bytes) -> None:
        heard = self._heard + piece
        while self.rc is None:
            at = heard.find(self._word)
            if at < 0:
                at = len(heard) - self._begun(heard)
                self._out_if_any(heard[:at])
                heard = heard[at:]
                break
            end = heard.find(b"\n", at)
            self._out_if_any(heard[:at])
            heard = heard[at:]
            if end < 0:
                break
            self._note(heard[len(self._word) : end - at])
            heard = heard[end - at + 1 :]
        self._heard = heard

    def _begun(self, heard: bytes) -> int:
        """How many bytes at the end may be the beginning of the word."""
        longest = min(len(self._word) - 1, len(heard))
        return next((size for size in range(longest, 0, -1) if self._word.startswith(heard[-size:])), 0)

    def _out_if_any(self, piece: bytes) -> None:
        if piece:
            self._out(piece)

    def _note(self, line: bytes) -> None:
        try:
            self._read(line[:1], line[1:])
        except ValueError:
            garbled = line[:40]
        else:
            return
        raise ConnectionLost(f"the shell said something that is no part of an answer: {garbled!r}", sent=True)

    def _read(self, kind: bytes, rest: bytes) -> None:
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
            self.holder = int(rest)
        elif kind == b"x":
            self.rc = int(rest or b"255")
