# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the engine `lxc` with real containers on real ZFS."""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.simulator.engines.base import Address
from tests.simulator.engines.lxc.config import FIRST_ID
from tests.simulator.zfs import ZfsError

MIB = 1024 * 1024
NOTHING = {"cpu": None, "memory": None, "environment": {}}


async def say(engine, name, command):
    """What a command in a container prints."""
    ended = await engine.run(name, ["/bin/sh", "-c", command])
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout.decode().strip()


async def boot(engine, name, **wanted):
    """Start a container and wait until systemd has done what there is to do."""
    await engine.start(name, **NOTHING | wanted)
    return await say(
        engine, name, "until systemctl is-system-running --wait 2>&1 | grep -E 'running|degraded'; do :; done"
    )


async def write(engine, name, path, text):
    await engine.write_file(name, path, text.encode(), append=False, mode=None, uid=0, gid=0)


def test_a_container_boots_runs_commands_and_stops(in_engine):
    async def scenario(engine):
        await engine.create("px-web", "debian/12")
        assert engine.addresses("px-web") == []

        assert await boot(engine, "px-web", environment={"COLOUR": "blue"}) == "running"

        v4, v6 = engine.addresses("px-web")
        assert (v4, v6.family) == (Address("INET", v4.address, 16), "INET6")
        assert await say(engine, "px-web", "uname -n; cat /etc/hostname; cat /proc/1/comm; id -u; echo $COLOUR") == (
            "px-web\npx-web\nsystemd\n0\nblue"
        )
        assert v4.address in await say(engine, "px-web", "ip -4 address show eth0")
        ended = await engine.run("px-web", ["/bin/sh", "-c", "cat; exit 3"], stdin=b"hello")
        assert (ended.returncode, ended.stdout) == (3, b"hello")

        await engine.stop("px-web", force=False)

        assert engine.addresses("px-web") == []
        assert (await engine.run("px-web", ["true"])).returncode != 0

    in_engine(scenario)


def test_a_container_is_confined_to_ids_and_limits_of_its_own(in_engine):
    async def scenario(engine):
        await engine.create("px-web", "debian/12")
        await boot(engine, "px-web", cpu="1", memory=256 * MIB)

        memory = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"
        assert await say(engine, "px-web", f"cat /proc/self/uid_map; nproc; {memory}") == (
            f"         0 {FIRST_ID}      65536\n1\n{256 * MIB}".strip()
        )
        await engine.limit("px-web", cpu=None, memory=512 * MIB, environment={"COLOUR": "red"})
        assert await say(engine, "px-web", f"nproc; {memory}; echo $COLOUR") == f"{os.cpu_count()}\n{512 * MIB}\nred"
        await engine.limit("px-web", cpu=None, memory=None, environment={})
        assert int(await say(engine, "px-web", f"{memory} | sed s/max/{1 << 62}/")) > 1 << 40

    in_engine(scenario)


def test_root_of_a_container_is_root_in_its_files_and_nowhere_else(in_engine):
    async def scenario(engine):
        await engine.create("px-web", "debian/12")
        await boot(engine, "px-web")

        output = await say(
            engine,
            "px-web",
            "touch /srv/mine && chown 33:33 /srv/mine && chmod 600 /srv/mine && echo more >>/srv/mine"
            " && stat -c '%u %g %a' /srv/mine && su -s /bin/sh nobody -c 'cat /srv/mine 2>&1 || id -un'"
            " && mkdir -m 700 /srv/theirs && chown www-data /srv/theirs && touch /srv/theirs/a"
            " && mv /srv/theirs/a /srv/theirs/b && sudo -u www-data stat -c %u /srv/theirs/b",
        )

        assert output.splitlines() == ["33 33 600", "cat: /srv/mine: Permission denied", "nobody", "0"]
        found = await engine.stat("px-web", "/srv/mine")
        assert (found.uid, found.gid, found.mode & 0o777, found.size) == (33, 33, 0o600, 5)

    in_engine(scenario)


def test_files_are_read_and_written_from_outside_and_no_symlink_leads_out(in_engine):
    async def scenario(engine):
        await engine.create("px-web", "debian/12")
        await engine.write_file("px-web", "/a/b/note", b"one", append=False, mode=0o640, uid=1, gid=2)
        await engine.write_file("px-web", "/a/b/note", b" two", append=True, mode=None, uid=-1, gid=-1)
        await boot(engine, "px-web")

        assert await say(engine, "px-web", "stat -c '%u %g %a' /a /a/b /a/b/note; cat /a/b/note") == (
            "0 0 755\n0 0 755\n1 2 640\none two"
        )
        await say(engine, "px-web", "ln -s /etc/hostname /a/link; ln -s ../../../../../etc /a/up")
        assert await engine.read_file("px-web", "/a/link") == b"px-web\n"
        assert await engine.read_file("px-web", "/a/up/hostname") == b"px-web\n"
        assert (await engine.stat("px-web", "/a/link")).target == "/etc/hostname"
        assert await engine.list_directory("px-web", "/a") == ["b", "link", "up"]
        assert await engine.stat("px-web", "/a/nothing") is None
        with pytest.raises(FileNotFoundError):
            await engine.read_file("px-web", "/a/nothing")

    in_engine(scenario)


