# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure egress policies in network namespaces: connections, changes of a running pixel, and rendering."""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import enforcement, guest_files, policy
from bench.rows import Row
from tests.unit.plugins.module_utils._pixel.egress import namespaces

NAMES = {f"host{number}.example.com": (f"93.184.215.{number}",) for number in range(1, 41)}
ALLOWLIST = {"mode": "allowlist", "allow": sorted(NAMES)}
THOUSAND = {"mode": "allowlist", "allow": [f"host{number}.example.net" for number in range(1000)]}
RENDERINGS = 20

# Prints how long each first connection takes, in seconds.
FIRST = """
import socket, sys, time
for name in sys.argv[1:]:
    began = time.perf_counter()
    socket.create_connection((name, 443), 10).close()
    print(time.perf_counter() - began)
"""


def measure(runs: int) -> list[Row]:
    """Return the rows; none on a machine without network namespaces."""
    missing = namespaces.unavailable()
    if missing:
        print(f"egress is not measured: {missing}", file=sys.stderr)
        return []
    with contextlib.closing(namespaces.Internet(NAMES)) as internet:
        return [*connections(internet), *changes(internet, runs), rendering()]


def shortest(runs: int, work: t.Callable[[], object]) -> float:
    """Return the shortest time of several runs, in seconds."""
    times = []
    for _run in range(runs):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def first_connection(internet: namespaces.Internet) -> float:
    """Return the median of first connections to all names."""
    lines = internet.guest.run(sys.executable, "-c", FIRST, *NAMES).split()
    return statistics.median(map(float, lines))


def ensure(shell: namespaces.GuestShell, value: t.Any) -> None:
    enforcement.ensure(shell, enforcement.Guard(), policy.parse(value))


def connections(internet: namespaces.Internet) -> t.Iterator[Row]:
    """Compare first connections under a policy with those of a pixel without one."""
    free = first_connection(internet)
    shell = namespaces.GuestShell(internet.guest)
    ensure(shell, ALLOWLIST)
    internet.wait_for("host1.example.com")
    restricted = first_connection(internet)
    shell.reset()
    yield Row("egress: first connection to an allowed name", restricted, free, "without a policy")
    yield Row("egress: the time that a policy adds to it", max(restricted - free, 0), 0.010, "the limit", 1)


def changes(internet: namespaces.Internet, runs: int) -> t.Iterator[Row]:
    """Measure a policy that changes while a connection is open, and one that does not change."""
    shell = namespaces.GuestShell(internet.guest)
    ensure(shell, ALLOWLIST)
    internet.wait_for("host1.example.com")
    held = namespaces.Held(internet, "host1.example.com")
    allowed = sorted(NAMES)

    def allow() -> None:
        allowed.append(f"added{len(allowed)}.example.com")
        ensure(shell, {**ALLOWLIST, "allow": allowed})

    taken = shortest(runs, allow)
    assert held.state() == "open"
    held.close()
    yield Row("egress: allow a name, in the pixel", taken, 1.0, "the limit", 1)
    ensure(shell, ALLOWLIST)
    unchanged = shortest(runs, lambda: ensure(shell, ALLOWLIST))
    command = shortest(runs, lambda: scripts.run(shell, "true"))
    yield Row("egress: an unchanged policy", unchanged, command, "one command that does nothing")
    shell.reset()


def rendering() -> Row:
    """Compare the rendering of 1,000 names with that of mode agent."""

    def render(value: t.Any) -> None:
        for _again in range(RENDERINGS):
            guest_files.render(policy.parse(value), guest_files.SYSTEMD, {})

    many, agent = (shortest(3, lambda value=value: render(value)) / RENDERINGS for value in (THOUSAND, "agent"))
    return Row("egress: render a policy of 1,000 names", many, agent, "mode agent")
