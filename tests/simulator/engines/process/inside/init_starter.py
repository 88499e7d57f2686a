# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts one guest's process after the other, each in a moment: what they need was imported before any of them."""

from __future__ import annotations

import os
import select
import signal
import socket

from tests.simulator.engines.process.inside import init
from tests.simulator.engines.process.inside.wire import Message, receive, send


def main(descriptor: int) -> int:
    """Run until the engine closes the socket. The guests then end, since it closes theirs as well."""
    # An interrupt at the terminal is for the engine, which ends its processes in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = socket.socket(fileno=descriptor)
    line.set_inheritable(False)
    living: dict[int, int] = {}
    while True:
        watch = select.poll()
        for watched in (line.fileno(), *living):
            watch.register(watched, select.POLLIN)
        ready = {watched for watched, _event in watch.poll()}
        for process in ready & living.keys():
            os.waitpid(living.pop(process), 0)
            os.close(process)
        if line.fileno() in ready:
            message = receive(line)
            if message is None:
                return 0
            _start(message, line, living)


def _start(message: Message, line: socket.socket, living: dict[int, int]) -> None:
    """Fork it, and hand the engine what says when it has ended."""
    pid = os.fork()
    if pid == 0:
        line.close()
        for process in living:
            os.close(process)
        control, stdout, stderr = message.descriptors
        for number, stream in ((1, stdout), (2, stderr)):
            os.dup2(stream, number)
            os.close(stream)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(message.body["stage"])
        os._exit(init.main(control))
    process = os.pidfd_open(pid)
    living[process] = pid
    send(line, {"pid": pid}, [process])
    for descriptor in message.descriptors:
        os.close(descriptor)
