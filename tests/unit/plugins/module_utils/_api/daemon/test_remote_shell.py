# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of shells that a daemon lends, from one client to the next."""

from __future__ import annotations

import hashlib
import os
import signal

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import status as daemon_status
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost, NotPermitted
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

WEB = {"virt_instance_id": "px-web", "command": "/bin/sh", "use_console": False}


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def web(truenas):
    truenas.world.add_container("px-web")


def heard(shell, text):
    output = b""
    while text not in output:
        output += shell.receive(10) or b""
    return output


def test_bytes_pass_in_both_directions(nas, web):
    with nas.open() as session:
        shell = session.borrow_shell(WEB)
        heard(shell, b"# ")

        shell.send(b"stty raw -echo; echo raw-$((1 + 1)); head -c 300000 | md5sum\n")
        heard(shell, b"raw-2")
        shell.send(bytes(300000))

        heard(shell, hashlib.md5(bytes(300000)).hexdigest().encode())
        shell.discard()


def test_the_next_client_gets_what_the_last_one_gave_back(nas, web, truenas):
    for _lock in range(2):
        with nas.open() as session:
            shell = session.borrow_shell(WEB)
            if not shell.note:
                heard(shell, b"# ")
            note = shell.note
            shell.give_back("ready")

    assert note == "ready"
    assert (truenas.stats.shells, truenas.stats.logins) == (1, 1)


def test_a_client_that_wants_an_unused_shell_gets_a_new_one(nas, web, truenas):
    with nas.open() as session:
        shell = session.borrow_shell(WEB)
        heard(shell, b"# ")
        shell.give_back("ready")

        new = session.borrow_shell(WEB, unused=True)

        assert (new.note, truenas.stats.shells) == ("", 2)
        new.discard()


def test_a_session_goes_on_with_calls_after_a_shell(nas, web):
    with nas.open() as session:
        shell = session.borrow_shell(WEB)
        heard(shell, b"# ")
        shell.give_back("ready")

        assert session.read("system.version") == "TrueNAS-25.10.6"


def test_what_a_client_leaves_behind_is_ended(nas, web, truenas):
    with nas.open() as session:
        shell = session.borrow_shell(WEB)
        heard(shell, b"# ")
        shell.discard()
        again = session.borrow_shell(WEB)

        assert again.note == ""
        again.discard()
    assert truenas.stats.shells == 2


def test_its_end_is_reported(nas, web):
    with nas.open() as session:
        shell = session.borrow_shell(WEB)
        shell.send(b"exit\n")

        with pytest.raises(ConnectionLost, match="lost the connection to"):
            heard(shell, b"never said")


def test_the_end_of_the_daemon_is_reported(nas, web):
    with nas.open() as session:
        shell = session.borrow_shell(WEB)
        [daemon] = daemon_status.status()
        os.kill(daemon.pid, signal.SIGKILL)

        with pytest.raises(ConnectionLost, match="session daemon ended"):
            heard(shell, b"never said")


def test_a_daemon_that_is_stopped_is_reported_from_one_that_has_ended(nas, web, monkeypatch):
    with nas.open() as session:
        shell = session.borrow_shell(WEB)
        [daemon] = daemon_status.status()
        # Not before: on a busy machine a daemon that runs takes longer to open a shell.
        monkeypatch.setattr(protocol, "SILENCE_TIMEOUT_S", 0.2)
        os.kill(daemon.pid, signal.SIGSTOP)

        with pytest.raises(ConnectionLost, match="stopped responding"):
            while True:
                shell.receive(0.05)
        # It can then be ended without a wait for it.
        os.kill(daemon.pid, signal.SIGCONT)


def test_a_shell_in_use_keeps_the_daemon(nas, web):
    with nas.open(idle=0.1) as session:
        shell = session.borrow_shell(WEB)
        heard(shell, b"# ")
        shell.send(b"sleep 0.5; echo still-$((1 + 1))\n")

        heard(shell, b"still-2")

        [daemon] = daemon_status.status()
        assert daemon.calls_under_way == 1
        shell.discard()


def test_a_refusal_crosses_as_it_is(nas, web, truenas):
    key = truenas.add_account("operator", roles=["VIRT_INSTANCE_WRITE"])

    with nas.open(credential=Credential("operator", api_key=key)) as session:
        with pytest.raises(NotPermitted, match="web shell access"):
            session.borrow_shell(WEB)

        assert session.read("core.ping") == "pong"


def test_without_a_daemon_there_are_shells_as_well(nas, web, truenas):
    with nas.open(mode="direct") as session:
        shell = session.borrow_shell(WEB)
        heard(shell, b"# ")
        shell.give_back("ready")

        assert session.borrow_shell(WEB).note == "ready"
    assert daemon_status.status() == []


def test_a_daemon_that_ends_after_a_command_takes_nothing_of_its_outcome(nas, web):
    with nas.open() as session, WebShellClient(Pixels(session), PixelName("px-web")) as shell:
        ended = shell.run(Command(("echo", "done")))
        [daemon] = daemon_status.status()
        os.kill(daemon.pid, signal.SIGKILL)

    assert ended.stdout == b"done\n"
