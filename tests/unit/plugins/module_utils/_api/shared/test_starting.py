# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how a holder comes to be, and of what keeps it from it."""

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

from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import overview, starting
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.rendezvous import find
from tests.unit.plugins.module_utils._api.shared.conftest import CALLERS, ROOT, caller_environment, lives, until

VERSION = "system.version"


def works_directly(nas, truenas):
    """Whether a caller gets his answer without any holder."""
    with nas.open() as session:
        return session.read(VERSION) and overview.status() == [] and truenas.stats.logins == 1


def test_the_socket_of_a_holder_that_crashed_is_replaced(nas, truenas, meeting_place):
    with nas.held() as (_session, pid):
        os.kill(pid, signal.SIGKILL)
        until(lambda: not lives(pid), "the crash")
    [left] = meeting_place.glob("*.sock")

    with nas.held() as (_session, another):
        assert another != pid
        assert list(meeting_place.glob("*.sock")) == [left]
    assert truenas.stats.logins == 2


def test_one_caller_at_a_time_starts_a_holder(nas, truenas):
    with nas.open() as session, ThreadPoolExecutor(1) as pool:
        with find().locked():
            future = pool.submit(session.read, VERSION)
            time.sleep(0.2)
            assert find().sockets() == []
        assert future.result()


def test_sockets_of_other_holders_that_crashed_are_swept_away(nas, meeting_place):
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(find().socket_path("crashed"))

    with nas.held():
        assert not (meeting_place / "crashed.sock").exists()


def test_sockets_of_living_holders_are_left_alone(nas, meeting_place):
    with nas.open() as session, socket.socket(socket.AF_UNIX) as living:
        living.bind(find().socket_path("living"))
        living.listen()

        session.read(VERSION)
        assert (meeting_place / "living.sock").exists()


def test_a_file_in_the_sockets_place_ends_in_a_session_of_ones_own(nas, truenas, meeting_place):
    with nas.held() as (_session, pid):
        [path] = meeting_place.glob("*.sock")
    overview.stop([pid])
    path.mkdir()

    with nas.open() as session:
        assert session.read(VERSION)
    path.rmdir()


def test_a_full_disk_ends_in_a_session_of_ones_own(nas, truenas, monkeypatch, meeting_place):
    def full(path, mode):
        raise OSError(errno.ENOSPC, "No space left on device", path)

    with monkeypatch.context() as patch:
        patch.setattr(starting.os, "chmod", full)

        assert works_directly(nas, truenas)
    assert list(meeting_place.glob("*.sock")) == []


@pytest.mark.parametrize("executable", ["", None, "/no/such/python", "/bin/false"])
def test_an_interpreter_that_does_not_run_ends_in_a_session_of_ones_own(
    nas, truenas, monkeypatch, meeting_place, executable
):
    monkeypatch.setattr(sys, "executable", executable)

    assert works_directly(nas, truenas)
    assert list(meeting_place.glob("*.sock")) == []


def test_a_program_that_ends_at_once_ends_in_a_session_of_ones_own(nas, truenas, monkeypatch, tmp_path):
    broken = tmp_path / "process.py"
    broken.write_text("import os, sys\nsys.stdin.read()\nif os.fork():\n    os._exit(0)\n")
    monkeypatch.setattr(starting, "PROGRAM", str(broken))

    assert works_directly(nas, truenas)


def test_a_program_that_never_gets_ready_is_ended(nas, truenas, monkeypatch, tmp_path):
    slow = tmp_path / "process.py"
    slow.write_text("import time\ntime.sleep(30)\n")
    monkeypatch.setattr(starting, "PROGRAM", str(slow))
    monkeypatch.setattr(starting, "START_TIMEOUT", 0.3)

    assert works_directly(nas, truenas)


def test_it_gets_no_variable_it_does_not_need(monkeypatch):
    assert not [name for name in starting.VARIABLES if name.startswith(("PIXELS", "ANSIBLE", "PYTHON"))]


@pytest.fixture
def bare_python(tmp_path):
    """A Python without any library."""
    venv.create(tmp_path / "bare", with_pip=False)
    return str(tmp_path / "bare" / "bin" / "python")


@pytest.mark.parametrize("content", [None, "raise ImportError('broken')"], ids=["missing", "broken"])
def test_a_python_without_the_library_spoils_nobody_elses_session(nas, truenas, bare_python, tmp_path, content):
    if content:
        (tmp_path / "websocket.py").write_text(content)
    environment = {**caller_environment(), "PYTHONPATH": f"{ROOT / 'build'}:{tmp_path}"}

    bad = subprocess.run(
        [bare_python, str(CALLERS)],
        input=nas.order(),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert "MissingLibrary: the Python library websocket-client is needed" in bad.stderr
    with nas.open() as session:
        assert session.read(VERSION) == "TrueNAS-25.10.6"
    assert truenas.stats.logins == 1
