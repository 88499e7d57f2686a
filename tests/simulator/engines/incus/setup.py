# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the pool and set Incus up, as `virt.global.setup` does (plugins/virt/global.py of TS-25.10.6)."""

from __future__ import annotations

import asyncio
import typing as t

from tests.simulator.engines.incus.agent import Agent
from tests.simulator.errors import CallError
from tests.simulator.instance import Instance

POOL = "tank"
HOME = f"{POOL}/.ix-virt"
DISK = "/dev/vdb"
V4_NETWORK, V6_NETWORK = Instance.networks
CREATE_POOL = (
    *("zpool", "create", "-f", "-o", "ashift=12", "-o", "altroot=/mnt", "-o", "cachefile=none"),
    *("-o", "failmode=continue", "-O", "atime=off", "-O", "aclmode=discard", "-O", "acltype=posix"),
    *(
        "-O",
        "compression=lz4",
        "-O",
        "aclinherit=passthrough",
        "-O",
        "xattr=sa",
        "-O",
        f"mountpoint=/{POOL}",
        POOL,
        DISK,
    ),
)
"""The options of the middleware (plugins/pool_/create_pool.py)."""
CREATE_HOME = (
    *(
        "zfs",
        "create",
        "-o",
        "aclmode=discard",
        "-o",
        "acltype=posix",
        "-o",
        "exec=on",
        "-o",
        "casesensitivity=sensitive",
    ),
    *("-o", "atime=off", "-o", "xattr=sa", "-o", f"org.truenas:incus_storage_pool={POOL}", HOME),
)
FORGET = """
kill $(cat /var/lib/incus/networks/incusbr0/dnsmasq.pid)
ip link delete incusbr0
umount --recursive /var/lib/incus/* /var/lib/incus/storage-pools/*/containers/* 2>/dev/null
exec rm -rf --one-file-system /var/lib/incus/*
"""
"""What the end of the daemon leaves: its DNS server, its bridge, its mounts, its database."""
IMAGE_FILES = "/opt/truth/images"
SECONDS_TO_ANSWER = 900
SECONDS_BETWEEN_LOOKS = 0.5
OPERATION_SECONDS = 1800


async def make_pool(agent: Agent) -> None:
    """Raises CallError."""
    await checked(agent, "modprobe", "zfs")
    await checked(agent, *CREATE_POOL)
    await checked(agent, *CREATE_HOME)


async def ensure_image(agent: Agent, name: str) -> None:
    """Import an image unless Incus has it: a new set-up loses them all. Raises CallError."""
    if f"/1.0/images/aliases/{name}" not in await listed(agent, "images/aliases"):
        files = (f"{IMAGE_FILES}/{name}.tar.xz", f"{IMAGE_FILES}/{name}.squashfs")
        await checked(agent, "incus", "image", "import", *files, "--alias", name)


async def start_incus(agent: Agent) -> None:
    await checked(agent, "systemctl", "start", "incus.socket", "incus.service")
    async with asyncio.timeout(SECONDS_TO_ANSWER):
        while True:
            try:
                await agent.incus("GET", "1.0")
            except (OSError, ValueError):
                await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            else:
                return


async def set_up_incus(agent: Agent) -> None:
    """Make the network and the profile, and take the containers from the pool. Raises CallError with Incus' text."""
    await start_incus(agent)
    networks = {"ipv4.address": V4_NETWORK, "ipv4.nat": "true", "ipv6.address": V6_NETWORK, "ipv6.nat": "true"}
    if "/1.0/networks/incusbr0" not in await listed(agent, "networks"):
        await agent.incus("POST", "1.0/networks", {"name": "incusbr0", "type": "bridge", "config": networks})
    profile = {"name": "eth0", "network": "incusbr0", "type": "nic"}
    body = {"config": {}, "description": "Default TrueNAS profile", "devices": {"eth0": profile}}
    await agent.incus("PUT", "1.0/profiles/default", body)
    if f"/1.0/storage-pools/{POOL}" not in await listed(agent, "storage-pools"):
        pools = {"pools": [{"name": POOL, "driver": "zfs", "description": "", "config": {"source": HOME}}]}
        await agent.incus("POST", "internal/recover/validate", pools)
        await agent.incus("POST", "internal/recover/import", pools)


async def forget_incus(agent: Agent) -> None:
    """As after an upgrade of the NAS: Incus has a new `/var/lib/incus`, and knows nothing. Raises CallError."""
    for name in await running(agent):
        body = {"action": "stop", "timeout": -1, "force": True}
        await agent.wait("PUT", f"1.0/instances/{name}/state", body, timeout=OPERATION_SECONDS)
    await checked(agent, "systemctl", "stop", "incus.service", "incus.socket")
    await checked(agent, "sh", "-c", FORGET)


async def listed(agent: Agent, kind: str) -> list[str]:
    """Return the paths of the things of a kind that Incus has; it says null where there is none."""
    return (await agent.incus("GET", f"1.0/{kind}"))["metadata"] or []


async def running(agent: Agent) -> list[str]:
    found = (await agent.incus("GET", "1.0/instances?recursion=1"))["metadata"]
    return [each["name"] for each in found or [] if each["status"] == "Running"]


async def checked(agent: Agent, *argv: str, stdin: bytes = b"") -> str:
    """Return what a command printed. Raises CallError with what it said."""
    ended = await agent.run(argv, stdin=stdin)
    if ended.returncode:
        text = (ended.stderr or ended.stdout).decode(errors="replace").strip()
        raise CallError(f"{' '.join(argv)} ended with {ended.returncode}: {text}")
    return ended.stdout.decode()


def main(work: t.Callable[[Agent], t.Awaitable[None]]) -> None:
    asyncio.run(t.cast("t.Coroutine[t.Any, t.Any, None]", work(Agent())))
