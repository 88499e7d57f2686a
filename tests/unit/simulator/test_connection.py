# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the messages that one websocket accepts, and how it ends."""

from __future__ import annotations

import json

import aiohttp
import pytest

from tests.simulator.running import RunningSimulator
from tests.unit.simulator.conftest import Connect, Start
from tests.unit.simulator.talk import Talk


def message_of(length: int, method: str = "core.subscribe") -> str:
    """A valid request of exactly so many characters."""
    empty = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": [""]})
    return empty.replace('""', f'"{"x" * (length - len(empty))}"')


def test_a_stranger_may_send_8192_characters_and_no_more(stranger: Talk, simulator: RunningSimulator) -> None:
    stranger.send(message_of(8192))
    allowed = stranger.receive()
    stranger.send(message_of(8193))

    assert allowed["error"]["data"]["errname"] == "ENOTAUTHENTICATED"
    assert stranger.ending() == (1007, "Anonymous connection max message length is 8 kB")


def test_after_login_65536_characters_are_allowed(talk: Talk) -> None:
    talk.send(message_of(65_536))
    allowed = talk.receive()
    talk.send(message_of(65_537))

    assert allowed["error"]["code"] == -32602
    assert talk.ending() == (1009, "Max message length is 64 kB")


def test_file_receive_may_be_larger_but_not_without_end(simulator: RunningSimulator, connect: Connect) -> None:
    larger, too_large = connect(simulator), connect(simulator)
    larger.login()
    too_large.login()

    larger.send(message_of(1_000_000, "filesystem.file_receive"))
    too_large.send(message_of(2_097_153, "filesystem.file_receive"))

    assert larger.receive()["error"]["code"] == -32602
    assert too_large.ending() == (1009, "Max message length is 64 kB")


def test_a_binary_message_ends_the_connection(talk: Talk) -> None:
    talk.send_bytes(b"{}")

    assert talk.ending() == (1003, "Invalid websocket message type: <WSMsgType.BINARY: 2>")


def test_a_batch_is_refused_and_the_connection_stays(talk: Talk) -> None:
    talk.send("[]")

    assert talk.receive()["error"]["message"] == "Batch messages are not supported at this time"
    assert talk.call("core.ping") == "pong"


def test_a_notification_is_executed_and_not_answered(simulator: RunningSimulator, talk: Talk) -> None:
    talk.send('{"jsonrpc": "2.0", "method": "auth.logout"}')
    talk.send('{"jsonrpc": "2.0", "method": "no.such.method"}')
    assert talk.call("core.ping") == "pong"

    assert talk.refusal("auth.me")["data"]["errname"] == "ENOTAUTHENTICATED"
    assert simulator.stats.calls["auth.logout"] == 1


@pytest.mark.parametrize("id", [0, "", None, True, "text", 7])
def test_an_id_comes_back_as_it_was_sent(talk: Talk, id: object) -> None:
    talk.send(json.dumps({"jsonrpc": "2.0", "id": id, "method": "core.ping"}))

    assert talk.receive() == {"jsonrpc": "2.0", "result": "pong", "id": id}


def test_an_address_that_is_not_allowed_is_let_in_and_sent_away(start: Start, connect: Connect) -> None:
    talk = connect(start(refuse_addresses=True))

    assert talk.ending() == (1008, "You are not allowed to access this resource")


def test_a_silent_connection_is_cut_without_a_reply(start: Start, connect: Connect) -> None:
    talk = connect(start(idle_seconds=0.2))

    assert talk.ending() == (None, "")


def test_a_ping_is_answered_and_keeps_the_connection(start: Start, connect: Connect) -> None:
    simulator = start(idle_seconds=0.4)
    talk = connect(simulator)
    talk.login()
    simulator.faults.add("delay", method="core.ping", seconds=1.0)

    request = talk.start("core.ping")
    talk.socket._autoping = False
    pongs = 0
    while True:
        talk.ping()
        frame = talk.frame()
        if frame.type is aiohttp.WSMsgType.TEXT:
            break
        assert frame.type is aiohttp.WSMsgType.PONG
        pongs += 1

    assert json.loads(frame.data) == {"jsonrpc": "2.0", "result": "pong", "id": request}
    assert pongs > 0


def test_the_end_of_a_connection_is_counted(simulator: RunningSimulator, talk: Talk) -> None:
    opened = simulator.stats.open_connections

    simulator.cut_connections()
    ended = talk.ending()

    assert opened == 1
    assert ended == (None, "")
    assert simulator.stats.connections == 1
