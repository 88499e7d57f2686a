# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the measured tables into docs/performance.md, between the comments that name them."""

from __future__ import annotations

import datetime
import os
import platform
import re
import typing as t
from pathlib import Path

from bench.rows import Row

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/performance.md"
PLOT = ROOT / "docs/growth.svg"


def replace(section: str, lines: t.Iterable[str], page: Path = PAGE) -> None:
    """Replace the content of a section. Raises `ValueError` for a page without it."""
    begin, end = f"<!-- begin {section} -->", f"<!-- end {section} -->"
    before, found_begin, rest = page.read_text().partition(begin)
    _old, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"{page} has no section {section}")
    page.write_text("\n".join([f"{before}{begin}", "", *lines, "", f"{end}{after}"]))


def table(rows: t.Iterable[Row]) -> t.Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield "| what | measured | peer | ratio | target | |"
    yield "|---|---:|---:|---:|---:|---|"
    for row in rows:
        target = "" if row.target is None else f"≤ {row.target:g}"
        met = {None: "", True: "met", False: "missed"}[row.met]
        ours, peer = (f"{value:.3f} {row.unit}".strip() if row.unit else f"{value:g}" for value in (row.ours, row.peer))
        peer_is = row.peer_is if not row.peer_is.startswith("python3") else f"`{row.peer_is}`"
        yield f"| {row.what} | {ours} | {peer}, {peer_is} | {row.ratio:.2f} | {target} | {met} |"


def machine() -> str:
    """Return one sentence about the machine and the time of a run."""
    try:
        processor = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        processor = None
    name = processor[1] if processor else platform.machine()
    now = datetime.datetime.now(tz=datetime.UTC)
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"Measured on {now:%Y-%m-%d %H:%M} UTC with {os.cpu_count()} x {name}, Linux {platform.release()}, "
        f"Python {platform.python_version()}. Load average at the end of the run: {load}."
    )
