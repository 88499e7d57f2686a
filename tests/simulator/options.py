# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be chosen about a simulated NAS: a field is a keyword of running_simulator() and a flag."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

Range = tuple[float, float]


def option(default: t.Any, text: str, **details: t.Any) -> t.Any:
    return dataclasses.field(default=default, metadata={"text": text, **details})


@dataclass(frozen=True)
class Options:
    """How long things take is in seconds; the defaults are those of a test (quick)."""

    release: str = option("25.10", "which TrueNAS to play", choices=("25.04", "25.10"))
    listen: str = option("127.0.0.1:0", "HOST:PORT of the NAS, port 0 is any free one")
    engine: str = option(
        "process", "process: containers that run; paper: only written down", choices=("process", "paper")
    )
    state_dir: str | None = option(
        None, "folder for the containers' files; left out, a new one that is removed at the end"
    )
    ssh_port: int | None = option(
        None, "port of the containers' SSH servers; left out, 22 as root and a free one otherwise"
    )
    ssh_installed: bool = option(False, "images come with an SSH server (a real ubuntu image has none)")
    seed_pixels: int = option(0, "how many running px- containers there are at the start")

    create_seconds: float = option(0.0, "how long virt.instance.create takes", by_hand=2.0)
    start_seconds: float = option(0.0, "how long virt.instance.start takes", by_hand=0.5)
    stop_seconds: float = option(0.0, "how long virt.instance.stop takes", by_hand=0.5)
    snapshot_seconds: float = option(0.0, "how long taking or rolling back a snapshot takes", by_hand=0.2)
    address_seconds: float = option(0.05, "how long after its start a container shows addresses", by_hand=1.0)

    login_limit: int = option(20, "calls without login a method and an address may make in one window")
    login_window: float = option(60.0, "length of that window")
    rate_limit_stall: Range = option((0.0, 0.0), "how long a refused login is held back: from, to", by_hand=(1.0, 10.0))
    login_failure_stall: Range = option((0.0, 0.0), "how long a wrong login is held back: from, to", by_hand=(1.0, 2.0))
    scram: bool = option(False, "offer the SCRAM login of TrueNAS 26 as well")
    scram_iterations: int = option(50_000, "iterations of SCRAM keys (TrueNAS: 500000)")
    loopback_is_remote: bool = option(False, "do not treat loopback as secure: API keys sent over ws:// are revoked")
    refuse_addresses: bool = option(False, "play a NAS whose ui_allowlist does not hold the caller")

    certificate: str = option(
        "ca", "ca: signed by a generated CA; default: like TrueNAS' own", choices=("ca", "default")
    )
    plain: bool = option(False, "also listen for ws:// on a port of its own")
    redirect: bool = option(False, "also answer 307 to https on an http port of its own")
    idle_seconds: float = option(60.0, "cut a connection when the NAS has sent nothing for so long; 0 is never")


def seconds_range(text: str) -> Range:
    """C(1-10) or C(3): how a range is written on the command line."""
    low, _dash, high = text.partition("-")
    return float(low), float(high or low)
