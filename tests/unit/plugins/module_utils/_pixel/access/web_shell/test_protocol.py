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
import uuid
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost, Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell import protocol

# Debian and Ubuntu have dash for sh, Rocky and Arch have bash, Alpine has busybox.
SHELLS = ("dash", "bash", "busybox")
# Gives a program the terminal that is its input.
SETSID = shutil.which("setsid") or "setsid"


class Shell:
    """A shell at a terminal, as the NAS starts it. The terminal echoes input until raw mode."""

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
        marker = protocol.new_marker()
        self._type(protocol.opening(marker))
        self.heard = b""
        while not protocol.is_open(self.heard, marker) and protocol.missing_program(self.heard, marker) is None:
            self.heard += os.read(self._terminal, 1024)
        self.missing_items = protocol.missing_program(self.heard, marker)
        if self.missing_items is None:
            self._type(protocol.opened())

    def run(self, *argv: str, stdin: bytes = b"", **options: t.Any) -> tuple[int, bytes, bytes]:
        """Exit status and both outputs."""
        marker = protocol.new_marker()
        out: list[bytes] = []
        err: list[bytes] = []
        answer = protocol.ResponseParser(marker, out=out.append, err=err.append)
        command = Command(argv, stdin, **options)
        self._type(protocol.request(command, marker))
        sender = None
        while answer.rc is None:
            answer.feed(os.read(self._terminal, 1024))
            if answer.wants_input and sender is None:
                sender = threading.Thread(target=self._type, args=(command.input,))
                sender.start()
        if sender:
            sender.join()
        assert answer.pid
        return answer.rc, b"".join(out), b"".join(err)

    def run_in_pieces(self, *argv: str, pieces: t.Sequence[bytes], **options: t.Any) -> tuple[int, bytes, bytes]:
        """Run a command with an input of unknown length."""
        marker = protocol.new_marker()
        out: list[bytes] = []
        err: list[bytes] = []
        answer = protocol.ResponseParser(marker, out=out.append, err=err.append)
        command = Command(argv, **options)
        self._type(protocol.request(command, marker, streams=True))
        left = [piece for piece in (command.input, *pieces) if piece]
        while answer.rc is None:
            answer.feed(os.read(self._terminal, 1024))
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
        marker = protocol.new_marker()
        shown: list[bytes] = []
        answer = protocol.ResponseParser(marker, out=shown.append, err=shown.append, lead=protocol.LEAD)
        self._type(protocol.at_terminal(Command(argv, **options), marker, columns=70, rows=20, term="vt100"))
        while answer.rc is None:
            answer.feed(os.read(self._terminal, 1024))
            if keys and b"ready" in b"".join(shown):
                assert answer.terminal_pid
                self._type(keys)
                keys = b""
        return answer.rc, b"".join(shown).decode().replace("\r\n", "\n")

    def send(self, text: bytes) -> None:
        self._type(text)

    def feed(self, answer: protocol.ResponseParser) -> None:
        answer.feed(os.read(self._terminal, 1024))

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
    """Return a directory of programs whose `sh` is that shell. It holds thousands, so all tests share it."""
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
    """Copy the programs without one of them."""
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


def test_directory_and_environment_are_the_requested_ones(shell: Shell) -> None:
    rc, out, _err = shell.run("sh", "-c", 'pwd; echo "$ONE"', chdir="/usr", environment={"ONE": "a 'b'\nc"})

    assert (rc, out) == (0, b"/usr\na 'b'\nc\n")


def test_there_is_nothing_to_read_without_input(shell: Shell) -> None:
    assert shell.run("cat") == (0, b"", b"")


def test_nothing_of_a_command_is_a_terminal(shell: Shell) -> None:
    rc, out, err = shell.run("sh", "-c", "for n in 0 1 2; do [ -t $n ] && echo $n; done; echo no >/dev/tty", stdin=b"x")

    assert rc != 0
    assert out == b""
    assert b"/dev/tty" in err


