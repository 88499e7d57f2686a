# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the dialogue with every kind of shell that a container may have, each at a terminal of its own."""

from __future__ import annotations

import os
import pty
import random
import shutil
import signal
import subprocess
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost, Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import dialogue
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command

# Debian and Ubuntu have dash for sh, Rocky and Arch have bash, Alpine has busybox.
SHELLS = ("dash", "bash", "busybox")
# Gives a program the terminal that is its input.
SETSID = shutil.which("setsid") or "setsid"


class Shell:
    """A shell at a terminal, as the NAS gives it: what is typed comes back as well, until it is told otherwise."""

    def __init__(self, programs: Path, typed_to: str, environment: dict[str, str]) -> None:
        self._terminal, theirs = pty.openpty()
        # No fork of this process: it is large after thousands of tests, and that takes long.
        self.process = subprocess.Popen(
            [SETSID, "--ctty", programs / typed_to],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={"PATH": str(programs), "HOME": "/", **environment},
        )
        os.close(theirs)
        word = dialogue.new_word()
        self._type(dialogue.opening(word))
        self.heard = b""
        while not dialogue.is_open(self.heard, word) and dialogue.lacks(self.heard, word) is None:
            self.heard += os.read(self._terminal, 1024)
        self.lacks = dialogue.lacks(self.heard, word)
        if self.lacks is None:
            self._type(dialogue.opened())

    def run(self, *argv: str, stdin: bytes = b"", **options: t.Any) -> tuple[int, bytes, bytes]:
        """Exit status and both outputs."""
        word = dialogue.new_word()
        out: list[bytes] = []
        err: list[bytes] = []
        answer = dialogue.Answer(word, out=out.append, err=err.append)
        command = Command(argv, stdin, **options)
        self._type(dialogue.request(command, word))
        sender = None
        while answer.rc is None:
            answer.hear(os.read(self._terminal, 1024))
            if answer.wants_input and sender is None:
                sender = threading.Thread(target=self._type, args=(command.input,))
                sender.start()
        if sender:
            sender.join()
        assert answer.pid
        return answer.rc, b"".join(out), b"".join(err)

    def run_in_pieces(self, *argv: str, pieces: t.Sequence[bytes], **options: t.Any) -> tuple[int, bytes, bytes]:
        """The same with an input of which nobody knows how much will come."""
        word = dialogue.new_word()
        out: list[bytes] = []
        err: list[bytes] = []
        answer = dialogue.Answer(word, out=out.append, err=err.append)
        command = Command(argv, **options)
        self._type(dialogue.request(command, word, streams=True))
        left = [piece for piece in (command.input, *pieces) if piece]
        while answer.rc is None:
            answer.hear(os.read(self._terminal, 1024))
            if answer.wants_size:
                answer.wants_size = False
                if answer.wants_no_more:
                    left.clear()
                self._type(b"%d\n" % len(left[0] if left else b""))
            if answer.wants_input:
                answer.wants_input = False
                sender = threading.Thread(target=self._type, args=(left.pop(0),))
                sender.start()
        return answer.rc, b"".join(out), b"".join(err)

    def run_at_terminal(self, *argv: str, keys: bytes = b"", **options: t.Any) -> tuple[int, str]:
        """Exit status and what is shown; keys are pressed once it says that it is ready."""
        word = dialogue.new_word()
        shown: list[bytes] = []
        answer = dialogue.Answer(word, out=shown.append, err=shown.append, lead=dialogue.LEAD)
        self._type(dialogue.at_terminal(Command(argv, **options), word, columns=70, rows=20, term="vt100"))
        while answer.rc is None:
            answer.hear(os.read(self._terminal, 1024))
            if keys and b"ready" in b"".join(shown):
                assert answer.holder
                self._type(keys)
                keys = b""
        return answer.rc, b"".join(shown).decode().replace("\r\n", "\n")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._terminal)

    def _type(self, text: bytes) -> None:
        left = memoryview(text)
        while left:
            left = left[os.write(self._terminal, left) :]


