# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of shells that a holder lends, from one caller to the next."""

from __future__ import annotations

import hashlib
import os
import signal

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost, NotPermitted
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import overview
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.shell import NasShell

WEB = {"virt_instance_id": "px-web", "command": "/bin/sh", "use_console": False}


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def web(truenas):
    truenas.world.add_container("px-web")


def heard(shell, text):
    said = b""
    while text not in said:
        said += shell.receive(10) or b""
    return said


def test_bytes_go_both_ways(nas, web):
    with nas.open() as session:
        shell = session.borrow_shell(WEB)
        heard(shell, b"# ")

        shell.send(b"stty raw -echo; echo raw-$((1 + 1)); head -c 300000 | md5sum\n")
        heard(shell, b"raw-2")
        shell.send(bytes(300000))

        heard(shell, hashlib.md5(bytes(300000)).hexdigest().encode())
        shell.discard()


def test_the_next_caller_gets_what_the_last_one_gave_back(nas, web, truenas):
    for _turn in range(2):
        with nas.open() as session:
            shell = session.borrow_shell(WEB)
            if not shell.note:
                heard(shell, b"# ")
            note = shell.note
            shell.give_back("ready")

    assert note == "ready"
    assert (truenas.stats.shells, truenas.stats.logins) == (1, 1)


def test_a_session_goes_on_with_calls_after_a_shell(nas, web):
    with nas.open() as session:
        shell = session.borrow_shell(WEB)
        heard(shell, b"# ")
        shell.give_back("ready")

        assert session.read("system.version") == "TrueNAS-25.10.6"


def test_what_a_caller_leaves_behind_is_ended(nas, web, truenas):
    with nas.open() as session:
        shell = session.borrow_shell(WEB)
        heard(shell, b"# ")
        shell.discard()
        again = session.borrow_shell(WEB)

        assert again.note == ""
        again.discard()
    assert truenas.stats.shells == 2


def test_its_end_is_told(nas, web):
    with nas.open() as session:
        shell = session.borrow_shell(WEB)
        shell.send(b"exit\n")

        with pytest.raises(ConnectionLost, match="lost the connection to"):
            heard(shell, b"never said")


def test_the_end_of_the_holder_is_told(nas, web):
    with nas.open() as session:
        shell = session.borrow_shell(WEB)
        [holder] = overview.status()
        os.kill(holder.pid, signal.SIGKILL)

        with pytest.raises(ConnectionLost, match="process that holds the session .* ended"):
            heard(shell, b"never said")


def test_a_shell_in_use_keeps_the_holder(nas, web):
    with nas.open(idle=0.5) as session:
        shell = session.borrow_shell(WEB)
        heard(shell, b"# ")
        shell.send(b"sleep 2; echo still-$((1 + 1))\n")

        heard(shell, b"still-2")

        [holder] = overview.status()
        assert holder.calls_under_way == 1
        shell.discard()


def test_a_refusal_crosses_as_it_is(nas, web, truenas):
    key = truenas.add_account("operator", roles=["VIRT_INSTANCE_WRITE"])

    with nas.open(credential=Credential("operator", api_key=key)) as session:
        with pytest.raises(NotPermitted, match="web shell access"):
            session.borrow_shell(WEB)

        assert session.read("core.ping") == "pong"


def test_without_a_holder_there_are_shells_as_well(nas, web, truenas):
    with nas.open(mode="direct") as session:
        shell = session.borrow_shell(WEB)
        heard(shell, b"# ")
        shell.give_back("ready")

        assert session.borrow_shell(WEB).note == "ready"
    assert overview.status() == []


def test_a_holder_that_ends_after_a_command_takes_nothing_of_its_outcome(nas, web):
    with nas.open() as session, NasShell(Pixels(session), "px-web") as shell:
        ended = shell.run(Command(("echo", "done")))
        [holder] = overview.status()
        os.kill(holder.pid, signal.SIGKILL)

    assert ended.stdout == b"done\n"
