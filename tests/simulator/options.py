# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be chosen about a simulated NAS: a field is a keyword of running_simulator() and a flag."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

Range = tuple[float, float]


def about(text: str, **details: t.Any) -> dict[str, t.Any]:
    """What the command line says of an option."""
    return {"text": text, **details}


@dataclass(frozen=True)
class Options:
    """How long things take is in seconds; the defaults are those of a test (quick)."""

    release: str = field(
        default="25.10",
        metadata=about(
            "which TrueNAS to play; 26 is the newest of its train, 26.0.0-RC.1",
            choices=("25.04", "25.10", "26", "26.0.0-BETA.3"),
        ),
    )
    listen: str = field(default="127.0.0.1:0", metadata=about("HOST:PORT of the NAS, port 0 is any free one"))
    engine: str = field(
        default="process",
        metadata=about(
            "process: containers that run; paper: only written down; lxc: real ones, in the lab; incus: those of Incus",
            choices=("process", "paper", "lxc", "incus"),
        ),
    )
    state_dir: str | None = field(
        default=None, metadata=about("folder for the containers' files; left out, a new one that is removed at the end")
    )
    ssh_port: int | None = field(
        default=None,
        metadata=about("port of the containers' SSH servers; left out, 22 as root and a free one otherwise"),
    )
    ssh_installed: bool = field(
        default=False, metadata=about("images come with an SSH server (a real ubuntu image has none)")
    )
    seed_pixels: int = field(default=0, metadata=about("how many running px- containers there are at the start"))

    create_seconds: float = field(default=0.0, metadata=about("how long creating a container takes", by_hand=2.0))
    start_seconds: float = field(default=0.0, metadata=about("how long starting one takes", by_hand=0.5))
    stop_seconds: float = field(default=0.0, metadata=about("how long it takes to stop", by_hand=0.5))
    unknown_seconds: float = field(
        default=0.0, metadata=about("how long after a stop Incus shows the status UNKNOWN", by_hand=1.7)
    )
    busy_seconds: float = field(
        default=0.0, metadata=about("how long Incus holds on to a stop that timed out", by_hand=30.0)
    )
    snapshot_seconds: float = field(
        default=0.0, metadata=about("how long taking or rolling back a snapshot takes", by_hand=0.2)
    )
    address_seconds: float = field(
        default=0.02, metadata=about("how long after its start a container shows addresses", by_hand=1.0)
    )

    login_limit: int = field(
        default=20, metadata=about("calls without login a method and an address may make in one window")
    )
    login_window: float = field(default=60.0, metadata=about("length of that window"))
    rate_limit_stall: Range = field(
        default=(0.0, 0.0), metadata=about("how long a refused login is held back: from, to", by_hand=(1.0, 10.0))
    )
    login_failure_stall: Range = field(
        default=(0.0, 0.0), metadata=about("how long a wrong login is held back: from, to", by_hand=(1.0, 2.0))
    )
    scram: bool = field(default=False, metadata=about("offer the SCRAM login of TrueNAS 26 on an older one as well"))
    scram_iterations: int = field(default=50_000, metadata=about("iterations of SCRAM keys (TrueNAS: 500000)"))
    loopback_is_remote: bool = field(
        default=False, metadata=about("do not treat loopback as secure: API keys sent over ws:// are revoked")
    )
    refuse_addresses: bool = field(
        default=False, metadata=about("play a NAS whose ui_allowlist does not hold the caller")
    )

    certificate: str = field(
        default="ca",
        metadata=about("ca: signed by a generated CA; default: like TrueNAS' own", choices=("ca", "default")),
    )
    plain: bool = field(default=False, metadata=about("also listen for ws:// on a port of its own"))
    redirect: bool = field(default=False, metadata=about("also answer 307 to https on an http port of its own"))
    shell_close_seconds: Range = field(
        default=(0.0, 0.0),
        metadata=about("how long a shell stays connected after its end: from, to", by_hand=(1.0, 2.0)),
    )
    idle_seconds: float | None = field(
        default=None,
        metadata=about(
            "cut a connection when the NAS has sent nothing for so long; 0 is never; left out, what the release does"
        ),
    )


def seconds_range(text: str) -> Range:
    """`1-10` or `3`: how a range is written on the command line."""
    low, _dash, high = text.partition("-")
    return float(low), float(high or low)