@pytest.fixture(scope="module", params=SHELLS)
def programs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of programs whose C(sh) is that shell. They are thousands: all tests share it, and none changes it."""
    kind = request.param
    program = shutil.which(kind)
    if program is None:
        pytest.skip(f"there is no {kind} here")
    made = tmp_path_factory.mktemp(kind)
    if kind == "busybox":
        subprocess.run([program, "--install", "-s", str(made)], check=True)
        return made
    for folder in ("/usr/bin", "/bin"):
        for path in Path(folder).iterdir():
            if not (made / path.name).is_symlink():
                (made / path.name).symlink_to(path)
    (made / "sh").unlink(missing_ok=True)
    (made / "sh").symlink_to(program)
    return made


def without(missing: str, programs: Path, folder: Path) -> Path:
    """The same programs but one, in a folder of their own."""
    return shutil.copytree(programs, folder / "fewer", symlinks=True, ignore=shutil.ignore_patterns(missing))


@pytest.fixture
def opened() -> t.Iterator[t.Callable[..., Shell]]:
    shells: list[Shell] = []

    def open_shell(programs: Path, typed_to: str = "sh", **environment: str) -> Shell:
        shells.append(Shell(programs, typed_to, environment))
        return shells[-1]

    yield open_shell
    for shell in shells:
        shell.close()


@pytest.fixture
def shell(programs: Path, opened: t.Callable[..., Shell]) -> Shell:
    return opened(programs)


def test_arguments_arrive_as_they_are(shell: Shell) -> None:
    arguments = ["a  b", "$HOME", "it's", '"`id`\\', "two\nlines\n", "\ttab\r", "", "-n", "€!"]

    rc, out, err = shell.run("printf", "%s|", *arguments)

    assert (rc, out, err) == (0, "".join(f"{each}|" for each in arguments).encode(), b"")


def test_both_outputs_come_apart_with_the_exit_status(shell: Shell) -> None:
    assert shell.run("sh", "-c", "echo out; echo err >&2; exit 7") == (7, b"out\n", b"err\n")


def test_what_ends_without_a_line_break_has_none(shell: Shell) -> None:
    assert shell.run("printf", "no end") == (0, b"no end", b"")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_death_by_signal_is_a_status_and_no_text(shell: Shell, number: int) -> None:
    rc, out, err = shell.run("sh", "-c", f"kill -{int(number)} $$")

    assert (rc, out, err) == (128 + number, b"", b"")


def test_a_program_that_is_not_there_is_status_127(shell: Shell) -> None:
    rc, _out, err = shell.run("no-such-program")

    assert rc == 127
    assert b"no-such-program" in err


def test_folder_and_environment_are_those_asked_for(shell: Shell) -> None:
    rc, out, _err = shell.run("sh", "-c", 'pwd; echo "$ONE"', chdir="/usr", environment={"ONE": "a 'b'\nc"})

    assert (rc, out) == (0, b"/usr\na 'b'\nc\n")


def test_there_is_nothing_to_read_without_input(shell: Shell) -> None:
    assert shell.run("cat") == (0, b"", b"")


def test_nothing_of_a_command_is_a_terminal(shell: Shell) -> None:
    rc, out, err = shell.run("sh", "-c", "for n in 0 1 2; do [ -t $n ] && echo $n; done; echo no >/dev/tty", stdin=b"x")

    assert rc != 0
    assert out == b""
    assert b"/dev/tty" in err


def test_input_that_is_not_read_is_not_taken_for_a_command(shell: Shell) -> None:
    assert shell.run("true", stdin=b"touch /nowhere\n" * 5000)[0] == 0
    assert shell.run("head", "-c", "3", stdin=b"abcdef") == (0, b"abc", b"")
    assert shell.run("echo", "still here") == (0, b"still here\n", b"")


def test_bytes_of_any_kind_come_back_as_they_went(shell: Shell) -> None:
    chance = random.Random(7)
    for size in (1, 255, 4095, 4096, 4097, 200_000):
        content = bytes(range(256)) * (size // 256) + chance.randbytes(size % 256)

        rc, out, err = shell.run("tee", "/dev/stderr", stdin=content)

        assert (rc, out == content, err == content) == (0, True, True)


def test_arguments_of_any_bytes_come_back_as_they_went(shell: Shell) -> None:
    chance = random.Random(8)
    for _turn in range(30):
        arguments = [bytes(chance.randrange(1, 256) for _byte in range(chance.randrange(60))) for _word in range(3)]

        rc, out, err = shell.run("printf", "%s|", *(os.fsdecode(each) for each in arguments))

        assert (rc, out, err) == (0, b"".join(each + b"|" for each in arguments), b"")


def test_a_command_may_list_all_processes(shell: Shell) -> None:
    rc, out, _err = shell.run("sh", "-c", "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; done; echo end; exit 5")

    assert (rc, out[-4:]) == (5, b"end\n")


def test_an_answer_that_makes_no_sense_is_no_answer() -> None:
    word = dialogue.new_word()
    answer = dialogue.Answer(word, out=lambda piece: None, err=lambda piece: None)

    with pytest.raises(ConnectionLost, match="no part of an answer"):
        answer.hear(f"{word}e!a!\n".encode())


def test_a_long_command_is_taken(shell: Shell) -> None:
    long = "x" * 100_000

    assert shell.run("printf", "%s", long) == (0, long.encode(), b"")


def test_a_command_has_the_locale_it_would_have_had(programs: Path, opened: t.Callable[..., Shell]) -> None:
    assert opened(programs).run("sh", "-c", 'echo "${LC_ALL-none}"')[1] == b"none\n"
    assert opened(programs, LC_ALL="C.UTF-8").run("sh", "-c", 'echo "${LC_ALL-none}"')[1] == b"C.UTF-8\n"


def test_a_command_has_no_files_of_ours(shell: Shell) -> None:
    _rc, out, _err = shell.run("sh", "-c", "ls -l /proc/$$/fd | grep -c /dev/pts")

    assert out == b"0\n"


@pytest.mark.parametrize("programs", ["bash"], indirect=True)
def test_an_interactive_bash_does_not_come_in_between(programs: Path, opened: t.Callable[..., Shell]) -> None:
    assert opened(programs, "bash", TERM="xterm").run("echo", "!!", "\t") == (0, b"!! \t\n", b"")


@pytest.mark.parametrize("programs", ["dash", "bash"], indirect=True)  # busybox has its own in itself
@pytest.mark.parametrize("missing", ["stty", "base64"])
def test_a_container_that_lacks_a_program_says_which(
    programs: Path, opened: t.Callable[..., Shell], tmp_path: Path, missing: str
) -> None:
    fewer = without(missing, programs, tmp_path)

    assert opened(fewer).lacks == missing


def test_without_setsid_commands_run_as_well(programs: Path, opened: t.Callable[..., Shell], tmp_path: Path) -> None:
    fewer = without("setsid", programs, tmp_path)

    assert opened(fewer).run("sh", "-c", "echo out; echo err >&2; exit 7") == (7, b"out\n", b"err\n")


def test_a_zero_byte_is_refused() -> None:
    with pytest.raises(Invalid, match="zero byte"):
        dialogue.request(Command(("echo", "a\0b")), dialogue.new_word())


def test_what_can_be_no_word_is_not_held_back() -> None:
    out: list[bytes] = []
    answer = dialogue.Answer("abcd", out=out.append, err=out.append)

    answer.hear(b"begun ab")
    answer.hear(b"out a")

    assert out == [b"begun ", b"about "]


def test_an_answer_may_come_in_any_pieces() -> None:
    word = dialogue.new_word()
    said = f"one{word}p12\ntwo{word}eZXJy\nthree{word}x3\n".encode()
    for size in range(1, len(said)):
        out: list[bytes] = []
        err: list[bytes] = []
        answer = dialogue.Answer(word, out=out.append, err=err.append)

        for start in range(0, len(said), size):
            answer.hear(said[start : start + size])

        assert (b"".join(out), b"".join(err), answer.pid, answer.rc) == (b"onetwothree", b"err", 12, 3)


def test_a_command_that_shows_all_processes_says_nothing_that_is_taken_for_ours(shell: Shell) -> None:
    look = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done 2>/dev/null; echo seen"

    rc, out, err = shell.run("sh", "-c", f"({look}) | tee /dev/stderr", stdin=b"given")

    assert rc == 0
    assert out == err
    assert out.endswith(b"seen\n")
    assert b"tee /dev/stderr" in out


def test_an_input_may_come_piece_by_piece(shell: Shell) -> None:
    pieces = [b"one\n", b"\0\1\377" * 1000, b"12\n", b"x" * 100_000]

    assert shell.run_in_pieces("cat", pieces=pieces) == (0, b"".join(pieces), b"")
    assert shell.run_in_pieces("sh", "-c", "cat >&2; exit 3", pieces=[]) == (3, b"", b"")
    assert shell.run("echo", "next") == (0, b"next\n", b"")


def test_variables_come_before_the_first_piece(shell: Shell) -> None:
    ended = shell.run_in_pieces("sh", "-c", 'echo "$ONE"; cat', pieces=[b"two"], environment={"ONE": "it's"})

    assert ended == (0, b"it's\ntwo", b"")


def test_pieces_that_nobody_reads_are_dropped(shell: Shell) -> None:
    ended = shell.run_in_pieces("head", "-c", "3", pieces=[b"123", b"x" * 300_000, b"y" * 300_000])

    assert ended == (0, b"123", b"")
    assert shell.run("echo", "next") == (0, b"next\n", b"")


def test_a_command_may_have_the_terminal_itself(shell: Shell) -> None:
    script = 'test -t 0 && test -t 1 && test -t 2 && stty size; echo "$ONE|$TERM"; echo ready; read -r word; exit 4'

    rc, shown = shell.run_at_terminal("sh", "-c", script, keys=b"word\n", environment={"ONE": "it's\nme"}, chdir="/")

    assert (rc, shown) == (4, "20 70\nit's\nme|vt100\nready\nword\n")


def test_a_key_that_interrupts_ends_the_command_and_not_the_shell(shell: Shell) -> None:
    rc, shown = shell.run_at_terminal("sh", "-c", "echo ready; exec sleep 987", keys=b"\3")

    assert (rc, shown) == (130, "ready\n^C")
    assert shell.run("echo", "next") == (0, b"next\n", b"")


def test_no_variable_of_a_command_at_a_terminal_is_in_a_list_of_processes(shell: Shell) -> None:
    script = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c 'ses[a]me'; echo \"$ONE\""

    assert shell.run_at_terminal("sh", "-c", script, environment={"ONE": "sesame"}) == (0, "0\nsesame\n")
