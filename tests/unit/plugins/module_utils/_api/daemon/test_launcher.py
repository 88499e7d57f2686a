# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how a daemon comes to be, and of what keeps it from it."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
import venv
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import launcher, protocol, runtime_dir
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import status as daemon_status
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import find
from tests.unit.plugins.module_utils._api.daemon.conftest import CLIENTS, ROOT, caller_environment, lives, until

VERSION = "system.version"


def works_directly(nas, truenas):
    """Return whether a client gets its reply without a daemon."""
    with nas.open() as session:
        return session.read(VERSION) and daemon_status.status() == [] and truenas.stats.logins == 1


def test_the_socket_of_a_daemon_that_crashed_is_replaced(nas, truenas, runtime_directory):
    with nas.held() as (_session, pid):
        os.kill(pid, signal.SIGKILL)
        until(lambda: not lives(pid), "the crash")
    [left] = runtime_directory.glob("*.sock")

    with nas.held() as (_session, another):
        assert another != pid
        assert list(runtime_directory.glob("*.sock")) == [left]
    assert truenas.stats.logins == 2


def test_one_client_at_a_time_starts_a_daemon(nas, truenas):
    with nas.open() as session, ThreadPoolExecutor(1) as pool:
        with find().locked():
            future = pool.submit(session.read, VERSION)
            time.sleep(0.2)
            assert find().sockets() == []
        assert future.result()


def test_sockets_of_other_daemons_that_crashed_are_swept_away(nas, runtime_directory):
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(find().socket_path("crashed"))

    with nas.held():
        assert not (runtime_directory / "crashed.sock").exists()


def test_sockets_of_living_daemons_are_left_alone(nas, runtime_directory):
    with nas.open() as session, socket.socket(socket.AF_UNIX) as living:
        living.bind(find().socket_path("living"))
        living.listen()

        session.read(VERSION)
        assert (runtime_directory / "living.sock").exists()


def test_a_file_in_the_sockets_place_ends_in_a_session_of_ones_own(nas, truenas, runtime_directory):
    with nas.held() as (_session, pid):
        [path] = runtime_directory.glob("*.sock")
    daemon_status.stop([pid])
    path.mkdir()

    with nas.open() as session:
        assert session.read(VERSION)
    path.rmdir()


def test_a_socket_on_which_another_user_listens_ends_in_a_session_of_ones_own(nas, truenas, monkeypatch):
    with nas.held(), monkeypatch.context() as patch:
        patch.setattr(runtime_dir, "peer_uid", lambda connection: 12345)
        with nas.open() as session:
            assert session.read(VERSION)
    assert truenas.stats.logins == 2


def test_a_listener_whose_queue_is_full_is_replaced(nas, truenas, give_up_soon, runtime_directory):
    with nas.held() as (_session, pid):
        [path] = runtime_directory.glob("*.sock")
    daemon_status.stop([pid])
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
        busy.bind(str(path))
        busy.listen(0)
        first.connect(str(path))
        give_up_soon()

        with nas.open() as session:
            assert session.read(VERSION)
        assert [each.responding for each in daemon_status.status() if each.pid] == [True]
    assert truenas.stats.logins == 2


@pytest.mark.wide
def test_a_daemon_that_is_slow_to_start_is_waited_for_by_all(nas, truenas, monkeypatch):
    monkeypatch.setattr(protocol, "RESPONSE_TIMEOUT_S", 0.02)

    def version(_number):
        with nas.open() as session:
            return session.read(VERSION)

    with ThreadPoolExecutor(5) as pool:
        assert set(pool.map(version, range(5))) == {"TrueNAS-25.10.6"}


def test_a_full_disk_ends_in_a_session_of_ones_own(nas, truenas, monkeypatch, runtime_directory):
    def full(path, mode):
        raise OSError(errno.ENOSPC, "No space left on device", path)

    with monkeypatch.context() as patch:
        patch.setattr(launcher.os, "chmod", full)

        assert works_directly(nas, truenas)
    assert list(runtime_directory.glob("*.sock")) == []


@pytest.mark.parametrize("executable", ["", None, "/no/such/python", "/bin/false"])
def test_an_interpreter_that_does_not_run_ends_in_a_session_of_ones_own(
    nas, truenas, monkeypatch, runtime_directory, executable
):
    monkeypatch.setattr(sys, "executable", executable)

    assert works_directly(nas, truenas)
    assert list(runtime_directory.glob("*.sock")) == []


def test_a_program_that_ends_immediately_ends_in_a_session_of_ones_own(nas, truenas, monkeypatch, tmp_path):
    broken = tmp_path / "main.py"
    broken.write_text("import os, sys\nsys.stdin.read()\nif os.fork():\n    os._exit(0)\n")
    monkeypatch.setattr(launcher, "PROGRAM", str(broken))

    assert works_directly(nas, truenas)


def test_a_program_that_never_gets_ready_is_ended(nas, truenas, monkeypatch, tmp_path):
    slow = tmp_path / "main.py"
    slow.write_text("import time\ntime.sleep(30)\n")
    monkeypatch.setattr(launcher, "PROGRAM", str(slow))
    monkeypatch.setattr(launcher, "START_TIMEOUT_S", 0.3)

    assert works_directly(nas, truenas)


def test_it_gets_no_variable_it_does_not_need(monkeypatch):
    assert not [name for name in launcher.VARIABLES if name.startswith(("PIXELS", "ANSIBLE", "PYTHON"))]


@pytest.fixture
def bare_python(tmp_path):
    """A Python without any library."""
    venv.create(tmp_path / "bare", with_pip=False)
    return str(tmp_path / "bare" / "bin" / "python")


@pytest.mark.parametrize("content", [None, "raise ImportError('broken')"], ids=["missing", "broken"])
@pytest.mark.wide
def test_a_python_without_the_library_spoils_no_session_of_another_process(
    nas, truenas, bare_python, tmp_path, content
):
    if content:
        (tmp_path / "websocket.py").write_text(content)
    environment = {**caller_environment(), "PYTHONPATH": f"{ROOT / 'build'}:{tmp_path}"}

    bad = subprocess.run(
        [bare_python, str(CLIENTS)],
        input=nas.order(),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert f"MissingLibrary: cannot connect to {nas.endpoint.nas}: " in bad.stderr
    assert "the Python library websocket-client is not installed" in bad.stderr
    with nas.open() as session:
        assert session.read(VERSION) == "TrueNAS-25.10.6"
    assert truenas.stats.logins == 1
