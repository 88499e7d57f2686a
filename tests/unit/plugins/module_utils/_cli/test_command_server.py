# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the command server without a session daemon; test_command_client.py runs verbs in it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli import command_client
from tests.unit.command import PIXELS

PLUGINS = PIXELS.parents[1] / "plugins"
PRELOADED = """
import sys
sys.path.insert(0, sys.argv.pop())
import launch
launch.make_importable()
from ansible_collections.pixels.truenas.plugins.module_utils._cli import command_server
from ansible_collections.pixels.truenas.plugins.module_utils._cli.main import main
command_server.preload()
loaded = set(sys.modules)
status = main(sys.argv[1:])
print(status, *sorted(set(sys.modules) - loaded))
print(*sorted(loaded))
"""


@contextlib.contextmanager
def serving(directory=PLUGINS):
    """Run a command server. Yield its process and the socket that the session daemon would have."""
    ours, theirs = socket.socketpair()
    launch = str(directory / "module_utils/_cli/launch.py")
    words = [sys.executable, "-PS", launch, "--serve"]
    with ours, subprocess.Popen(words, stdin=theirs.fileno(), stdout=subprocess.DEVNULL) as process:
        theirs.close()
        ours.settimeout(30)
        assert ours.recv(1) == b"\n"
        yield process, ours
        ours.close()


def connect(server):
    """Return the connection of a client that the session daemon has passed on."""
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(server, [b"\n"], [theirs.fileno()])
    ours.settimeout(30)
    return ours


def request(**changed):
    return {**command_client.request(["--version"]), "streams": [["utf-8", "strict"]] * 3, **changed}


def send(client, asked):
    """Send a request with files that are all the null device, and the root directory."""
    null, root = os.open(os.devnull, os.O_RDWR), os.open("/", os.O_RDONLY)
    assert json.loads(client.recv(100)) == {"ready": True}
    socket.send_fds(client, [json.dumps(asked).encode() + b"\n"], [null, null, null, root])
    os.close(null)
    os.close(root)


def rest(client):
    """Return the frames until the end of a connection."""
    with client.makefile() as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize("words", ["info web", "protect web", "checkpoint list web", "images"])
@pytest.mark.wide
def test_all_code_is_loaded_before_the_first_command_but_no_library(shared, truenas, words):
    truenas.world.add_container("px-web")
    shared("info", "web")

    ended = subprocess.run(
        [sys.executable, "-Pc", PRELOADED, *words.split(), str(PLUGINS / "module_utils/_cli")],
        env=shared.environment,
        capture_output=True,
        text=True,
        check=True,
    )

    *_shown, late, early = ended.stdout.splitlines()
    assert late == "0"
    assert not {"ansible", "paramiko", "websocket", "yaml"} & set(early.split())


def test_a_command_reports_its_start_and_its_exit_status():
    with serving() as (_process, server), connect(server) as client:
        send(client, request(words=["info"]))

        assert rest(client) == [{"started": True}, {"exit": 2}]


def test_nothing_is_started_for_a_client_that_has_gone():
    with serving() as (_process, server):
        for asked in (request(surroundings=[]), {}, [], request(streams=[])):
            with connect(server) as client:
                send(client, asked)
                assert rest(client) == []


def test_it_ends_with_the_session_daemon():
    with serving() as (process, server):
        server.close()

        assert process.wait(30) == 0


def test_after_an_update_of_the_code_it_runs_nothing_more(tmp_path):
    plugins = tmp_path / "plugins"
    shutil.copytree(PLUGINS / "module_utils", plugins / "module_utils")
    with serving(plugins) as (process, server):
        (plugins / "module_utils/_cli/main.py").touch()

        with connect(server) as client:
            assert rest(client) == []
        assert process.wait(30) == 0


def test_an_exception_is_reported_as_python_does(tmp_path):
    plugins = tmp_path / "plugins"
    shutil.copytree(PLUGINS / "module_utils", plugins / "module_utils")
    path = plugins / "module_utils/_cli/images_verb.py"
    path.write_text(path.read_text() + "\n\ndef show(_args, _output):\n    raise LookupError('a defect')\n")
    with serving(plugins) as (_process, server), connect(server) as client, open(tmp_path / "shown", "w+") as shown:
        null, root = os.open(os.devnull, os.O_RDWR), os.open("/", os.O_RDONLY)
        client.recv(100)
        asked = json.dumps(request(words=["images"])).encode() + b"\n"
        socket.send_fds(client, [asked], [null, null, shown.fileno(), root])

        assert rest(client) == [{"started": True}, {"exit": 1}]
        shown.seek(0)
        assert shown.read().endswith("LookupError: a defect\n")