def test_input_that_is_not_read_is_not_mistaken_for_a_command(shell: Shell) -> None:
    assert shell.run("true", stdin=b"touch /nowhere\n" * 5000)[0] == 0
    assert shell.run("head", "-c", "3", stdin=b"abcdef") == (0, b"abc", b"")
    assert shell.run("echo", "still here") == (0, b"still here\n", b"")


@pytest.mark.wide
def test_bytes_of_any_kind_come_back_as_they_went(shell: Shell) -> None:
    chance = random.Random(7)
    for size in (1, 255, 4095, 4096, 4097, 200_000):
        content = bytes(range(256)) * (size // 256) + chance.randbytes(size % 256)

        rc, out, err = shell.run("tee", "/dev/stderr", stdin=content)

        assert (rc, out == content, err == content) == (0, True, True)


@pytest.mark.wide
def test_arguments_of_any_bytes_come_back_as_they_went(shell: Shell) -> None:
    chance = random.Random(8)
    for _turn in range(30):
        arguments = [bytes(chance.randrange(1, 256) for _byte in range(chance.randrange(60))) for _word in range(3)]

        rc, out, err = shell.run("printf", "%s|", *(os.fsdecode(each) for each in arguments))

        assert (rc, out, err) == (0, b"".join(each + b"|" for each in arguments), b"")


def test_a_command_may_list_all_processes(shell: Shell) -> None:
    rc, out, _err = shell.run("sh", "-c", "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; done; echo end; exit 5")

    assert (rc, out[-4:]) == (5, b"end\n")


def test_an_invalid_answer_is_no_answer() -> None:
    marker = protocol.new_marker()
    answer = protocol.ResponseParser(marker, out=lambda piece: None, err=lambda piece: None)

    with pytest.raises(ConnectionLost, match="sent an invalid line"):
        answer.feed(f"{marker}e!a!\n".encode())


def test_a_long_command_is_taken(shell: Shell) -> None:
    long = "x" * 100_000

    assert shell.run("printf", "%s", long) == (0, long.encode(), b"")


def test_a_command_has_the_locale_it_would_have_had(programs: Path, opened: t.Callable[..., Shell]) -> None:
    assert opened(programs).run("sh", "-c", 'echo "${LC_ALL-none}"')[1] == b"none\n"
    assert opened(programs, LC_ALL="C.UTF-8").run("sh", "-c", 'echo "${LC_ALL-none}"')[1] == b"C.UTF-8\n"


def test_a_command_inherits_no_open_files(shell: Shell) -> None:
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

    assert opened(fewer).missing_items == missing


def test_without_setsid_commands_run_as_well(programs: Path, opened: t.Callable[..., Shell], tmp_path: Path) -> None:
    fewer = without("setsid", programs, tmp_path)

    assert opened(fewer).run("sh", "-c", "echo out; echo err >&2; exit 7") == (7, b"out\n", b"err\n")


def test_a_zero_byte_is_refused() -> None:
    with pytest.raises(Invalid, match="zero byte"):
        protocol.request(Command(("echo", "a\0b")), protocol.new_marker())


def test_output_that_cannot_be_a_marker_is_not_delayed() -> None:
    out: list[bytes] = []
    answer = protocol.ResponseParser("abcd", out=out.append, err=out.append)

    answer.feed(b"begun ab")
    answer.feed(b"out a")

    assert out == [b"begun ", b"about "]


def test_an_answer_may_come_in_any_pieces() -> None:
    marker = protocol.new_marker()
    message = f"one{marker}p12\ntwo{marker}eZXJy\nthree{marker}x3\n".encode()
    for size in range(1, len(message)):
        out: list[bytes] = []
        err: list[bytes] = []
        answer = protocol.ResponseParser(marker, out=out.append, err=err.append)

        for start in range(0, len(message), size):
            answer.feed(message[start : start + size])

        assert (b"".join(out), b"".join(err), answer.pid, answer.rc) == (b"onetwothree", b"err", 12, 3)


def test_a_command_that_shows_all_processes_prints_nothing_that_is_parsed_as_a_marker(shell: Shell) -> None:
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


def test_pieces_that_are_not_read_are_dropped(shell: Shell) -> None:
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
    # Random: other tests run at the same time, and have other secrets in their arguments.
    secret = uuid.uuid4().hex
    pattern = f"{secret[:-1]}[{secret[-1]}]"
    script = f"cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c '{pattern}'; echo \"$ONE\""

    assert shell.run_at_terminal("sh", "-c", script, environment={"ONE": secret}) == (0, f"0\n{secret}\n")


NOISY: dict[str, dict[str, str]] = {
    "a library that is not there": {"LD_PRELOAD": "/none.so"},
    "a loader that explains itself": {"LD_DEBUG": "statistics"},
    "a locale that is not there": {"LC_ALL": "xx_YY.UTF-8", "LANG": "xx_YY.UTF-8"},
    "a trace of every command": {"SHELLOPTS": "xtrace", "PS4": "traced "},
}


@pytest.mark.parametrize("variables", NOISY.values(), ids=[*NOISY])
@pytest.mark.wide
def test_variables_of_a_container_that_make_programs_talk_put_nothing_into_standard_output(
    programs: Path, opened: t.Callable[..., Shell], variables: dict[str, str]
) -> None:
    shell = opened(programs, **variables)

    assert shell.run("printf", "%s", "out")[:2] == (0, b"out")
    assert shell.run("cat", stdin=b"in")[:2] == (0, b"in")
    assert shell.run_in_pieces("cat", pieces=[b"one", b"two"])[:2] == (0, b"onetwo")


@pytest.mark.parametrize("programs", ["dash"], indirect=True)
def test_standard_error_is_that_of_the_command_and_of_no_program_in_between(
    programs: Path, opened: t.Callable[..., Shell]
) -> None:
    shell = opened(programs, LD_PRELOAD="/none.so", LC_ALL="xx_YY.UTF-8")

    rc, _out, err = shell.run("env", "-u", "LD_PRELOAD", "sh", "-c", "echo mine >&2")

    # Of all programs env alone is the command's.
    assert (rc, err.count(b"/none.so"), err.endswith(b"\nmine\n")) == (0, 1, True)


@pytest.mark.parametrize("programs", ["dash", "bash"], indirect=True)  # busybox finds its programs in itself
def test_a_path_of_the_container_that_leads_nowhere_does_not_keep_commands_from_running(
    programs: Path, opened: t.Callable[..., Shell]
) -> None:
    shell = opened(programs, PATH="/nowhere", ENV="/nowhere", BASH_ENV="/nowhere", SHELL="/nowhere", IFS="/")

    assert shell.run("sh", "-c", "echo out; cat; echo err >&2; exit 3", stdin=b"in") == (3, b"out\nin", b"err\n")


def test_standard_error_comes_before_the_command_ends_where_there_is_an_answer_to_give(shell: Shell) -> None:
    marker = protocol.new_marker()
    out: list[bytes] = []
    err: list[bytes] = []
    answer = protocol.ResponseParser(marker, out=out.append, err=err.append)
    command = Command(("sh", "-c", "printf asks >&2; read -r answer; echo $answer"))

    shell.send(protocol.request(command, marker, streams=True))
    # Nothing is sent until the question is there, without its line break.
    while b"".join(err) != b"asks":
        shell.feed(answer)
    shell.send(b"7\n")
    while not answer.wants_input:
        shell.feed(answer)
    shell.send(b"answer\n")
    answer.wants_size = False
    while answer.rc is None:
        shell.feed(answer)
        if answer.wants_size:
            answer.wants_size = False
            shell.send(b"0\n")

    assert (answer.rc, b"".join(out)) == (0, b"answer\n")
