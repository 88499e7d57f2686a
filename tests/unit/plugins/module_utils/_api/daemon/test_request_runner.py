# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how the daemon runs the requests of its clients."""

from __future__ import annotations

import asyncio

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import identity, protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import OutcomeUnknown
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session
from tests.unit.plugins.module_utils._api.daemon.conftest import in_this_process


def test_an_internal_error_during_a_change_is_reported_to_its_client(nas, monkeypatch):
    def fail(*_args, **_options):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Session, "call", fail)

    async def conversation():
        async with in_this_process(nas) as (_holder, reader, writer):
            greeting = protocol.decode(await reader.readline())
            hello = {"proof": identity.proof(nas.credential, greeting["challenge"])}
            writer.write(protocol.encode({**hello, "connect": 5, "login_wait": 5, "idle": 60}))
            request = {"do": "call", "method": "core.ping", "params": [], "timeout": 5, "progress": False}
            writer.write(protocol.encode(request))
            frames = []
            while "error" not in (frames or [{}])[-1]:
                frames.append(protocol.decode(await reader.readline()))
            return protocol.error_from_frame(frames[-1]["error"])

    error = asyncio.run(conversation())

    assert isinstance(error, OutcomeUnknown)
    assert "core.ping" in str(error)
    assert "RuntimeError in test_request_runner.py" in str(error)
