# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command over paramiko with this process's own input, outputs, signals and terminal."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import sys
import threading
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.openssh import shell_line, signal_line

if t.TYPE_CHECKING:
    import paramiko

    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.ssh import Ssh

CHUNK = 32768
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def run(shell: Ssh, command: Command, *, terminal: bool = False) -> int:
    """Run a command to its end; its exit status. Raises C(ConnectionLost) when it broke off."""
    channel = shell.open_channel()
    token = secrets.token_hex(8)
    with contextlib.ExitStack() as undo:
        if terminal:
            undo.enter_context(terminal_of(channel))
        else:
            undo.enter_context(signals_to(shell, token))
        # A terminal would show what is typed, variables as well; it sends them where the server takes them.
        if terminal and command.environment:
            channel.update_environment(dict(command.environment))
        channel.exec_command(shell_line(command, shell.login.user, token, sent=terminal))
        if not terminal:
            channel.sendall(command.variables)
        threading.Thread(target=feed, args=(channel,), daemon=True).start()
        pass_on(channel)
        rc = channel.recv_exit_status()
    if rc < 0:
        raise ConnectionLost(f"the SSH connection to {shell.login} broke off while the command ran")
    return rc


def feed(channel: paramiko.Channel) -> None:
    """Our input, as it comes, to the command."""
    try:
        while chunk := os.read(0, CHUNK):
            channel.sendall(chunk)
        channel.shutdown_write()
    except OSError:
        # The command ended without reading all of it, which is its right.
        return


def pass_on(channel: paramiko.Channel) -> None:
    """What the command writes, as it comes, until both outputs have ended."""
    ends = threading.Thread(target=copy, args=(channel.recv_stderr, sys.stderr.buffer), daemon=True)
    ends.start()
    copy(channel.recv, sys.stdout.buffer)
    ends.join()


def copy(receive: t.Callable[[int], bytes], stream: t.BinaryIO) -> None:
    while chunk := receive(CHUNK):
        stream.write(chunk)
        stream.flush()


@contextlib.contextmanager
def signals_to(shell: Ssh, token: str) -> t.Iterator[None]:
    """Signals that would end this process go to the command; by a thread, as a handler must not wait."""
    reader, writer = os.pipe()

    def send() -> None:
        while number := os.read(reader, 1):
            if number == b"\0":
                return
            with contextlib.suppress(ConnectionLost, OSError):
                shell.open_channel().exec_command(signal_line(token, number[0]))

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    before = {
        number: signal.signal(number, lambda got, _frame: os.write(writer, bytes([got])) and None) for number in SIGNALS
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.write(writer, b"\0")
        thread.join()
        os.close(reader)
        os.close(writer)


@contextlib.contextmanager
def terminal_of(channel: paramiko.Channel) -> t.Iterator[None]:
    """A terminal for the command, as large as ours and staying so; ours passes on every key while it runs."""

    def size() -> tuple[int, int]:
        found = shutil.get_terminal_size()
        return found.columns, found.lines

    def resized(_number: int, _frame: object) -> None:
        channel.resize_pty(*size())

    channel.get_pty(os.environ.get("TERM", "vt100"), *size())
    before = signal.signal(signal.SIGWINCH, resized)
    try:
        with every_key():
            yield
    finally:
        signal.signal(signal.SIGWINCH, before)


@contextlib.contextmanager
def every_key() -> t.Iterator[None]:
    if not sys.stdin.isatty():
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(0)
    try:
        tty.setraw(0)
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
