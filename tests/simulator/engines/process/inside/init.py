# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pid 1 of a guest: answers the engine until the engine hangs up, and everything in the guest ends with it."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import typing as t

from tests.simulator.engines.process.inside import commands, files
from tests.simulator.engines.process.inside.filesystem import build_root, enter_namespaces, settle
from tests.simulator.engines.process.inside.wire import Layout, Message, receive, send

SOCKET = "/run/init.socket"
"""Where the guest's own `systemctl` and `apt-get` reach the engine."""

QUESTIONS: dict[str, t.Callable[..., t.Any]] = {
    "user": files.find_user,
    "describe": files.describe,
    "list": lambda path: sorted(os.listdir(path)),
    "link": files.link,
    "remove": files.remove,
    "pause": lambda: commands.signal_all(signal.SIGSTOP),
    "resume": lambda: commands.signal_all(signal.SIGCONT),
    "end": commands.end_all,
}
OPENING: dict[str, t.Callable[..., int]] = {"read": files.open_to_read, "write": files.open_to_write}
"""Answered with an open file."""


class Init:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._tickets: dict[int, int] = {}
        """Running command -> the number by which the engine knows it; pids come again, tickets do not."""

    def serve(self) -> None:
        woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        watch = select.poll()
        watch.register(self._control, select.POLLIN)
        watch.register(woken, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _event in watch.poll()}
            if self._control.fileno() in ready:
                message = receive(self._control)
                if message is None:
                    return
                self._answer(message)
            if woken in ready:
                os.read(woken, 4096)
                self._reap()

    def _answer(self, message: Message) -> None:
        number, question, details = (message.body[name] for name in ("id", "ask", "details"))
        made: list[int] = []
        result = None
        try:
            if question == "spawn":
                result = self._spawn(details, message.descriptors, made)
            elif question == "kill":
                self._kill(**details)
            elif question in OPENING:
                made.append(OPENING[question](**details))
            else:
                result = QUESTIONS[question](**details)
            send(self._control, {"id": number, "result": result}, made)
        except OSError as error:
            code = error.errno or errno.EIO
            send(self._control, {"id": number, "errno": code, "error": error.strerror or os.strerror(code)})
        finally:
            for descriptor in message.descriptors + made:
                os.close(descriptor)

    def _spawn(self, details: dict[str, t.Any], streams: list[int], made: list[int]) -> int:
        started = commands.spawn(details, streams)
        self._tickets[started.pid] = details["ticket"]
        if started.terminal is not None:
            made.append(started.terminal)
        return started.pid

    def _kill(self, pid: int, number: int) -> None:
        """The command leads a session of its own, so what it has started gets the signal too."""
        if pid in self._tickets:
            os.killpg(pid, number)

    def _reap(self) -> None:
        """Report the commands that have ended, and reap orphaned processes."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._tickets:
                body = {"ended": self._tickets.pop(pid), "returncode": os.waitstatus_to_exitcode(status)}
                send(self._control, body)


def main(descriptor: int) -> int:
    """Run as a separate process, started in the `stage` of the state directory with the socket to the engine."""
    control = socket.socket(fileno=descriptor)
    control.set_inheritable(False)
    os.umask(0o022)
    message = receive(control)
    if message is None:
        return 1
    layout = Layout(**message.body)
    try:
        enter_namespaces(layout)
        init = os.fork()  # the first process started after that is pid 1
        if init == 0:
            _be_init(layout, control)
            os._exit(0)
    except OSError as error:
        with contextlib.suppress(BrokenPipeError):
            send(control, {"refused": error.strerror or str(error)})
        os._exit(1)
    control.close()
    os.waitpid(init, 0)
    return 0


def _be_init(layout: Layout, control: socket.socket) -> None:
    build_root(layout)
    settle(layout.hostname)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(SOCKET)
        os.chmod(SOCKET, 0o600)
        listener.listen(16)
        send(control, {"ready": True}, [listener.fileno()])
    Init(control).serve()
