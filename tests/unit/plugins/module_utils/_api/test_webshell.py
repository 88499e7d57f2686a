# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of one terminal at the NAS, from the token to its end."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import webshell
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    ConnectionLost,
    NotPermitted,
    Refused,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.webshell import WebShell

WEB = {"virt_instance_id": "px-web", "command": "/bin/sh", "use_console": False}


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def endpoint(nas, truenas):
    truenas.world.add_container("px-web")
    return Endpoint(nas["host"], nas["port"], ca_path=nas["ca_path"])


@pytest.fixture
def token(session):
    return session.call("auth.generate_token", 300, {}, True, True)


def until(shell, text):
    output = b""
    while text not in output:
        output += shell.receive(10) or b""
    return output


def test_input_runs_and_its_output_is_returned(endpoint, token):
    shell = WebShell(endpoint, token, WEB, timeout=10)

    shell.send(b"echo $((40 + 2))\n")

    until(shell, b"42")
    shell.close()


def test_closing_ends_what_runs_in_it(endpoint, token, truenas):
    shell = WebShell(endpoint, token, WEB, timeout=10)
    until(shell, b"# ")

    shell.close()

    with pytest.raises(ConnectionLost):
        shell.send(b"x")


def test_its_end_is_reported(endpoint, token):
    shell = WebShell(endpoint, token, WEB, timeout=10)
    shell.send(b"exit\n")

    with pytest.raises(ConnectionLost):
        until(shell, b"never said")
    shell.close()


def test_a_token_works_once(endpoint, token):
    WebShell(endpoint, token, WEB, timeout=10).close()

    with pytest.raises(NotPermitted, match=r"may not open a web shell on \S+ \(Invalid token\): .* web shell access"):
        WebShell(endpoint, token, WEB, timeout=10)


def test_a_refusal_quotes_the_nas(endpoint, token, truenas):
    truenas.faults.add("refuse_shell", error=22, reason="Not today")

    with pytest.raises(Refused, match="did not open a shell: Not today"):
        WebShell(endpoint, token, WEB, timeout=10)


def test_one_that_closes_without_a_reply_is_reported(endpoint, token, truenas):
    truenas.faults.add("close_shell", method="px-web")

    with pytest.raises(ConnectionLost, match="before it opened a shell"):
        WebShell(endpoint, token, WEB, timeout=10)


def test_a_nas_that_does_not_answer_is_given_up(endpoint, token, truenas):
    truenas.faults.add("delay", method="/websocket/shell", seconds=5)

    with pytest.raises(TimedOut, match="did not open a shell within 0.3 s"):
        WebShell(endpoint, token, WEB, timeout=0.3)


@pytest.mark.parametrize(
    ("fault", "ending"), [("drop_shell", "broken"), ("end_shell", "closed"), ("freeze_shell", "silent")]
)
def test_how_it_ends_is_reported_apart(endpoint, token, truenas, monkeypatch, fault, ending):
    monkeypatch.setattr(webshell, "PING_INTERVAL_S", 0.1)
    monkeypatch.setattr(webshell, "PONG_TIMEOUT_S", 0.5)
    shell = WebShell(endpoint, token, WEB, timeout=10)
    until(shell, b"# ")

    truenas.faults.add(fault, method="px-web", after_output=1)
    shell.send(b"echo said\n")

    with pytest.raises(ConnectionLost) as lost:
        until(shell, b"never said")
    assert lost.value.ending == ending
    shell.close()


def test_a_self_signed_certificate_is_refused_here_too(nas, token):
    with pytest.raises(ConnectionFailed, match="certificate"):
        WebShell(Endpoint(nas["host"], nas["port"]), token, WEB, timeout=10)
