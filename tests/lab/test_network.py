# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of names and packages from the lab's internet in a container."""

from __future__ import annotations

import subprocess

import pytest

from tests.lab.far_host import RAW_PORT
from tests.lab.network import ALLOWED, DENIED, MIRROR
from tests.lab.test_engine import boot, say

ASK = f"""
import socket, sys, urllib.request
name, family = sys.argv[1], getattr(socket, sys.argv[2])
address = socket.getaddrinfo(name, {RAW_PORT}, family, socket.SOCK_STREAM)[0][4]
host = f"[{{address[0]}}]" if family == socket.AF_INET6 else address[0]
print(urllib.request.urlopen(f"http://{{host}}/", timeout=10).read().decode().strip())
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    with socket.socket(family, kind) as asked:
        asked.settimeout(10)
        asked.connect(address)
        asked.send(b"who")
        print(asked.recv(100).decode().strip())
"""


async def booted(engine, name):
    """With an IPv6 address that duplicate address detection has accepted."""
    await engine.create(name, "debian/12")
    await boot(engine, name)
    await say(engine, name, "while ip -6 address show tentative | grep -q .; do sleep 0.05; done")
    await engine.write_file(name, "/root/ask.py", ASK.encode(), append=False, mode=None, uid=0, gid=0)


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6"])
def test_a_container_reaches_every_host_by_http_tcp_and_udp(in_engine, family):
    async def scenario(engine):
        await booted(engine, "px-web")

        message = {
            host.name: await say(engine, "px-web", f"python3 /root/ask.py {host.name} {family}")
            for host in (ALLOWED, DENIED)
        }

        assert message == {name: "\n".join([name] * 3) for name in (ALLOWED.name, DENIED.name)}

    in_engine(scenario)


def test_packages_are_installed_from_the_labs_own_source(in_engine):
    async def scenario(engine):
        await booted(engine, "px-web")

        await say(engine, "px-web", "apt-get -q update && apt-get -q -y install tree")

        assert "tree v" in await say(engine, "px-web", "tree --version")
        assert MIRROR.name in await say(engine, "px-web", "apt-cache policy tree")

    in_engine(scenario)


def test_a_firewall_in_a_container_holds_there_and_nowhere_else(in_engine):
    async def scenario(engine):
        for name in ("px-web", "px-db"):
            await booted(engine, name)
        rules = (
            f"table inet t {{ chain out {{ type filter hook output priority 0; ip daddr {DENIED.v4} reject\n }}\n }}\n"
        )

        loaded = await engine.run("px-web", ["nft", "-f", "-"], stdin=rules.encode())
        assert loaded.returncode == 0, loaded.stderr.decode()

        refused = await engine.run("px-web", ["python3", "/root/ask.py", DENIED.name, "AF_INET"])
        assert refused.returncode != 0
        assert ALLOWED.name in await say(engine, "px-web", f"python3 /root/ask.py {ALLOWED.name} AF_INET")
        assert DENIED.name in await say(engine, "px-db", f"python3 /root/ask.py {DENIED.name} AF_INET")

    in_engine(scenario)

    assert subprocess.run(["nft", "list", "ruleset"], capture_output=True, check=True).stdout == b""
