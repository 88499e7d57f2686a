# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the session daemon: its open files, the clients that it accepts, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import (
    identity,
    protocol,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import server as holders
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import (
    status as daemon_status,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client_connection import (
    DaemonConnection,
    DaemonGone,
    WrongDaemon,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import connect, find
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import LoginRefused
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session
from tests.unit.plugins.module_utils._api.daemon.conftest import (
    CLIENTS,
    ROOT,
    caller_environment,
    in_this_process,
    lives,
    until,
)

VERSION = "system.version"


def linked():
    """A connection to the only daemon there is."""
    [path] = find().sockets()
    return DaemonConnection(connect(path, timeout=5))


def ended(pid):
    return until(lambda: not lives(pid), "the end of the daemon")


def test_it_ends_after_its_idle_time_without_calls(nas, truenas, runtime_directory):
    with nas.held(idle=0.2) as (_session, pid):
        pass

    ended(pid)
    assert list(runtime_directory.glob("*.sock")) == []
    until(lambda: truenas.stats.open_connections == 0, "the NAS is left")


@pytest.mark.wide
def test_a_client_that_stays_connected_without_calls_does_not_keep_it(nas, truenas):
    with nas.held(idle=0.2) as (session, pid):
        ended(pid)

        assert session.read(VERSION)
    assert truenas.stats.logins == 2


def test_a_call_under_way_keeps_it(nas, truenas):
    truenas.faults.add("delay", method="core.ping", seconds=0.5)

    with nas.held(idle=0.1) as (session, pid):
        session.call("core.ping")
        assert [status.pid for status in daemon_status.status()] == [pid]


@pytest.mark.wide
def test_a_client_that_is_killed_in_a_call_does_not_keep_it(nas, truenas):
    truenas.faults.add("delay", method="core.ping", seconds=40)
    with nas.held(idle=0.2) as (_session, pid):
        client = subprocess.Popen(
            [sys.executable, str(CLIENTS)], stdin=subprocess.PIPE, env=caller_environment(), start_new_session=True
        )
        client.stdin.write(nas.order(method="core.ping", idle=0.2).encode())
        client.stdin.close()
        until(lambda: truenas.stats.calls["core.ping"], "the call is at the NAS")
        os.killpg(client.pid, signal.SIGKILL)
        client.wait()

    ended(pid)


def test_the_last_client_says_how_long_it_stays(nas):
    with nas.held(idle=50) as (_session, pid), nas.open(idle=0.1) as other:
        other.read(VERSION)

    ended(pid)


def test_it_ends_immediately_when_its_login_was_refused(nas, truenas):
    truenas.admin.expired = True
    truenas.faults.add("delay", method="auth.login_ex", seconds=0.3)

    with nas.open() as session, ThreadPoolExecutor(1) as pool:
        future = pool.submit(session.read, VERSION)
        [status] = until(daemon_status.status, "the start of the daemon")
        with pytest.raises(LoginRefused):
            future.result()

    ended(status.pid)


def test_a_termination_is_an_orderly_end(nas, truenas, runtime_directory):
    with nas.held() as (_session, pid):
        os.kill(pid, signal.SIGTERM)
        ended(pid)

    assert list(runtime_directory.glob("*.sock")) == []


def test_it_has_its_own_session_no_terminal_and_no_open_files_of_its_clients(nas, tmp_path):
    with open(tmp_path / "inherited", "w") as file:
        os.set_inheritable(file.fileno(), True)
        with nas.held() as (_session, pid):
            process = Path(f"/proc/{pid}")
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            # The connection that requested its status may still be open.
            until(lambda: len(os.listdir(process / "fd")) < 12, "few open files")
            opened = {int(entry.name): os.readlink(entry) for entry in (process / "fd").iterdir()}

    parent, session, terminal = int(fields[1]), int(fields[3]), int(fields[4])
    assert terminal == 0
    assert session != os.getsid(0)
    assert parent != os.getpid()
    assert [opened[number] for number in (0, 1, 2)] == [os.devnull] * 3
    kinds = {target.partition(":")[0] for number, target in opened.items() if number > 2}
    assert kinds <= {"socket", "anon_inode"}


def test_it_works_in_no_directory_of_its_client(nas):
    with nas.held() as (_session, pid):
        assert os.readlink(f"/proc/{pid}/cwd") == "/"


def test_a_parent_that_reads_its_childs_output_to_the_end_does_not_hang(nas):
    assert nas.run_clients() == ["TrueNAS-25.10.6 for 0"]

    [status] = daemon_status.status()
    assert lives(status.pid)


def test_no_secret_is_in_its_arguments_or_variables_nor_in_the_directory(nas, truenas, runtime_directory, monkeypatch):
    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", truenas.api_key)
    monkeypatch.setenv("ANOTHER", truenas.api_key)
    secret = truenas.api_key.partition("-")[2].encode()

    with nas.held() as (_session, pid):
        exposed = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
        exposed += [path.read_bytes() for path in runtime_directory.iterdir() if path.is_file()]

    assert [text for text in exposed if secret in text or b"PIXELS_" in text] == []
    assert b"main.py" in exposed[0]


def test_only_this_user_may_open_its_socket(nas, runtime_directory):
    with nas.held():
        [path] = runtime_directory.glob("*.sock")
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_client_without_the_credential_is_rejected(nas):
    with nas.held():
        link = linked()
        with pytest.raises(WrongDaemon):
            link.authenticate(Credential(nas.credential.username, api_key="1-wrong"), Timeouts(), 60.0)

        link = linked()
        answer = link.exchange({"proof": "x", "connect": 1, "login_wait": 1, "idle": 1})
        assert answer == {"refused": "this is not the credential of this session"}
        with pytest.raises(DaemonGone):
            link.exchange({"do": "read", "method": VERSION, "params": [], "timeout": 1, "progress": False})


@pytest.mark.parametrize("text", [b"nonsense\n", b"\n", b"[1, 2]\n", b'{"do": "read"}\n', b'{"proof": 1}\n', b"half"])
def test_nonsense_ends_the_conversation_and_nothing_else(nas, text):
    with nas.held() as (session, _pid):
        [path] = find().sockets()
        with connect(path, timeout=5) as connection:
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

        assert session.read(VERSION)


def test_an_invalid_request_ends_its_connection_and_nothing_else(nas):
    with nas.held() as (session, _pid):
        link = linked()
        link.authenticate(nas.credential, Timeouts(), 60.0)
        with pytest.raises(DaemonGone):
            link.request(b'{"do": "read"}\n', notice=lambda text: None, progress=None)

        assert session.read(VERSION)


@pytest.mark.wide
def test_clients_of_other_code_have_another_daemon(nas, truenas, tmp_path):
    package = "ansible_collections/pixels/truenas/plugins/module_utils/_api"
    shutil.copytree(ROOT / "build" / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    with open(tmp_path / package / "errors.py", "a") as file:
        file.write("# as after an update\n")

    with nas.held() as (session, pid):
        assert nas.run_clients(code=tmp_path) == ["TrueNAS-25.10.6 for 0"]
        [updated] = [status for status in daemon_status.status() if status.pid != pid]
        assert not updated.is_current
        # It serves its present clients, and gets no new ones.
        assert session.read(VERSION)
    assert truenas.stats.logins == 2


@pytest.mark.wide
def test_a_process_that_finds_other_code_than_its_client_has_does_not_serve(nas, truenas, monkeypatch):
    """As when the collection is replaced while a playbook runs."""
    monkeypatch.setattr(identity, "VERSION", "of the client")

    with nas.open() as session:
        assert session.read(VERSION)
    assert daemon_status.status() == []


def test_a_client_of_another_user_is_turned_away(nas, monkeypatch):
    """The operating system reports the user of the client. The mode of the directory excludes other users before."""
    monkeypatch.setattr(holders, "peer_uid", lambda connection: 12345)

    async def conversation():
        async with in_this_process(nas) as (_holder, reader, _writer):
            return await reader.read()

    assert asyncio.run(conversation()) == b""


def test_a_request_that_comes_as_it_ends_is_not_begun(nas, truenas):
    async def conversation():
        async with in_this_process(nas) as (daemon, reader, writer):
            greeting = protocol.decode(await reader.readline())
            hello = {"proof": identity.proof(nas.credential, greeting["challenge"])}
            writer.write(protocol.encode({**hello, "connect": 1, "login_wait": 1, "idle": 60}))
            assert protocol.decode(await reader.readline()) == {"welcome": True}
            request = protocol.encode(
                {"do": "call", "method": "core.ping", "params": [], "timeout": 5, "progress": False}
            )
            writer.write(request)
            daemon.stop()
            return await reader.read()

    assert b"taken" not in asyncio.run(conversation())
    assert truenas.stats.calls["core.ping"] == 0


def test_a_change_whose_client_has_hung_up_is_not_begun(nas, truenas):
    """Such as a client that has given up on a daemon that was stopped, which now runs again."""

    async def conversation():
        async with in_this_process(nas) as (daemon, reader, writer):
            greeting = protocol.decode(await reader.readline())
            hello = {"proof": identity.proof(nas.credential, greeting["challenge"])}
            writer.write(protocol.encode({**hello, "connect": 1, "login_wait": 1, "idle": 60}))
            await reader.readline()
            [client] = daemon._clients
            writer.write_eof()
            # As if the event loop had read the request, and not yet the end.
            request = {"do": "call", "method": "core.ping", "params": [], "timeout": 5, "progress": False}
            await daemon._handle_request(client, request)
            return client.calls

    assert asyncio.run(conversation()) == 0
    assert truenas.stats.calls["core.ping"] == 0


@pytest.mark.parametrize(("kind", "first"), [("call", {"taken": True}), ("read", {"result": "pong"})])
def test_what_changes_nothing_is_answered_without_saying_that_it_was_begun(nas, kind, first):
    async def conversation():
        async with in_this_process(nas) as (_holder, reader, writer):
            greeting = protocol.decode(await reader.readline())
            hello = {"proof": identity.proof(nas.credential, greeting["challenge"])}
            writer.write(protocol.encode({**hello, "connect": 1, "login_wait": 1, "idle": 60}))
            await reader.readline()
            writer.write(
                protocol.encode({"do": kind, "method": "core.ping", "params": [], "timeout": 5, "progress": False})
            )
            return protocol.decode(await reader.readline())

    assert asyncio.run(conversation()) == first


def test_another_socket_in_its_place_is_not_removed(nas, runtime_directory):
    with nas.held(idle=0.3) as (_session, pid):
        [path] = runtime_directory.glob("*.sock")
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            ended(pid)

            assert path.exists()


def test_it_ends_though_its_directory_is_gone(nas, runtime_directory):
    with nas.held(idle=0.2) as (_session, pid):
        for path in runtime_directory.iterdir():
            path.unlink()
        with contextlib.suppress(OSError):
            runtime_directory.rmdir()

    ended(pid)


def test_a_shell_that_cannot_be_closed_does_not_end_a_call_of_another_client(nas, monkeypatch):
    def fail(_session):
        raise RuntimeError("it cannot be closed")

    monkeypatch.setattr(Session, "sweep_shells", fail)

    async def conversation():
        async with in_this_process(nas) as (daemon, _reader, _writer):
            await asyncio.sleep(0.05)
            return daemon._accepting is not None

    assert asyncio.run(conversation())
