# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of where signals go while commands run."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh.signal_forwarder import (
    ForwardedProcess,
    SignalForwarder,
)


@pytest.fixture
def process():
    started = subprocess.Popen(["sleep", "60"])
    yield started
    started.kill()
    started.wait()


def test_a_signal_is_reported_to_all_that_run_and_remembered(process):
    signaled = []
    with SignalForwarder() as relay:
        relay.begin(ForwardedProcess(process, lambda number: signaled.append(("web", number))))
        relay.begin(ForwardedProcess(process, lambda number: signaled.append(("db", number))))

        os.kill(os.getpid(), signal.SIGTERM)

        assert signaled == [("web", signal.SIGTERM), ("db", signal.SIGTERM)]
        assert relay.number == signal.SIGTERM
        assert process.poll() is None


def test_a_second_one_of_a_kind_ends_the_connections(process):
    with SignalForwarder() as relay:
        relay.begin(ForwardedProcess(process, lambda number: None))

        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

        assert process.wait(20) == -signal.SIGTERM


def test_a_process_that_begins_too_late_is_ended_immediately(process):
    relay = SignalForwarder()
    relay.hang_up()

    relay.begin(ForwardedProcess(process, lambda number: None))

    assert process.wait(20) == -signal.SIGTERM


def test_a_process_that_has_ended_gets_no_signal(process):
    signaled = []
    running = ForwardedProcess(process, signaled.append)
    with SignalForwarder() as relay:
        relay.begin(running)
        relay.end(running)

        os.kill(os.getpid(), signal.SIGHUP)

        assert (signaled, relay.running) == ([], False)


def test_afterwards_signals_do_what_they_did():
    before = signal.getsignal(signal.SIGINT)
    with SignalForwarder():
        assert signal.getsignal(signal.SIGINT) != before

    assert signal.getsignal(signal.SIGINT) == before
