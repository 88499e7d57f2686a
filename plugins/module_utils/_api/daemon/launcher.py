# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the session daemon. The client binds the socket and passes it on, so there is no moment without a listener."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import sys
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client_connection import (
    DaemonConnection,
    DaemonGone,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.identity import CODE_DIRECTORY, TLS_VARIABLES
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import RuntimeDir, connect
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.startup_config import DaemonConfig

PROGRAM = os.path.join(CODE_DIRECTORY, "main.py")
BACKLOG = 512
START_TIMEOUT_S = 20.0

VARIABLES = (
    *TLS_VARIABLES,
    "HOSTALIASES",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "LOCALDOMAIN",
    "OPENSSL_CONF",
    "PATH",
    "RES_OPTIONS",
    "TZ",
)
"""What a Python process and its name lookups may need. No other variable is passed on: it could hold a secret."""


class CannotStartDaemon(Exception):
    """No session daemon can run here; the text is the reason."""


def connect_or_start(config: DaemonConfig, *, silent: int | None = None) -> DaemonConnection:
    """Return a connection to the session daemon of `config`. Start one if there is none, replace one that is silent.

    `silent` is the inode of a socket whose daemon is known not to respond. Raises `DaemonGone`, `WrongDaemon`,
    `CannotStartDaemon`, `NoRuntimeDir` and `OSError`.
    """
    runtime_dir = RuntimeDir(config.directory)
    path = runtime_dir.socket_path(config.socket_name)
    inode = runtime_dir.inode(config.socket_name)
    if inode is None or inode != silent:
        try:
            connection = connect_and_greet(path)
        except DaemonGone as lost:
            if not lost.silent:
                raise
            # A daemon that is still loading its code on a busy machine is as silent; its starter holds the lock.
            silent = None if runtime_dir.is_locked() else inode
        else:
            if connection is not None:
                return connection
    if not sys.executable or not os.path.isfile(PROGRAM):
        raise CannotStartDaemon("the code is in no directory from which another process could run it")
    # Imported here, as in `_run`: most clients find a daemon.
    import importlib.util

    # A daemon without the library could only fail, and clients whose Python has the library would never get to the NAS.
    if importlib.util.find_spec("websocket") is None:
        raise CannotStartDaemon("this Python has no library websocket-client")
    with runtime_dir.locked(timeout=START_TIMEOUT_S):
        connection = _connect_or_set_aside(runtime_dir, config.socket_name, silent)
        if connection is None:
            _remove_stale_sockets(runtime_dir)
            _start(config, path)
            connection = connect_and_greet(path, timeout=START_TIMEOUT_S)
    if connection is None:
        raise CannotStartDaemon("the process exited as soon as it was started")
    return connection


def _connect_or_set_aside(runtime_dir: RuntimeDir, name: str, silent: int | None) -> DaemonConnection | None:
    """Return a connection to the daemon that now listens. If it is silent, set its socket aside and return None."""
    inode = runtime_dir.inode(name)
    if inode is None:
        return None
    if inode != silent:
        try:
            return connect_and_greet(runtime_dir.socket_path(name))
        except DaemonGone as lost:
            # It is not being started: this process holds the lock.
            if not lost.silent:
                raise
    runtime_dir.set_aside(name)
    return None


def connect_and_greet(path: str, *, timeout: float | None = None) -> DaemonConnection | None:
    """Return a connection to the daemon that listens at `path`; None if there is none.

    Raises `DaemonGone` for a daemon that does not greet within `timeout` seconds, `WrongDaemon` and `OSError`.
    """
    timeout = protocol.RESPONSE_TIMEOUT_S if timeout is None else timeout
    try:
        inode = os.lstat(path).st_ino
        connection = connect(path, timeout=timeout)
    except FileNotFoundError:
        return None
    except TimeoutError:
        raise DaemonGone(taken=False, silent=True) from None
    return None if connection is None else DaemonConnection(connection, timeout=timeout, inode=inode)


def _remove_stale_sockets(runtime_dir: RuntimeDir) -> None:
    """Remove the sockets of daemons that crashed."""
    for path in runtime_dir.sockets():
        try:
            connection = connect(path, timeout=0)
        except OSError:
            continue
        if connection is None:
            os.unlink(path)
        else:
            connection.close()


def _start(config: DaemonConfig, path: str) -> None:
    """Bind the socket and start a daemon that listens on it. Raises `CannotStartDaemon` and `OSError`."""
    with contextlib.ExitStack() as undo:
        listener = undo.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(path)
        undo.callback(_remove, path)
        os.chmod(path, 0o600)
        listener.listen(BACKLOG)
        libraries = tuple(entry for entry in sys.path if os.path.isabs(entry) and os.path.isdir(entry))
        inode = os.lstat(path).st_ino
        _run(dataclasses.replace(config, listener=listener.fileno(), inode=inode, library_path=libraries))
        undo.pop_all()
        listener.close()


def _run(config: DaemonConfig) -> None:
    import subprocess

    from ansible_collections.pixels.truenas.plugins.module_utils._api import child_process

    process = subprocess.Popen(  # pylint: disable=ansible-bad-function  # on the controller
        # Isolated (-I) from the environment and the working directory of the client that happens to be first.
        [sys.executable, "-I", *(["-B"] if sys.dont_write_bytecode else []), PROGRAM, config.endpoint.nas],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={name: os.environ[name] for name in VARIABLES if name in os.environ},
        close_fds=True,
        pass_fds=(config.listener,),
        start_new_session=True,
    )
    with contextlib.ExitStack() as undo:
        undo.callback(process.wait)
        undo.callback(process.kill)
        # It is less than a pipe holds. What ends at once does not read it.
        with contextlib.suppress(BrokenPipeError), t.cast("t.IO[bytes]", process.stdin) as stdin:
            stdin.write(config.encode())
        with contextlib.suppress(subprocess.TimeoutExpired):
            child_process.wait(process, timeout=START_TIMEOUT_S)
    if process.returncode:
        raise CannotStartDaemon("the process exited as soon as it was started")


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
