# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of lending shells, on a real NAS for the shells and a clock of the test's own."""

from __future__ import annotations

import select

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.shell_pool import (
    IDLE_TIMEOUT_S,
    ShellLease,
    ShellPool,
)
from tests.unit.plugins.conftest import wait_until

WEB = {"virt_instance_id": "px-web", "command": "/bin/sh"}
DB = {"virt_instance_id": "px-db", "command": "/bin/sh"}


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pool(session, truenas, clock):
    for name in ("px-web", "px-db"):
        truenas.world.add_container(name)
    found = ShellPool(session._open_shell, clock=clock)
    yield found
    found.close()


def heard(shell, text):
    """Return the output up to a text."""
    output = b""
    while text not in output:
        output += shell.receive(10) or b""
    return output


def wait_until_there(shell):
    """Until something can be received, without receiving it."""
    assert select.select([shell._shell._transport._socket], [], [], 10)[0]


def test_what_is_given_back_is_lent_again_with_its_note(pool, truenas):
    first = pool.borrow(WEB, timeout=10)
    heard(first, b"# ")
    first.give_back("mine")

    again = pool.borrow(WEB, timeout=10)

    assert (first.note, again.note, truenas.stats.shells) == ("", "mine", 1)
    again.send(b"echo a$((1 + 1))b\n")
    heard(again, b"a2b")
    again.discard()


def test_a_shell_in_use_is_not_lent_again(pool, truenas):
    for shell in [pool.borrow(WEB, timeout=10), pool.borrow(WEB, timeout=10)]:
        shell.discard()

    assert truenas.stats.shells == 2


def test_an_unused_shell_is_a_new_one_and_idle_ones_end(pool, truenas):
    first = pool.borrow(WEB, timeout=10)
    heard(first, b"# ")
    first.give_back("mine")

    new = pool.borrow(WEB, timeout=10, unused=True)
    heard(new, b"# ")
    new.give_back("new")
    again = pool.borrow(WEB, timeout=10)

    assert (new.note, again.note, truenas.stats.shells) == ("", "new", 2)
    again.discard()


def test_shells_of_different_containers_are_not_mixed_up(pool, truenas):
    first = pool.borrow(WEB, timeout=10)
    heard(first, b"# ")
    first.give_back("web")

    other = pool.borrow(DB, timeout=10)

    assert other.note == ""
    other.discard()


def test_one_that_printed_something_meanwhile_is_not_lent_again(pool, truenas):
    shell = pool.borrow(WEB, timeout=10)
    heard(shell, b"# ")
    # Its reply is not read: the next user of the shell would mistake it for its own.
    shell.send(b"echo late\n")
    wait_until_there(shell)
    shell.give_back("busy")

    other = pool.borrow(WEB, timeout=10)

    assert (other.note, truenas.stats.shells) == ("", 2)
    other.discard()


@pytest.mark.parametrize(
    "before", [ShellLease.interrupt, lambda shell: shell._shell._transport.ping()], ids=["interrupt", "pong"]
)
def test_one_that_ended_is_not_lent_again_whatever_is_received_before_its_end(pool, truenas, before):
    shell = pool.borrow(WEB, timeout=10)
    heard(shell, b"# ")
    before(shell)
    truenas.faults.add("end_shell", method="px-web", after_input=0)
    shell.send(b"x")
    wait_until(lambda: truenas.stats.open_shells == 0)
    wait_until_there(shell)
    shell.give_back("ended")

    other = pool.borrow(WEB, timeout=10)

    assert (other.note, truenas.stats.shells) == ("", 2)
    other.discard()


def test_what_is_unused_for_long_is_ended(pool, truenas, clock):
    shell = pool.borrow(WEB, timeout=10)
    heard(shell, b"# ")
    shell.give_back("old")
    clock.now = IDLE_TIMEOUT_S + 1

    other = pool.borrow(WEB, timeout=10)

    assert other.note == ""
    other.discard()


def test_a_waiting_thread_can_be_interrupted(pool):
    shell = pool.borrow(WEB, timeout=10)
    heard(shell, b"# ")

    shell.interrupt()

    assert shell.receive(30) is None
    shell.discard()