def test_a_rollback_brings_back_what_rm_took(in_engine):
    async def scenario(engine):
        await engine.create("px-web", "debian/12")
        await boot(engine, "px-web")
        await say(engine, "px-web", "echo before >/srv/state")
        await engine.snapshot("px-web", "ready")
        await say(engine, "px-web", "echo after >/srv/state; rm -rf /usr; :")
        assert await engine.stat("px-web", "/usr/bin/python3") is None
        with pytest.raises(ZfsError, match="busy"):
            await engine.rollback("px-web", "ready")

        await engine.stop("px-web", force=True)
        await engine.rollback("px-web", "ready")
        await boot(engine, "px-web")

        assert await say(engine, "px-web", "cat /srv/state; python3 -c 'print(6 * 7)'") == "before\n42"

    in_engine(scenario)


def test_clones_promotions_and_renames_are_those_of_zfs(in_engine):
    async def scenario(engine):
        await engine.create("px-web", "debian/12")
        await write(engine, "px-web", "/srv/state", "one")
        await engine.snapshot("px-web", "one")
        await write(engine, "px-web", "/srv/state", "two")
        await engine.snapshot("px-web", "two")
        await engine.clone("px-web", "one", "px-copy")
        with pytest.raises(ZfsError, match="dependent clones"):
            await engine.delete_snapshot("px-web", "one")

        await engine.move_snapshot("px-web", "one", "px-copy", "one-again")
        await engine.move("px-web", "tank--aside")
        await engine.delete("tank--aside")

        assert await engine.read_file("px-copy", "/srv/state") == b"one"
        await write(engine, "px-copy", "/srv/state", "three")
        await engine.rollback("px-copy", "one-again")
        assert await engine.read_file("px-copy", "/srv/state") == b"one"
        assert await engine.read_file("px-copy", "/srv/state") == b"one"
        await engine.hold("px-copy", "one-again", "truenas")
        with pytest.raises(ZfsError, match="busy"):
            await asyncio.wait_for(engine.delete_snapshot("px-copy", "one-again"), 30)
        await engine.release("px-copy", "one-again", "truenas")
        await engine.delete_snapshot("px-copy", "one-again")

    in_engine(scenario)


def test_a_container_with_running_clones_can_give_its_name_away(in_engine):
    async def scenario(engine):
        await engine.create("px-web", "debian/12")
        await write(engine, "px-web", "/srv/state", "one")
        await engine.snapshot("px-web", "one")
        await engine.clone("px-web", "one", "px-copy")
        await boot(engine, "px-copy")

        await engine.move("px-web", "tank--aside")
        await engine.clone("tank--aside", "one", "px-web")
        await engine.move_snapshot("tank--aside", "one", "px-web", "one")
        await engine.delete("tank--aside")
        await boot(engine, "px-web")

        assert await say(engine, "px-web", "cat /srv/state") == "one"
        assert await say(engine, "px-copy", "cat /srv/state") == "one"
        assert await engine.read_file("px-copy", "/srv/state") == b"one"

    in_engine(scenario)


def test_a_stop_that_takes_too_long_leaves_the_container_running(in_engine):
    async def scenario(engine):
        await engine.create("px-web", "debian/12")
        await boot(engine, "px-web")
        unit = "[Service]\nExecStart=/bin/true\nRemainAfterExit=yes\nExecStop=/bin/sleep 600\n"
        await write(engine, "px-web", "/etc/systemd/system/stubborn.service", unit)
        await say(engine, "px-web", "systemctl daemon-reload && systemctl start stubborn")

        with pytest.raises(TimeoutError):
            await engine.stop("px-web", force=False, timeout=1)

        assert engine.addresses("px-web") != []
        await engine.stop("px-web", force=True)
        assert engine.addresses("px-web") == []

    in_engine(scenario)


def test_a_terminal_is_one_for_the_programs_in_it(in_engine):
    async def scenario(engine):
        await engine.create("px-web", "debian/12")
        with pytest.raises(ConnectionResetError):
            await engine.open_terminal("px-web", ["/bin/sh"], environment={})
        await boot(engine, "px-web")
        with pytest.raises(FileNotFoundError):
            await engine.open_terminal("px-web", ["/bin/nothing"], environment={})

        terminal = await engine.open_terminal("px-web", ["bash"], environment={"TERM": "xterm"})
        terminal.resize(111, 33)
        await terminal.write(b"tty; stty size; echo $TERM $((6 * 7)); stty raw; echo a; exit\n")
        output = b""
        while piece := await terminal.read(1024):
            output += piece
        await terminal.wait()
        await terminal.close()

        assert b"/dev/pts/" in output
        assert b"33 111" in output
        assert b"xterm 42\r\n" in output
        assert b"a\n" in output

    in_engine(scenario)


def test_several_are_made_at_the_same_time(in_engine):
    async def scenario(engine):
        names = [f"px-{number}" for number in range(4)]
        await asyncio.gather(*(engine.create(name, "debian/12") for name in names))
        await asyncio.gather(*(boot(engine, name) for name in names))

        output = await asyncio.gather(*(say(engine, name, "uname -n") for name in names))

        assert output == names
        assert len({engine.addresses(name)[0] for name in names}) == 4
        assert engine.used("px-0") > 100 * MIB

    in_engine(scenario)
