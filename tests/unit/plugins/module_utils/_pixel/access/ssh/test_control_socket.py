# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the question to a control master; those of the verb exec ask a real one."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh.control_socket import master_pid


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "socket")


@pytest.fixture
def listener(path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        yield listening


def packet(*numbers):
    return struct.pack(f">{len(numbers) + 1}I", 4 * len(numbers), *numbers)


HELLO = packet(1, 4)
HELLO_WITH_EXTENSION = struct.pack(">IIII4sI1s", 21, 1, 4, 4, b"info", 1, b"0")
ALIVE = packet(0x80000005, 0, 4321)


def test_without_a_socket_there_is_no_master(path):
    assert master_pid(path) is None


def test_a_socket_that_no_process_listens_at_is_no_master(path):
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(path)

    assert master_pid(path) is None


def test_a_process_that_does_not_respond_is_given_up(path, listener):
    assert master_pid(path, timeout=0.05) is None


@pytest.mark.parametrize(
    ("response", "pid"),
    [
        (HELLO + ALIVE, 4321),
        (packet(1, 4, 0) + ALIVE, 4321),
        (HELLO_WITH_EXTENSION + ALIVE, 4321),
        (ALIVE, None),
        (HELLO + packet(0x80000003, 0, 0), None),
        (HELLO + packet(), None),
        (HELLO, None),
        (b"\xff\xff\xff\xff" + b"x" * 100, None),
        (b"", None),
    ],
)
def test_only_a_complete_response_has_the_process_id(path, listener, response, pid):
    def respond():
        connection, _address = listener.accept()
        with connection:
            connection.recv(100)
            connection.sendall(response)

    thread = threading.Thread(target=respond)
    thread.start()

    assert master_pid(path) == pid

    thread.join()
