# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Into a pixel through the NAS's own shell: no address, no SSH server, no key, and as root of the pixel."""

from __future__ import annotations

import time
import typing as t
from contextlib import contextmanager, suppress

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    ConnectionLost,
    NotFound,
    NotPermitted,
    PixelsError,
    Refused,
    TimedOut,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import dialogue, names
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import GRACE, Command, Result, Sink, ending
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.feeding import Input, Source, Stream, Whole

if t.TYPE_CHECKING:
    from types import TracebackType

    from ansible_collections.pixels.truenas.plugins.module_utils._api.shells import BorrowedShell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.seat import Seat
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

OPEN_WITHIN = 30.0
SAYS_HELLO_WITHIN = 5.0
LISTEN_FOR = 1.0
BEGINS_WITHIN = 5.0
STOPPED_WITHIN = 2.0
LOOK_EVERY = 0.1
# Seconds in which nothing passed. A shell that rested is looked at before it is used again, and what broke off after so
# long a silence was cut by something that drops what is idle: nginx in front of TrueNAS does so after 60.
RESTED = 15.0
IDLE = 50.0
ROOT = "root"
# What the middleware of 25.x says before it runs a shell for an account without sudo.
NO_SUDO = b"does not have sudo privileges"


class NasShell:
    """A shell in one running pixel, borrowed at its first command; a context manager, for one thread.

    Raises C(Refused) when the pixel does not run, C(NotFound), C(NotPermitted) for an account that may not open
    shells, C(Unsupported) for a pixel that lacks a program it takes.
    """

    def __init__(self, pixels: Pixels, name: str) -> None:
        """C(name) is the full one."""
        self._pixels = pixels
        self._name = name
        self._where = f"{names.bare_name(name)} on {pixels.nas}"
        self._shell: BorrowedShell | None = None
        self._passed = time.monotonic()
        """When something last passed."""

    def __enter__(self) -> NasShell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the shell back, for the next command of whomever."""
        shell, self._shell = self._shell, None
        if shell is not None:
            # Its loss by now is no loss: what was run in it has ended, and its outcome is known.
            with suppress(ConnectionLost):
                shell.give_back(dialogue.NOTE)

    def discard(self) -> None:
        """End the shell: in a pixel that was restarted it is gone, and the NAS tells so a second or two later only."""
        shell, self._shell = self._shell, None
        if shell is not None:
            shell.discard()

    def run(
        self,
        command: Command,
        *,
        timeout: float | None = None,
        out: Sink | None = None,
        err: Sink | None = None,
        more: Source | None = None,
    ) -> Result:
        """Run a command to its end; C(out) and C(err) are handed its outputs as they come, which are then in no result.

        C(more) is asked, in a thread of its own, for what comes after the command's own input. Interrupted, it ends the
        command in the pixel as well.

        Raises C(TimedOut) after C(timeout) seconds, having ended the command in the pixel too, and C(ConnectionLost)
        when the shell goes away: then nothing is known of how it ended.
        """
        word = dialogue.new_word()
        outputs: list[bytes] = []
        errors: list[bytes] = []
        answer = dialogue.Answer(word, out=out or outputs.append, err=err or errors.append)
        request = dialogue.request(command, word, streams=more is not None)
        shell = self._borrowed()
        feed: Input = Whole(shell, command.input) if more is None else Stream(shell, command.input, more)
        try:
            with self._telling_how_it_is():
                self._passed = time.monotonic()
                shell.send(request)
                ended = self._listen(shell, feed, answer, timeout)
            if not ended:
                if answer.pid is None:
                    raise TimedOut(f"the command had not begun after {timeout:g} s in {self._where}: it may yet")
                self._end(answer.pid)
                raise TimedOut(f"the command ran longer than {timeout:g} s in {self._where} and was ended")
        except BaseException as error:
            # What it says from now on is of a command nobody waits for.
            self._shell = None
            shell.discard()
            if isinstance(error, KeyboardInterrupt):
                self._end(answer.pid)
            raise
        return Result(answer.rc or 0, b"".join(outputs), b"".join(errors))

    def run_at_terminal(self, command: Command, seat: Seat) -> int:
        """Run a command at a terminal that somebody sits at; its exit status.

        Raises C(ConnectionLost) when the shell goes away: then nothing is known of how it ended.
        """
        word = dialogue.new_word()
        answer = dialogue.Answer(word, out=seat.show, err=seat.show, lead=dialogue.LEAD)
        columns, rows = seat.size()
        shell = self._borrowed()
        try:
            with self._telling_how_it_is():
                shell.send(dialogue.at_terminal(command, word, columns=columns, rows=rows, term=seat.term))
                while answer.rc is None:
                    piece = shell.receive(LISTEN_FOR)
                    if piece:
                        self._passed = time.monotonic()
                        answer.hear(piece)
                    if answer.holder is not None:
                        seat.begin(shell, answer.holder)
        finally:
            # Whatever was done to the terminal, nobody else is to find.
            self._shell = None
            shell.discard()
        return answer.rc

    def _listen(self, shell: BorrowedShell, feed: Input, answer: dialogue.Answer, timeout: float | None) -> bool:
        """Whether the command ended in time."""
        until = None if timeout is None else time.monotonic() + timeout
        while answer.rc is None:
            left = LISTEN_FOR if until is None else min(LISTEN_FOR, until - time.monotonic())
            # A command can be ended once it has said its number, which is the first that is heard of it.
            if left <= 0 and (answer.pid is not None or left < -BEGINS_WITHIN):
                return False
            piece = shell.receive(left if left > 0 else LOOK_EVERY)
            if piece:
                self._passed = time.monotonic()
                answer.hear(piece)
            feed.notice(answer)
        return True

    def _borrowed(self) -> BorrowedShell:
        if self._shell is not None and time.monotonic() - self._passed > RESTED:
            # Whoever lends it looks whether it still lives.
            self.close()
        if self._shell is None:
            with self._telling_how_it_is():
                shell = self._pixels.wire.borrow_shell(self._options())
                if shell.note != dialogue.NOTE:
                    self._open(shell)
                    shell.send(dialogue.opened())
            self._shell = shell
        return self._shell

    def _options(self) -> t.Mapping[str, t.Any]:
        try:
            return self._pixels.containers.shell(self._name)
        except NotFound:
            raise NotFound(f"there is no pixel named {self._where}") from None

    def _open(self, shell: BorrowedShell) -> None:
        """Turn whatever shell there is into one that takes our lines."""
        word = dialogue.new_word()
        heard = b""
        until = time.monotonic() + OPEN_WITHIN
        try:
            # The NAS says that it is connected before the shell runs: what is typed earlier meets another terminal.
            heard = shell.receive(SAYS_HELLO_WITHIN) or b""
            shell.send(dialogue.opening(word))
            while not dialogue.is_open(heard, word):
                left = until - time.monotonic()
                if left <= 0:
                    raise TimedOut(f"the shell of {self._where} took no command within {OPEN_WITHIN:g} s")
                heard += shell.receive(left) or b""
                if program := dialogue.lacks(heard, word):
                    raise Unsupported(
                        f"the shell of {self._where} cannot be used: the pixel lacks the program {program}"
                    )
        except BaseException as error:
            shell.discard()
            if isinstance(error, ConnectionLost) and NO_SUDO in heard:
                raise NotPermitted(
                    f"the account may not use the shell of {self._where}: TrueNAS opens it for accounts that have all "
                    "of sudo only"
                ) from None
            raise

    def _end(self, pid: int | None) -> None:
        """End a command in the pixel, and all it started."""
        if pid is None:
            return
        # Where there is no setsid the process leads no group. No `--`: dash has none.
        script = ending(f"kill -$s -{pid} || kill -$s {pid}")
        with NasShell(self._pixels, self._name) as another:
            another.run(Command(("sh", "-c", script)), timeout=GRACE + 10)

    @contextmanager
    def _telling_how_it_is(self) -> t.Iterator[None]:
        """The loss of a shell with its reason."""
        try:
            yield
        except ConnectionLost as lost:
            reason = self._reason(lost)
        else:
            return
        raise reason

    def _as_it_is_then(self) -> Container | None:
        """The pixel, after the moment that one that stops takes from the end of its programs to its new status."""
        until = time.monotonic() + STOPPED_WITHIN
        while True:
            found = self._pixels.containers.find(self._name)
            if found is None or not found.running or self._shell is None or time.monotonic() > until:
                return found
            time.sleep(LOOK_EVERY)

    def _reason(self, lost: ConnectionLost) -> PixelsError:
        """Why a shell went away; TrueNAS hangs up without a word, whatever the reason."""
        silence = time.monotonic() - self._passed
        found = self._as_it_is_then()
        if found is None:
            return NotFound(f"there is no pixel named {self._where}")
        if not found.running:
            if self._shell is None:
                return Refused(f"{self._where} is {found.status}: start it first")
            return ConnectionLost(f"{self._where} is {found.status}: it went down while the command ran", sent=True)
        if self._shell is None:
            return ConnectionFailed(f"no shell opened in {self._where}, which runs: {how_it_ended(lost, 0.0)} ({lost})")
        return ConnectionLost(
            f"the shell of {self._where} went away while the command ran, which may go on or have ended: "
            f"{how_it_ended(lost, silence)} ({lost})",
            sent=True,
            ending=lost.ending,
        )


def how_it_ended(lost: ConnectionLost, silence: float) -> str:
    """In words, of a shell whose pixel goes on; C(silence) is how long nothing had passed by then."""
    match lost.ending:
        case "closed":
            return "the NAS closed it without a word, as it does when the shell's own process in the pixel has ended"
        case "silent":
            return "the NAS, or the way to it, gives no sign of life any more"
        case "broken" if silence > IDLE:
            return (
                f"it was dropped after {silence:.0f} s in which nothing passed, so something on the way drops what is "
                "idle: a proxy, a firewall, or the NAS itself"
            )
        case "broken":
            return "the connection to it was cut, by the network or by a restart of the NAS's middleware"
    return "it was lost on this side"
