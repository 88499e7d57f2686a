# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pid 1 of the namespaces does: it starts the virtual machine, sets Incus up in it, and runs one command."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from tests.lab import mounts
from tests.simulator.engines.incus import setup
from tests.simulator.engines.incus.agent import Agent
from tests.truth import machine

FOLDER = Path("/run/pixels-truth")
SLOWNESS = "TRUTH_SLOWNESS"
"""How many times longer than on the reference machine things take here; at least 1."""


def say(text: str) -> None:
    print(f"truth: {text}", file=sys.stderr, flush=True)


def serve(image: Path, scratch: Path, _group: str, command: t.Sequence[str]) -> int:
    """Return the exit status of the command."""
    mounts.set_up()
    FOLDER.mkdir()
    # Not in memory, which the virtual machine needs: what it writes to its disks.
    mounts.mount("--bind", str(scratch), str(FOLDER))
    machine.connect_network()
    started = machine.VirtualMachine(image, FOLDER)
    seconds = started.wait_for_agent()
    say(f"the virtual machine answered after {seconds:.0f} s")
    began = time.monotonic()
    setup.main(set_up)
    say(f"Incus was set up in {time.monotonic() - began:.0f} s")
    slowness = max(1.0, seconds / machine.REFERENCE_BOOT_SECONDS)
    return _until_it_ends(command, started, slowness)


async def set_up(agent: Agent) -> None:
    await setup.make_pool(agent)
    await setup.set_up_incus(agent)


def _until_it_ends(command: t.Sequence[str], virtual: machine.VirtualMachine, slowness: float) -> int:
    """Reap all processes whose parents have died. Without its virtual machine no command goes on."""
    signal.signal(signal.SIGINT, lambda *_: None)  # the command has it as well, and ends; so does this process
    environment = {**mounts.environment(), SLOWNESS: f"{slowness:.2f}"}
    started = subprocess.Popen(command, env=environment)
    while True:
        with contextlib.suppress(ChildProcessError):
            pid, status = os.waitpid(-1, 0)
            if pid == virtual.pid:
                say(f"the virtual machine ended; its console ends with:\n{virtual.last_lines()}")
                started.kill()
            if pid == started.pid:
                code = os.waitstatus_to_exitcode(status)
                return 128 - code if code < 0 else code
