# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the command server as the session daemon sees it; `_cli/test_command_client.py` runs verbs in it."""

from __future__ import annotations

import asyncio
import json

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import command_handover, protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.identity import proof
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.server import read_frame
from tests.unit.plugins.module_utils._api.daemon.conftest import in_this_process

COMMAND = {"do": "command", "program": command_handover.own_program()}
NOT_PASSED_ON = {"result": False}
FINAL = {"welcome", "result", "error"}
"""What the last frame of a reply has; on a busy machine, others come before it while the NAS is waited for."""


def exchange(nas, *frames):
    """Send frames to a session daemon in this process. Return its replies."""

    async def run():
        async with in_this_process(nas) as (_daemon, reader, writer):
            greeting = await read_frame(reader)
            hello = {"proof": proof(nas.credential, greeting["challenge"]), "connect": 5, "login_wait": 5, "idle": 60}
            replies = []
            for frame in (hello, *frames):
                writer.write(protocol.encode(frame))
                while not FINAL & (reply := await read_frame(reader)).keys():
                    pass
                replies.append(reply)
            return replies[1:]

    return asyncio.run(run())


def test_until_the_code_is_loaded_clients_run_their_commands_themselves(nas):
    assert exchange(nas, COMMAND) == [NOT_PASSED_ON]


def test_a_client_can_go_on_when_it_was_not_passed_on(nas):
    version = {"do": "read", "method": "system.version", "params": [], "timeout": 5, "progress": False}

    replies = exchange(nas, COMMAND, version)

    assert replies[0] == NOT_PASSED_ON
    assert replies[1]["result"]


def test_a_client_with_other_code_is_not_passed_on(nas, monkeypatch):
    monkeypatch.setattr(command_handover.CommandHandover, "_start", None)

    programs = (None, [], ["/elsewhere", *command_handover.own_program()[1:]])

    replies = exchange(nas, *({"do": "command", "program": program} for program in programs))

    assert replies == [NOT_PASSED_ON] * len(programs)


def test_a_command_server_that_cannot_load_its_code_is_not_started_again(nas, monkeypatch, tmp_path):
    starts = tmp_path / "starts"
    program = tmp_path / "launch.py"
    program.write_text(f"open({str(starts)!r}, 'a').write('x')")
    monkeypatch.setattr(command_handover, "PROGRAM", str(program))

    async def run():
        async with in_this_process(nas) as (daemon, reader, writer):
            greeting = await read_frame(reader)
            hello = {"proof": proof(nas.credential, greeting["challenge"]), "connect": 5, "login_wait": 5, "idle": 60}
            writer.write(protocol.encode(hello))
            await read_frame(reader)
            for _time in range(2):
                writer.write(json.dumps(COMMAND).encode() + b"\n")
                assert await read_frame(reader) == NOT_PASSED_ON
                while daemon._commands._process is not None:
                    await asyncio.sleep(0.01)

    asyncio.run(run())
    assert starts.read_text() == "x"
