# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shell in a pixel through the web shell of the NAS: as root, without an address, an SSH server or a key."""

from __future__ import annotations

import time
import typing as t
from contextlib import contextmanager, suppress
from functools import partial

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
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import (
    KILL_DELAY_S,
    Command,
    Result,
    Shell,
    Streams,
    termination_script,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.stdin import Input, Stream, Whole
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import webshell

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shell_pool import ShellLike
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.terminal import LocalTerminal
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

OPEN_TIMEOUT_S = 30.0
GREETING_TIMEOUT_S = 5.0
PROBE_TIMEOUT_S = 5.0
"""How long a reused shell may take to show that it still runs commands."""
KEPT_BYTES = 64 * 1024
"""The most output to search for a reply again: a pixel can send without end."""
RECEIVE_TIMEOUT_S = 1.0
BEGIN_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 2.0
"""How long to wait for the status of a pixel that may be stopping, once its shell is lost."""
POLL_INTERVAL_S = 0.1
RESIZE_TIMEOUT_S = 10.0
VERIFY_AFTER_S = 15.0
"""After this time without traffic, a shell is returned, so that it is verified before its next use."""
IDLE_S = 50.0
"""A shell that breaks off after this time without traffic was dropped as idle: nginx of TrueNAS does so after 60 s."""
# A message of the middleware of 25.x before it runs a shell for an account without sudo.
NO_SUDO = b"does not have sudo privileges"


class WebShellClient(Shell):
    """A shell in one running pixel, borrowed for its first command; a context manager, for one thread.

    Running a command raises `Refused` if the pixel does not run, `NotFound`, `NotPermitted` for an account that may not
    open shells, and `Unsupported` for a pixel without a program that it requires.
    """

    def __init__(self, pixels: Pixels, name: PixelName) -> None:
        """`name` is the full name of the container."""
        self._pixels = pixels
        self._name = name
        self._where = f"{name.bare} on {pixels.nas}"
        self._shell: ShellLike | None = None
        self._passed = time.monotonic()
        """Time of the last traffic."""

    def open(self) -> None:
        """Borrow the shell now, and not for the first command."""
        self._borrowed()

    def close(self) -> None:
        """Return the shell for later commands, of other processes too."""
        shell, self._shell = self._shell, None
        if shell is not None:
            # The outcome of its commands is known, so losing it is no error.
            with suppress(ConnectionLost):
                shell.give_back(protocol.NOTE)

    def discard(self) -> None:
        """End the shell: after a restart of the pixel, the NAS takes a second or two to report that it is gone."""
        shell, self._shell = self._shell, None
        if shell is not None:
            shell.discard()

    def run_with(self, command: Command, timeout: float | None, streams: Streams) -> Result:
        """Run a command as `run` does. It is also ended in the pixel after a `KeyboardInterrupt`."""
        marker = protocol.new_marker()
        outputs: list[bytes] = []
        errors: list[bytes] = []
        response = protocol.ResponseParser(marker, out=streams.out or outputs.append, err=streams.err or errors.append)
        more = streams.more
        request = protocol.request(command, marker, streams=more is not None)
        shell = self._borrowed()
        stdin: Input = Whole(shell, command.input, streams.sent) if more is None else Stream(shell, command.input, more)
        try:
            with self._explained():
                self._passed = time.monotonic()
                shell.send(request)
                ended = self._receive(shell, stdin, response, timeout)
            if not ended:
                if response.pid is None:
                    raise TimedOut(f"the command had not begun after {timeout:g} s in {self._where}: it may yet")
                self._end(response.pid)
                raise TimedOut(f"the command ran longer than {timeout:g} s in {self._where} and was ended")
        except BaseException as error:
            # Later output would belong to this command.
            self._shell = None
            shell.discard()
            # The command has a session of its own, which outlives the shell. A PixelsError says that it may still run,
            # or it was ended above.
            if not isinstance(error, PixelsError):
                self._end(response.pid)
            raise
        return Result(response.rc or 0, b"".join(outputs), b"".join(errors))

    def run_at_terminal(self, command: Command, terminal: LocalTerminal) -> int:
        """Run a command at the terminal of this process, and return its exit status.

        Raises `ConnectionLost` if the shell is lost and the outcome is unknown.
        """
        marker = protocol.new_marker()
        response = protocol.ResponseParser(marker, out=terminal.show, err=terminal.show, lead=protocol.LEAD)
        columns, rows = terminal.size()
        shell = self._borrowed()
        try:
            with self._explained():
                shell.send(protocol.at_terminal(command, marker, columns=columns, rows=rows, term=terminal.term))
                while response.rc is None:
                    piece = shell.receive(RECEIVE_TIMEOUT_S)
                    if piece:
                        self._passed = time.monotonic()
                        response.feed(piece)
                    if response.terminal_pid is not None:
                        terminal.begin(shell.send, partial(self._resize, shell, response.terminal_pid))
        finally:
            # The command may have changed the terminal, so that the shell cannot be used again.
            self._shell = None
            shell.discard()
        return response.rc

    def _resize(self, shell: ShellLike, terminal_pid: int, columns: int, rows: int) -> None:
        """Set the size of a shell's terminal, which the process `terminal_pid` has open."""
        try:
            webshell.resize(self._pixels.wire, shell.id, columns, rows)
        except PixelsError:
            # On 25.04 only full administrators may do that. Root of the pixel may set the size from inside, by way of
            # the process: the terminal may have no name there.
            line = f"stty rows {rows} cols {columns} </proc/{terminal_pid}/fd/0"
            with suppress(PixelsError), WebShellClient(self._pixels, self._name) as another:
                another.run(Command(("sh", "-c", line)), timeout=RESIZE_TIMEOUT_S)

    def _receive(
        self, shell: ShellLike, stdin: Input, response: protocol.ResponseParser, timeout: float | None
    ) -> bool:
        """Receive the response; return whether the command ended within `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while response.rc is None:
            left = RECEIVE_TIMEOUT_S if until is None else min(RECEIVE_TIMEOUT_S, until - time.monotonic())
            # A command can be ended once its process ID is known, which comes first.
            if left <= 0 and (response.pid is not None or left < -BEGIN_TIMEOUT_S):
                return False
            piece = shell.receive(left if left > 0 else POLL_INTERVAL_S)
            if piece:
                self._passed = time.monotonic()
                response.feed(piece)
            stdin.update(response)
        return True

    def _borrowed(self) -> ShellLike:
        if self._shell is not None and time.monotonic() - self._passed > VERIFY_AFTER_S:
            # Borrowing it again verifies that it is alive.
            self.close()
        if self._shell is None:
            with self._explained():
                shell = self._borrow()
                if shell.note == protocol.NOTE and not self._responds(shell):
                    # No command was sent, so that it can be sent to another shell.
                    shell = self._borrow(unused=True)
                if shell.note != protocol.NOTE:
                    self._open(shell)
                    shell.send(protocol.opened())
            self._shell = shell
        return self._shell

    def _borrow(self, *, unused: bool = False) -> ShellLike:
        """Borrow a shell, with `unused` a new one."""
        options = self._options()
        unused = self._pixels.containers.was_started(self._name) or unused
        try:
            return self._pixels.wire.borrow_shell(options, unused=unused)
        except ConnectionLost:
            # The caller finds out the cause.
            raise
        except PixelsError as error:
            error.add_prefix(f"opening a shell in {self._where}")
            error.add_suffix("Nothing was run there, so that it can be run again")
            raise

    def _options(self) -> t.Mapping[str, t.Any]:
        try:
            return self._pixels.containers.shell(self._name)
        except NotFound:
            raise NotFound(f"there is no pixel named {self._where}") from None

    def _responds(self, shell: ShellLike) -> bool:
        """Return whether a reused shell still runs commands; otherwise end it.

        After a stop, the NAS takes a second or two to report that a shell is gone, and another process may have started
        the pixel again meanwhile.
        """
        marker = protocol.new_marker()
        output = b""
        until = time.monotonic() + PROBE_TIMEOUT_S
        try:
            shell.send(protocol.probe(marker))
            while not protocol.is_open(output, marker) and (left := until - time.monotonic()) > 0:
                output = output[-KEPT_BYTES:] + (shell.receive(left) or b"")
        except ConnectionLost:
            output = b""
        except BaseException:
            shell.discard()
            raise
        if protocol.is_open(output, marker):
            return True
        shell.discard()
        return False

    def _open(self, shell: ShellLike) -> None:
        """Replace the shell that the NAS started by one that runs the lines of `protocol`."""
        marker = protocol.new_marker()
        output = b""
        until = time.monotonic() + OPEN_TIMEOUT_S
        try:
            # The NAS reports the connection before the shell runs. What is typed before its prompt is lost.
            output = shell.receive(GREETING_TIMEOUT_S) or b""
            shell.send(protocol.opening(marker))
            while not protocol.is_open(output, marker):
                left = until - time.monotonic()
                if left <= 0:
                    raise TimedOut(f"the web shell of {self._where} took no command within {OPEN_TIMEOUT_S:g} s")
                output = output[-KEPT_BYTES:] + (shell.receive(left) or b"")
                if program := protocol.missing_program(output, marker):
                    raise Unsupported(
                        f"the web shell of {self._where} cannot be used: the pixel lacks the program {program}"
                    )
        except BaseException as error:
            shell.discard()
            if isinstance(error, ConnectionLost) and NO_SUDO in output:
                raise NotPermitted(
                    f"the account may not use the web shell of {self._where}: TrueNAS opens it only for accounts that "
                    "may run all commands with sudo"
                ) from None
            raise

    def _end(self, pid: int | None) -> None:
        """End a command in the pixel, and its child processes."""
        if pid is None:
            return
        # Without setsid the process leads no group. dash accepts no `--`.
        script = termination_script(f"kill -$s -{pid} || kill -$s {pid}")
        with WebShellClient(self._pixels, self._name) as another:
            another.run(Command(("sh", "-c", script)), timeout=KILL_DELAY_S + 10)

    @contextmanager
    def _explained(self) -> t.Iterator[None]:
        """Raise the loss of a shell with its cause."""
        try:
            yield
        except ConnectionLost as lost:
            error = self._cause(lost)
        else:
            return
        raise error

    def _settled(self) -> Container | None:
        """Return the container; if it is stopping, as it is once its status has changed."""
        until = time.monotonic() + STOP_TIMEOUT_S
        while True:
            found = self._pixels.containers.find(self._name)
            if found is None or not (found.running or found.transient):
                return found
            if (found.running and self._shell is None) or time.monotonic() > until:
                return found
            time.sleep(POLL_INTERVAL_S)

    def _cause(self, lost: ConnectionLost) -> PixelsError:
        """Return the error for a lost shell, which TrueNAS closes without giving a reason."""
        silence = time.monotonic() - self._passed
        found = self._settled()
        if found is None:
            return NotFound(f"there is no pixel named {self._where}")
        if not found.running:
            # The name of a transient status would not help the user.
            state = "is stopping" if found.transient else f"is {found.status}"
            if self._shell is None:
                return Refused(f"{self._where} {state}: start it first")
            return ConnectionLost(f"{self._where} {state}: it went down while the command ran", sent=True)
        if self._shell is None:
            return ConnectionFailed(
                f"cannot open a web shell in {self._where}, which is running: {reason_for(lost, 0.0)} ({lost})"
            )
        return ConnectionLost(
            f"lost the web shell of {self._where} while the command ran, which may go on or have ended: "
            f"{reason_for(lost, silence)} ({lost})",
            sent=True,
            ending=lost.ending,
        )


def reason_for(lost: ConnectionLost, silence: float) -> str:
    """Return why the shell of a running pixel was lost, after `silence` seconds without traffic."""
    match lost.ending:
        case "closed":
            return "the NAS closed it, as it does when the process of the shell in the pixel has ended"
        case "silent":
            return "the NAS does not respond any more"
        case "broken" if silence > IDLE_S:
            return (
                f"it was dropped after {silence:.0f} s without traffic, so a proxy, a firewall or the NAS drops idle "
                "connections"
            )
        case "broken":
            return "its connection was cut, by the network or by a restart of the NAS's middleware"
    return "it was lost on the controller"
