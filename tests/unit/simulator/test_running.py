# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how a simulator starts, reports its address and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import schema
from tests.simulator.running import running_simulator

REPOSITORY = Path(__file__).resolve().parents[3]


def test_nothing_is_left_of_it() -> None:
    with running_simulator(engine="paper") as simulator:
        state_dir, port = simulator.state_dir, simulator.port
        assert state_dir.is_dir()

    assert not state_dir.exists()
    assert "simulator" not in {thread.name for thread in threading.enumerate()}
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_client_in_the_middle_of_its_handshake_is_left_by_nothing() -> None:
    with socket.socket() as client, running_simulator(engine="paper") as simulator:
        client.connect((simulator.host, simulator.port))
        simulator.run(asyncio.sleep(0))  # it is accepted

    gc.collect()  # unclosed sockets and transports would fail the test here


def test_a_client_that_never_answers_the_end_of_tls_is_left_by_nothing() -> None:
    with contextlib.ExitStack() as outlives, running_simulator(engine="paper") as simulator:
        plain = outlives.enter_context(socket.create_connection((simulator.host, simulator.port)))
        context = ssl.create_default_context(cafile=simulator.ca_file)
        client = outlives.enter_context(context.wrap_socket(plain, server_hostname=simulator.host))
        client.sendall(b"GET / HTTP/1.1\r\nHost: nas\r\nConnection: close\r\n\r\n")
        while client.recv(1024):
            pass  # until the server has said that it ends

    gc.collect()


def test_a_given_state_directory_stays(tmp_path: Path) -> None:
    with running_simulator(engine="paper", state_dir=str(tmp_path / "state")):
        pass

    assert (tmp_path / "state").is_dir()


def test_a_taken_port_is_reported() -> None:
    with running_simulator(engine="paper") as first:
        with (
            pytest.raises(OSError, match="in use"),
            running_simulator(engine="paper", listen=f"127.0.0.1:{first.port}"),
        ):
            pass
        assert first.world.containers == {}


def test_an_unknown_option_is_reported() -> None:
    with pytest.raises(TypeError, match="colour"), running_simulator(colour="blue"):
        pass


def test_seeded_containers_are_there_at_the_start() -> None:
    with running_simulator(engine="paper", seed_pixels=3) as simulator:
        assert len(simulator.world.containers) == 3


def started(*flags: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.simulator", "--engine", "paper", *flags]
    return subprocess.Popen(command, cwd=REPOSITORY, stdin=stdin, stdout=subprocess.PIPE, text=True)


def test_by_hand_it_says_where_it_is_and_serves_until_it_is_ended() -> None:
    with started("--release", "25.04", "--listen", "127.0.0.1:0", "--seed-pixels", "2") as process:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        with urllib.request.urlopen(f"{where['control']}/world", timeout=10) as response:
            world = json.load(response)
        process.send_signal(signal.SIGTERM)
        ended = process.wait(20)

    assert where["pid"] == process.pid
    assert where["url"] == f"wss://127.0.0.1:{where['port']}/api/current"
    assert {"host", "ca_file", "username", "api_key", "ssh_port", "state_dir"} <= where.keys()
    assert len(world["containers"]) == 2
    assert ended == 0
    assert not os.path.exists(where["state_dir"])


def test_by_hand_it_can_print_the_variables_that_configure_a_connection() -> None:
    with started("--exports") as process:
        assert process.stdout is not None
        comment, *exports = [process.stdout.readline().rstrip() for _line in range(7)]
        process.send_signal(signal.SIGTERM)

    assert comment.startswith("# ")
    words = [line.removeprefix("export ").split("=", 1) for line in exports]
    assert {name for name, _value in words} < {setting.variable for setting in schema.SETTINGS.values()}
    assert dict(words)["PIXELS_TRUENAS_HOST"] == "127.0.0.1"


def test_by_hand_it_can_end_with_its_input() -> None:
    with started("--end-with-stdin", stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(20) == 0


def test_a_wrong_flag_is_refused() -> None:
    with started("--release", "24.10") as process:
        assert process.wait(20) == 2
