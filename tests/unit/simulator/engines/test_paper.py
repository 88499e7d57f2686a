# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the files of a container in the engine `paper`."""

from __future__ import annotations

import asyncio

from tests.simulator.engines.paper import PaperEngine


def test_files_are_written_appended_and_listed() -> None:
    async def scenario() -> None:
        engine = PaperEngine()
        await engine.create("px-web", "ubuntu/24.04")

        await engine.write_file("px-web", "/etc/new/motd", b"hello", append=False, mode=0o600, uid=7, gid=-1)
        await engine.write_file("px-web", "/etc/new/motd", b" again", append=True, mode=None, uid=-1, gid=-1)

        found = await engine.stat("px-web", "/etc/new/motd")
        assert found is not None
        assert (found.type, found.size, found.mode & 0o7777, found.uid, found.gid) == ("FILE", 11, 0o600, 7, 0)
        assert await engine.read_file("px-web", "/etc/new/motd") == b"hello again"
        assert await engine.list_directory("px-web", "/etc") == ["new"]
        assert await engine.stat("px-web", "/etc/nothing") is None

    asyncio.run(scenario())


def test_a_rollback_brings_files_back_and_a_clone_has_its_own() -> None:
    async def scenario() -> None:
        engine = PaperEngine()
        await engine.create("px-web", "ubuntu/24.04")
        await engine.write_file("px-web", "/root/note", b"old", append=False, mode=None, uid=-1, gid=-1)
        await engine.snapshot("px-web", "before")
        await engine.clone("px-web", "before", "px-copy")
        await engine.write_file("px-web", "/root/note", b"new", append=False, mode=None, uid=-1, gid=-1)

        await engine.write_file("px-copy", "/root/note", b"mine", append=False, mode=None, uid=-1, gid=-1)
        await engine.rollback("px-web", "before")

        assert await engine.read_file("px-web", "/root/note") == b"old"
        assert await engine.read_file("px-copy", "/root/note") == b"mine"

    asyncio.run(scenario())


def test_only_a_started_container_has_an_address() -> None:
    async def scenario() -> None:
        engine = PaperEngine()
        await engine.create("px-web", "ubuntu/24.04")
        before = engine.addresses("px-web")
        await engine.start("px-web", cpu=None, memory=None, environment={})
        during = engine.addresses("px-web")
        await engine.stop("px-web", force=False)

        assert (before, [address.family for address in during], engine.addresses("px-web")) == ([], ["INET"], [])

    asyncio.run(scenario())


def test_a_terminal_says_that_nothing_runs_and_ends() -> None:
    async def scenario() -> list[bytes]:
        engine = PaperEngine()
        await engine.create("px-web", "ubuntu/24.04")
        terminal = await engine.open_terminal("px-web", ["/bin/sh"], environment={})
        await terminal.wait()
        return [await terminal.read(1024) for _piece in range(2)]

    assert asyncio.run(scenario()) == [b"nothing runs in this container\r\n", b""]
