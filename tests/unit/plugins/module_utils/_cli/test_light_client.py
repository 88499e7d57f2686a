# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the client with few imports; test_list_via_daemon.py and test_command_client.py use it with a daemon."""

from __future__ import annotations

import contextlib
import os
import socket

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import identity
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential
from ansible_collections.pixels.truenas.plugins.module_utils._cli import light_client

NOTE = {
    "username": "me",
    "secret": {"variable": "PIXELS_TRUENAS_API_KEY"},
    "daemon": {"protocol": 3, "version": "this", "terms": {"idle": 60}},
}


@contextlib.contextmanager
def connected(home):
    """Yield a client, and the connection as a daemon has it."""
    path = str(home / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        with light_client.Daemon(path) as daemon, listener.accept()[0] as theirs:
            yield daemon, theirs


def test_frames_that_arrive_together_or_in_pieces_are_told_apart(home):
    with connected(home) as (daemon, theirs):
        theirs.sendall(b'{"alive": true}\n{"res')
        first = daemon.receive()
        theirs.sendall(b'ult": 1}\n')

        assert (first, daemon.receive()) == ({"alive": True}, {"result": 1})


def test_the_end_of_the_connection_is_unexpected(home):
    with connected(home) as (daemon, theirs):
        theirs.sendall(b'{"ali')
        theirs.close()

        with pytest.raises(light_client.UnexpectedAnswer):
            daemon.receive()


def test_open_files_go_with_a_frame_of_any_size(home):
    with connected(home) as (daemon, theirs), open(home / "file", "w+b") as file:
        daemon.set_timeout(None)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        text = "x" * 100_000
        daemon.send({"text": text}, files=(file.fileno(), file.fileno()))

        data, files, _flags, _address = socket.recv_fds(theirs, 65536, 2)
        while not data.endswith(b"\n"):
            data += theirs.recv(65536)
        for number in files:
            os.write(number, b"written")
            os.close(number)
        file.seek(0)
        assert file.read() == b"writtenwritten"
        assert text.encode() in data


def test_a_reply_counts_that_arrives_with_the_end_of_the_connection_while_a_frame_is_sent(home):
    with connected(home) as (daemon, theirs), open(os.devnull, "rb") as file:

        class Slow:
            """The socket of the client, slower than the other process."""

            def __init__(self, ours):
                self.recv, self.sendall, self.close = ours.recv, ours.sendall, ours.close
                self._ours = ours

            def sendmsg(self, *arguments):
                sent = self._ours.sendmsg(*arguments)
                theirs.recv(65536)
                theirs.sendall(b'{"started": true}\n')
                theirs.close()
                return sent

        daemon._socket = Slow(daemon._socket)
        daemon.send({"words": ["info"]}, files=(file.fileno(),))

        assert daemon.receive() == {"started": True}


def test_the_proof_is_the_one_that_the_daemon_expects(monkeypatch):
    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", "1-key")

    proof = light_client.proof(NOTE, "challenge")

    assert identity.is_proof(proof, Credential("me", api_key="1-key"), "challenge")


@pytest.mark.parametrize(
    "answers",
    [
        b'{"daemon": {"protocol": 3, "version": "other"}, "challenge": ""}\n{"welcome": true}\n',
        b'{"daemon": {"protocol": 2, "version": "this"}, "challenge": ""}\n{"welcome": true}\n',
        b'{"daemon": {"protocol": 3, "version": "this"}, "challenge": ""}\n{"refused": "no"}\n',
    ],
)
def test_another_daemon_is_not_used(home, monkeypatch, answers):
    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", "1-key")
    with connected(home) as (daemon, theirs):
        theirs.sendall(answers)

        with pytest.raises(light_client.UnexpectedAnswer):
            daemon.authenticate(NOTE)
