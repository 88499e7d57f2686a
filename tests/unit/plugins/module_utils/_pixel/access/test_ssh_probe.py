# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how transport auto finds out whether an SSH server answers."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import ssh_probe
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.ssh_answers import SshAnswers
from tests.unit.plugins.conftest import wait_until

HERE = "127.0.0.1"


@pytest.fixture
def notes(tmp_path):
    return SshAnswers("nas", directory=str(tmp_path))


class Server:
    """Says the same to each that connects, in pieces, and keeps the connection open."""

    def __init__(self, *pieces):
        self.pieces = pieces
        self.connections = []
        self._socket = socket.create_server((HERE, 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._socket.accept()
                self.connections.append(connection)
                for piece in self.pieces:
                    connection.sendall(piece)

    def close(self):
        # A thread that waits in accept would hold it.
        self._socket.shutdown(socket.SHUT_RDWR)
        # It may have accepted another connection.
        self._thread.join()
        self._socket.close()
        for connection in self.connections:
            connection.close()


@pytest.fixture
def serve():
    servers = []

    def serve(*pieces):
        servers.append(Server(*pieces))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def uses_ssh(notes, port):
    return ssh_probe.uses_ssh(notes, "px-web", HERE, port)


def known(notes, port):
    return notes.find("px-web", HERE, port)


GREETINGS = [
    pytest.param([b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n"], id="at once"),
    pytest.param([b"S", b"SH-2.0-x", b"\n"], id="in pieces"),
    pytest.param([b"welcome\r\nto this\r\n", b"SSH-2.0-x\r\n"], id="behind other lines"),
]


@pytest.mark.parametrize("pieces", GREETINGS)
def test_a_server_that_greets_is_the_transport_and_not_probed_again(notes, serve, pieces):
    server = serve(*pieces)

    assert [uses_ssh(notes, server.port) for _time in range(3)] == [True] * 3

    assert known(notes, server.port) is True
    assert len(server.connections) == 1


SILENT = [
    pytest.param([], id="nothing"),
    pytest.param([b"HTTP/1.1 200 OK\r\n"], id="something else"),
    pytest.param([b"x SSH-2.0-x\r\n"], id="no greeting at the begin of a line"),
]


@pytest.mark.parametrize("pieces", SILENT)
def test_a_server_that_does_not_greet_is_not_waited_for_again(notes, serve, monkeypatch, pieces):
    server = serve(*pieces)
    monkeypatch.setattr(ssh_probe, "PROBE_TIMEOUT_S", 0.1)
    assert not uses_ssh(notes, server.port)

    monkeypatch.setattr(ssh_probe, "PROBE_TIMEOUT_S", 3600)

    assert not uses_ssh(notes, server.port)
    assert known(notes, server.port) is False


def test_a_port_that_drops_what_is_sent_is_not_waited_for_again(notes, monkeypatch):
    with contextlib.ExitStack() as undo:
        full = undo.enter_context(socket.socket())
        full.bind((HERE, 0))
        full.listen(0)
        port = full.getsockname()[1]
        for _attempt in range(3):
            # With a full queue, the kernel drops further connections.
            caller = undo.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex((HERE, port))
        # Only a connection is waited for that long.
        monkeypatch.setattr(ssh_probe, "PROBE_TIMEOUT_S", 3600)
        assert not uses_ssh(notes, port)

        assert not ssh_probe.uses_ssh(notes, "px-web", HERE, port, connect_timeout=3600)


@pytest.mark.parametrize(("reply_s", "timeout_s"), [(0.001, 0.02), (0.05, 0.05), (3, 0.1)])
def test_a_pixel_is_waited_for_as_long_as_its_nas_took(reply_s, timeout_s):
    assert ssh_probe.connect_timeout_after(reply_s) == timeout_s


def test_a_server_that_comes_later_is_noticed_while_the_web_shell_is_used(notes, serve):
    server = serve(b"SSH-2.0-x\r\n")
    notes.note("px-web", HERE, server.port, answered=False)

    assert not uses_ssh(notes, server.port)

    wait_until(lambda: known(notes, server.port))
    assert uses_ssh(notes, server.port)


def test_a_port_that_refuses_is_tried_each_time(notes, serve):
    with socket.create_server((HERE, 0)) as listener:
        port = listener.getsockname()[1]

    assert not uses_ssh(notes, port)

    assert known(notes, port) is None


def test_a_server_that_has_answered_is_waited_for_until_it_is_back(notes, monkeypatch):
    monkeypatch.setattr(ssh_probe, "RETURN_TIMEOUT_S", 60)
    with socket.socket() as taken:
        taken.bind((HERE, 0))
        port = taken.getsockname()[1]
        came = []
        thread = threading.Thread(target=lambda: came.append(ssh_probe.answers_again(notes, "px-web", HERE, port)))
        thread.start()
        taken.listen()
        connection, _address = taken.accept()
        with connection:
            connection.sendall(b"SSH-2.0-x\r\n")
            thread.join(60)

    assert came == [True]
    assert known(notes, port) is True


def test_one_that_does_not_come_back_is_not_waited_for_again(notes, monkeypatch):
    monkeypatch.setattr(ssh_probe, "RETURN_TIMEOUT_S", 0.1)
    with socket.create_server((HERE, 0)) as listener:
        port = listener.getsockname()[1]
    notes.note("px-web", HERE, port, answered=True)

    assert not ssh_probe.answers_again(notes, "px-web", HERE, port)

    assert known(notes, port) is False


def test_lines_without_end_are_no_greeting(serve):
    server = serve(b"x" * 100_000)

    assert ssh_probe.greeting(HERE, server.port, timeout=5) is None
