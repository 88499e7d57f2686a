# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts commands in a guest as one of its users, and ends them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import struct
import termios
import time
import typing as t

SECONDS_TO_END = 1.0
"""How long processes may take to end when asked, before they are killed."""


class Started(t.NamedTuple):
    pid: int
    terminal: int | None
    """The engine's end of the command's terminal."""


def spawn(request: dict[str, t.Any], streams: list[int]) -> Started:
    """`terminal` in the request is columns and rows; without it the streams become stdin, stdout and stderr."""
    master = slave = None
    if request["terminal"]:
        columns, rows = request["terminal"]
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if request["user"]["uid"]:
            with contextlib.suppress(OSError):  # a guest with one id: the command says so itself
                os.fchown(slave, request["user"]["uid"], -1)
    pid = os.fork()
    if pid == 0:
        _turn_into(request, streams, slave)
    if slave is not None:
        os.close(slave)
    return Started(pid, master)


def signal_all(number: int) -> None:
    """To every process of the guest but pid 1."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, number)


def end_all() -> None:
    """Ask everything to end and wait a little; what is left dies with pid 1."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # A shell that waits for input reacts only to the second, which other programs must not get before they end.
        signal_all(number)
        signal_all(signal.SIGCONT)
        if _all_gone(SECONDS_TO_END / 2):
            return


def _all_gone(seconds: float) -> bool:
    """Whether no process is left before so much time has passed."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.005)
        except ChildProcessError:
            return True
    return False


def _turn_into(request: dict[str, t.Any], streams: list[int], terminal: int | None) -> t.NoReturn:
    """In the new process: become the command, or say on its stderr why not, with the status a shell would give."""
    what = request["argv"][0]
    status = 126
    try:
        os.setsid()
        for number, stream in enumerate(streams if terminal is None else [terminal] * 3):
            os.dup2(stream, number)
        if terminal is not None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.set_wakeup_fd(-1)
        for known in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(known, signal.SIG_DFL)
        _become(request["user"])
        os.chdir(request["directory"] if os.access(request["directory"], os.X_OK) else "/")
        os.execvpe(what, [request["argv0"] or what, *request["argv"][1:]], request["environment"])
    except (FileNotFoundError, NotADirectoryError):
        status = 127
        os.write(2, f"{what}: command not found\n".encode(errors="surrogateescape"))
    except OSError as error:
        os.write(2, f"{what}: {error.strerror}\n".encode(errors="surrogateescape"))
    except ValueError as error:
        os.write(2, f"{error}\n".encode())
    finally:
        os._exit(status)


def _become(user: dict[str, t.Any]) -> None:
    if os.getuid() == user["uid"]:
        return  # with one id only there is nothing to change, and the kernel would refuse to try
    try:
        os.setgroups(user["groups"])
        os.setresgid(user["gid"], user["gid"], user["gid"])
        os.setresuid(user["uid"], user["uid"], user["uid"])
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EPERM):
            raise
        words = f"this guest has no user id but root's, so nothing in it can run as {user['name']}"
        raise OSError(error.errno, words) from error
