# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a session holder: the caller makes the socket and hands it over, so that there is no moment without one."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import os
import socket
import subprocess
import sys

from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.identity import FOLDER, TLS_VARIABLES
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.order import Order
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.rendezvous import Rendezvous, connect

PROGRAM = os.path.join(FOLDER, "process.py")
BACKLOG = 512
CONNECT_TIMEOUT = 5.0
START_TIMEOUT = 20.0

# What a Python process and its name look-ups may need. Nothing else gets over: variables can hold secrets.
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


class NotStartable(Exception):
    """There can be no holder here; the text says why."""


def connected(order: Order) -> socket.socket:
    """A connection to the holder of this order, which is started if there is none.

    Raises NotStartable, NoRendezvous and OSError.
    """
    rendezvous = Rendezvous(order.folder)
    path = rendezvous.socket_path(order.name)
    found = connect(path, timeout=CONNECT_TIMEOUT)
    if found is not None:
        return found
    if not sys.executable or not os.path.isfile(PROGRAM):
        raise NotStartable("this code is in no folder from which a process of its own could run it")
    # It would serve nobody, and keep those from the NAS whose Python has it.
    if importlib.util.find_spec("websocket") is None:
        raise NotStartable("this Python lacks the library websocket-client")
    with rendezvous.locked():
        found = connect(path, timeout=CONNECT_TIMEOUT)
        if found is None:
            _sweep(rendezvous)
            _start(order, path)
    # Once more, if it was us who started it: its socket takes callers before it does.
    found = found or connect(path, timeout=CONNECT_TIMEOUT)
    if found is None:
        raise NotStartable("the process that was started ended at once")
    return found


def _sweep(rendezvous: Rendezvous) -> None:
    """Remove the sockets of holders that crashed."""
    for path in rendezvous.sockets():
        try:
            living = connect(path, timeout=CONNECT_TIMEOUT)
        except OSError:
            continue
        if living is None:
            os.unlink(path)
        else:
            living.close()


def _start(order: Order, path: str) -> None:
    with contextlib.ExitStack() as undo:
        listener = undo.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(path)
        undo.callback(_remove, path)
        os.chmod(path, 0o600)
        listener.listen(BACKLOG)
        libraries = tuple(folder for folder in sys.path if os.path.isabs(folder) and os.path.isdir(folder))
        inode = os.lstat(path).st_ino
        _run(dataclasses.replace(order, listener=listener.fileno(), inode=inode, path=libraries))
        undo.pop_all()
        listener.close()


def _run(order: Order) -> None:
    process = subprocess.Popen(
        # Isolated: neither the variables nor the folder of whoever happens to be first play a part.
        [sys.executable, "-I", *(["-B"] if sys.dont_write_bytecode else []), PROGRAM, order.endpoint.nas],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={name: os.environ[name] for name in VARIABLES if name in os.environ},
        close_fds=True,
        pass_fds=(order.listener,),
        start_new_session=True,
    )
    try:
        process.communicate(order.text(), timeout=START_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    if process.returncode:
        raise NotStartable("the process that was started ended at once")


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
