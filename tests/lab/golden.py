# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create the golden dataset in the pool of the lab; every container is a clone of it.

The system is unpacked into it and booted once, so that clones have nothing left to do at their first start. Then it
installs an SSH server from the lab's own package source, for images that have one.
"""

from __future__ import annotations

import asyncio
import typing as t
from pathlib import Path

from tests.lab import pool
from tests.lab.recipe import run
from tests.simulator.engines.lxc.addresses import BridgePort
from tests.simulator.engines.lxc.config import Container
from tests.simulator.engines.lxc.lxc_command import Lxc, LxcError

if t.TYPE_CHECKING:
    from tests.simulator.engines.lxc.lab import Lab

FORGET = (
    "rm -rf /etc/ssh/ssh_host_* /var/lib/apt/lists/* /var/cache/apt/*.bin /var/lib/systemd/random-seed "
    "/var/log/* /tmp/* /var/tmp/*; apt-get clean; truncate -s 0 /etc/machine-id"
)
INSTALL = "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install openssh-server"
SECONDS_TO_BOOT = 180
"""All in all, on a machine that has much else to do."""
SETTLED = ("running", "degraded")
MOST_BOOTS = 5
SECONDS_BETWEEN_BOOTS = 5
SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_TO_SHUT_DOWN = 60


def make(lab: Lab, system: Path) -> None:
    """In a lab with its pool, network and package source."""
    folder = lab.mountpoint(lab.golden)
    pool.zfs("create", lab.golden)
    (folder / "rootfs").mkdir(mode=0o755)
    run("tar", "--extract", "--numeric-owner", f"--directory={folder / 'rootfs'}", f"--file={system}")
    asyncio.run(_boot(lab, folder / "rootfs", FORGET))
    pool.zfs("snapshot", f"{lab.golden}@{lab.bare}")
    asyncio.run(_boot(lab, folder / "rootfs", INSTALL, FORGET))
    pool.zfs("snapshot", f"{lab.golden}@{lab.with_ssh}")


async def _boot(lab: Lab, rootfs: Path, *scripts: str) -> None:
    """Start the golden system itself, run scripts in it, and shut it down."""
    lxc = Lxc(lab.folder / "containers", lab.group)
    container = Container("golden", rootfs, BridgePort(2), lab.bridge, lab.group)
    await _until_settled(lxc, container)
    for script in scripts:
        ended = await lxc.execute(container.name, ["/bin/sh", "-c", script], stdin=b"", environment={})
        if ended.returncode:
            output = (ended.stdout + ended.stderr).decode(errors="replace")
            raise RuntimeError(f"the golden system could not run {script!r}: {output}")
    await lxc.stop(container.name, seconds=SECONDS_TO_SHUT_DOWN)
    lxc.forget(container.name)


async def _until_settled(lxc: Lxc, container: Container) -> None:
    """Where other labs have taken all that a user may have of the kernel (inotify, keys), systemd ends as it begins."""
    output = ""
    boots = 0
    async with asyncio.timeout(SECONDS_TO_BOOT):
        while output not in SETTLED:
            if await lxc.pid(container.name) is None:
                if boots == MOST_BOOTS:
                    raise RuntimeError(
                        f"the golden system ended {boots} times as it booted; at last it said {output!r}"
                    )
                await asyncio.sleep(boots * SECONDS_BETWEEN_BOOTS)
                boots += 1
                try:
                    await lxc.start(container)
                except LxcError as error:
                    output = str(error)
                    continue
            asked = await lxc.execute(container.name, ["systemctl", "is-system-running"], stdin=b"", environment={})
            output = (asked.stdout + asked.stderr).decode(errors="replace").strip()
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
