# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a connection to a client, as the daemon sees it."""

from __future__ import annotations

import asyncio
import socket

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client_handle import Client


def with_client(scenario):
    """Run a scenario with a client and the other end of its connection."""

    async def run():
        ours, theirs = socket.socketpair()
        with theirs:
            _reader, writer = await asyncio.open_unix_connection(sock=ours)
            client = Client(writer)
            result = await scenario(client, theirs)
            client.close()
            return result

    return asyncio.run(run())


def test_a_frame_arrives_as_it_was_written():
    async def scenario(client, theirs):
        client.write({"alive": True})
        return protocol.decode(theirs.recv(100)), client.is_flushed

    assert with_client(scenario) == ({"alive": True}, True)


def test_what_the_client_does_not_read_is_not_flushed():
    async def scenario(client, _theirs):
        client.write_line(b"x" * 4_000_000)
        return client.is_flushed

    assert not with_client(scenario)


def test_a_client_that_has_closed_its_end_is_noticed_before_the_event_loop_runs():
    async def scenario(client, theirs):
        before = client.has_disconnected
        theirs.shutdown(socket.SHUT_WR)
        return before, client.has_disconnected

    assert with_client(scenario) == (False, True)


def test_nothing_is_written_to_a_closed_connection():
    async def scenario(client, theirs):
        client.close()
        client.write({"alive": True})
        await asyncio.sleep(0)
        return theirs.recv(100)

    assert with_client(scenario) == b""
