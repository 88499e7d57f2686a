# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how the cost of operations grows with the number of pixels: calls to the NAS, and seconds."""

from __future__ import annotations

import tempfile
import typing as t
from pathlib import Path

from bench import plot as drawing
from bench.measuring import ROOT, Bench
from bench.nas import Nas, running
from bench.rows import Row

SIZES = (10, 100, 1_000, 10_000)
PIXELS = str(ROOT / "bin/pixels")
FLEET = """
- hosts: localhost
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_fleet:
        pixels: {names}
        defaults: {{wait: none}}
"""
Operation = t.Callable[[Bench, int], float]


class Cost(t.NamedTuple):
    calls: int
    seconds: float


def fleet(bench: Bench, size: int) -> float:
    names = [f"seed-{number:0{max(4, len(str(size)))}d}" for number in range(1, size + 1)]
    return bench.play(FLEET.format(names=names))


OPERATIONS: dict[str, Operation] = {
    "pixels list": lambda bench, _size: bench.seconds(PIXELS, "list"),
    "pixels reap --dry-run": lambda bench, _size: bench.seconds(PIXELS, "reap", "--dry-run"),
    "ansible-inventory --list": lambda bench, _size: bench.seconds(
        "ansible-inventory", "-i", "ours.pixels.yml", "--list"
    ),
    "pixels_fleet, unchanged": fleet,
}


def measure(runs: int) -> dict[str, dict[int, Cost]]:
    """Return the cost of each operation for each number of pixels, over an open session."""
    costs: dict[str, dict[int, Cost]] = {name: {} for name in OPERATIONS}
    for size in SIZES:
        with tempfile.TemporaryDirectory(prefix="px-") as name:
            directory = Path(name)
            (directory / "ours.pixels.yml").write_text("plugin: pixels.truenas.pixels\n")
            with running(seed_pixels=size) as nas, Bench(nas, directory, 1) as bench:
                for operation, run in OPERATIONS.items():
                    # The first run opens the session and fills caches.
                    run(bench, size)
                    bench.runs = runs
                    before = calls(nas)
                    seconds = run(bench, size)
                    costs[operation][size] = Cost((calls(nas) - before) // runs, seconds)
                    bench.runs = 1
    return costs


def calls(nas: Nas) -> int:
    return sum(nas.stats()["calls"].values())


def rows(costs: dict[str, dict[int, Cost]]) -> list[Row]:
    """Return what a pixel costs in the largest world, as a multiple of the second largest. Calls must not grow."""
    few, many = SIZES[-2:]
    found = []
    for name, by_size in costs.items():
        each, each_of_many = by_size[few].seconds / few, by_size[many].seconds / many
        found += [
            Row(f"{name}: each of {many} pixels", each_of_many * 1000, each * 1000, f"each of {few}", unit="ms"),
            Row(
                f"{name}: calls for {many} pixels",
                by_size[many].calls,
                by_size[SIZES[0]].calls,
                f"for {SIZES[0]}",
                unit="",
            ),
        ]
    return found


def table(costs: dict[str, dict[int, Cost]]) -> t.Iterator[str]:
    """Yield the lines of a Markdown table: seconds, and calls in parentheses."""
    yield "| pixels | " + " | ".join(costs) + " |"
    yield "|---:" * (len(costs) + 1) + "|"
    for size in SIZES:
        cells = (f"{by_size[size].seconds:.2f} s ({by_size[size].calls})" for by_size in costs.values())
        yield f"| {size:,} | " + " | ".join(cells) + " |"


def plot(costs: dict[str, dict[int, Cost]]) -> str:
    """Return the seconds of each operation as SVG."""
    lines = {name: {size: cost.seconds for size, cost in by_size.items()} for name, by_size in costs.items()}
    return drawing.draw(lines, "pixels", "seconds")
