# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the proxy between a client and a shell, with a shell and a client of any speed."""

from __future__ import annotations

import asyncio
import queue
import threading

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.shell_proxy import ShellProxy
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost


class Shell:
    """A shell that returns what the test puts in, and counts its calls."""

    def __init__(self):
        self.says: queue.Queue[bytes | Exception | None] = queue.Queue()
        self.asked = 0
        self.sent = []
        self.returned = []
        self.discarded = threading.Event()

    def send(self, data):
        self.sent.append(data)

    def receive(self, timeout):
        self.asked += 1
        message = self.says.get(timeout=30)
        if isinstance(message, Exception):
            raise message
        return message

    def interrupt(self):
        self.says.put(None)

    def give_back(self, note):
        self.returned.append(note)

    def discard(self):
        self.discarded.set()


class Client:
    """A client that accepts frames when the test allows it."""

    def __init__(self):
        self.sent = []
        self.takes = asyncio.Event()
        self.takes.set()

    async def send(self, frame):
        await self.takes.wait()
        self.sent.append(frame)

    async def until_sent(self, number):
        async with asyncio.timeout(30):
            while len(self.sent) < number:
                await asyncio.sleep(0.001)


@pytest.fixture
def shell():
    return Shell()


def test_the_output_of_the_shell_reaches_the_client_in_order(shell):
    async def scenario():
        client = Client()
        proxy = ShellProxy(shell, client.send)
        proxy.start()
        for piece in (b"one", b"two"):
            shell.says.put(piece)
        await client.until_sent(2)
        await proxy.drop()
        return client.sent[:2]

    assert asyncio.run(scenario()) == [{"output": b"one"}, {"output": b"two"}]


def test_a_client_that_accepts_nothing_is_waited_for(shell):
    async def scenario():
        client = Client()
        client.takes.clear()
        proxy = ShellProxy(shell, client.send)
        proxy.start()
        for _piece in range(100):
            shell.says.put(b"x")
        while not shell.asked:
            await asyncio.sleep(0.001)
        asked = shell.asked
        client.takes.set()
        await proxy.drop()
        return asked

    assert asyncio.run(scenario()) == 1


def test_what_is_given_back_is_not_listened_to_any_more(shell):
    async def scenario():
        client = Client()
        proxy = ShellProxy(shell, client.send)
        proxy.start()
        await proxy.send(b"in")
        was_there = await proxy.give_back("ready")
        shell.says.put(b"for the next one")
        return was_there, client.sent

    assert asyncio.run(scenario()) == (True, [])
    assert (shell.sent, shell.returned, shell.says.qsize()) == ([b"in"], ["ready"], 1)


def test_a_shell_that_is_gone_is_reported_and_not_given_back(shell):
    async def scenario():
        client = Client()
        proxy = ShellProxy(shell, client.send)
        proxy.start()
        shell.says.put(ConnectionLost("gone"))
        await client.until_sent(1)
        return await proxy.give_back("ready"), client.sent

    was_there, [sent] = asyncio.run(scenario())

    assert not was_there
    assert sent["over"]["message"] == "gone"
    assert shell.returned == []


def test_a_client_that_disconnects_ends_the_shell(shell):
    async def scenario():
        proxy = ShellProxy(shell, Client().send)
        proxy.start()
        await proxy.drop()

    asyncio.run(scenario())

    assert shell.discarded.is_set()
