# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program in forks of one process that has loaded its code: that takes a third of the time of a start.

`python -P fork_server.py PROGRAM DESCRIPTOR` accepts requests on an inherited Unix socket until its standard input
closes. Each fork has its own environment, working directory, standard streams, signals and exit status. PROGRAM is
`pixels`, which runs what `launch.py` runs, or `ansible`, whose first argument is the name of a command of Ansible. Only
the start of `libexec/pixels` and of the interpreter is missing, so tests of these use a real process.

A request is JSON with `arguments`, `environment`, `directory` and `session`, sent with three file descriptors. The
session is `inherited`, `own`, or `terminal`: its own, with standard input as its terminal. The responses are two lines:
the number of the process, and its exit status, which is negative for a signal.
"""

from __future__ import annotations

import argparse
import atexit
import fcntl
import gc
import importlib
import importlib.util
import io
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
import termios
import threading
import typing as t
from pathlib import Path

MODULE_UTILS = Path(__file__).resolve().parents[1] / "plugins" / "module_utils"
PACKAGE = "ansible_collections.pixels.truenas.plugins.module_utils"
LAYERS = ("_api", "_truenas", "_pixel", "_cli")
LIBRARIES = ("paramiko", "websocket", "yaml")
ANSIBLE_MODULES = (
    "ansible.cli.adhoc",
    "ansible.cli.inventory",
    "ansible.cli.playbook",
    "ansible.plugins.callback.default",
    "ansible.plugins.connection.local",
    "ansible.plugins.connection.ssh",
    "ansible.plugins.strategy.linear",
    "ansible.executor.module_common",
)
REQUEST_BYTES = 1024 * 1024


def load_pixels() -> t.Callable[[], int]:
    """Load all code of the command under the names that `launch.py` gives it, and return what runs it."""
    spec = importlib.util.spec_from_file_location("launch", MODULE_UTILS / "_cli" / "launch.py")
    assert spec is not None
    assert spec.loader is not None
    launch = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(launch)
    launch.make_importable()
    launch.find_libraries()
    for layer in LAYERS:
        package = importlib.import_module(f"{PACKAGE}.{layer}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.ispkg:
                importlib.import_module(found.name)
    for library in LIBRARIES:
        importlib.import_module(library)
    # argparse looks for a translation of each of its texts, in four directories. There is none.
    vars(argparse).update(_=lambda text: text, ngettext=lambda one, many, number: one if number == 1 else many)
    # Done above: the search for libraries is a part of the start of the interpreter.
    vars(launch)["find_libraries"] = lambda: None

    def run() -> int:
        gc.enable()
        launch.open_closed_streams()
        return int(launch.run())

    return run


def load_ansible() -> t.Callable[[], int]:
    """Load Ansible with the settings in the environment, and return what runs one of its commands."""
    from ansible import constants
    from ansible.config import manager

    for name in (*ANSIBLE_MODULES, *LIBRARIES):
        importlib.import_module(name)

    def run() -> int:
        # What depends on the home is another path for each test, and its temporary directory is for one process.
        atexit.unregister(manager.cleanup_tmp_file)
        for name in constants.config.get_configuration_definitions():
            value = constants.config.get_config_value(name, variables=vars(constants))
            constants.set_constant(name, value)
        gc.enable()
        sys.argv[0] = command = sys.argv.pop(1)
        sys.argv[0] = str(Path(sys.executable).with_name(command))
        module = command.partition("-")[2] or "adhoc"
        importlib.import_module(f"ansible.cli.{module}").main()
        return 0

    return run


PROGRAMS = {"pixels": load_pixels, "ansible": load_ansible}


class Request(t.NamedTuple):
    """What a fork runs, and the descriptors of its standard streams."""

    arguments: list[str]
    environment: dict[str, str]
    directory: str
    session: str
    streams: list[int]


def received(connection: socket.socket) -> Request:
    text, streams, _flags, _address = socket.recv_fds(connection, REQUEST_BYTES, 3)
    return Request(**json.loads(text), streams=streams)


def serve(listener: socket.socket) -> Request | None:
    """Answer requests until standard input closes. Return None then, and the request in each fork."""
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(0, selectors.EVENT_READ)
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for key, _events in selector.select():
            if key.fileobj == 0:
                return None
            if key.fileobj is listener:
                connection, _address = listener.accept()
                request = received(connection)
                number = os.fork()
                if not number:
                    for descriptor, open_connection in running.values():
                        os.close(descriptor)
                        open_connection.close()
                    selector.close()
                    listener.close()
                    connection.close()
                    return request
                for stream in request.streams:
                    os.close(stream)
                descriptor = os.pidfd_open(number)
                running[number] = descriptor, connection
                selector.register(descriptor, selectors.EVENT_READ, number)
                respond(connection, number)
            else:
                number = key.data
                descriptor, connection = running.pop(number)
                selector.unregister(descriptor)
                os.close(descriptor)
                _number, status = os.waitpid(number, 0)
                respond(connection, os.waitstatus_to_exitcode(status))
                connection.close()


def respond(connection: socket.socket, number: int) -> None:
    try:
        connection.sendall(f"{number}\n".encode())
    except BrokenPipeError:
        # The test no longer waits for this command.
        return


def become(request: Request) -> None:
    """Take over the streams, environment and working directory of a request."""
    if request.session != "inherited":
        os.setsid()
    for number, stream in enumerate(request.streams):
        os.dup2(stream, number)
    if request.session == "terminal":
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for stream in request.streams:
        os.close(stream)
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.directory)
    sys.argv[1:] = request.arguments
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8", "surrogateescape")
    sys.stdout = writer(1, "surrogateescape", line_buffering=os.isatty(1))
    sys.stderr = writer(2, "backslashreplace", line_buffering=True)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr


def writer(number: int, errors: str, *, line_buffering: bool) -> io.TextIOWrapper:
    raw = io.FileIO(number, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", errors, line_buffering=line_buffering)


def status_of(run: t.Callable[[], int]) -> int:
    """Return the exit status of a program, as the interpreter does."""
    try:
        return run()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            sys.stderr.write(f"{ended.code}\n")
        return ended.code if isinstance(ended.code, int) else bool(ended.code)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return 130
    except BaseException:  # noqa: BLE001 (what the interpreter does with it)
        sys.excepthook(*sys.exc_info())
        return 1


def end(status: int) -> t.NoReturn:
    """End as an interpreter does, but without freeing module by module what was loaded."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            status = 120
    os._exit(status)


def main() -> None:
    _file, program, descriptor = sys.argv
    del sys.argv[1:]
    gc.disable()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run = PROGRAMS[program]()
    gc.freeze()
    request = serve(socket.socket(fileno=int(descriptor)))
    if request is not None:
        become(request)
        end(status_of(run))


if __name__ == "__main__":
    main()
