# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw lines on logarithmic axes as SVG."""

from __future__ import annotations

import math
import typing as t

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 220, 20, 50
COLORS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e")

Line = t.Mapping[int, float]

LICENSE = """\
<!-- Copyright (c) 2026, the pixels.truenas contributors
GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later -->"""


class Scale(t.NamedTuple):
    """A logarithmic axis: powers of ten from `low` to `high`, drawn from `start` to `end`."""

    low: int
    high: int
    start: float
    end: float

    def place(self, value: float) -> float:
        """Return the coordinate of a value."""
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    @property
    def powers(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def scale(values: t.Iterable[float], start: float, end: float) -> Scale:
    """Return the axis that has room for the values."""
    known = list(values)
    low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    return Scale(low, max(high, low + 1), start, end)


def draw(lines: t.Mapping[str, Line], across: str, up: str) -> str:
    """Return the SVG text of lines; `across` and `up` are the names of the axes."""
    x = scale((size for line in lines.values() for size in line), LEFT, WIDTH - RIGHT)
    y = scale((value for line in lines.values() for value in line.values()), HEIGHT - BOTTOM, TOP)
    parts = [
        LICENSE,
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"',
        'font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for value in x.powers:
        at = x.place(value)
        parts.append(f'<line x1="{at:.1f}" y1="{y.start}" x2="{at:.1f}" y2="{y.end}" stroke="#ddd"/>')
        parts.append(f'<text x="{at:.1f}" y="{y.start + 18}" text-anchor="middle">{value:,.0f}</text>')
    for value in y.powers:
        at = y.place(value)
        parts.append(f'<line x1="{x.start}" y1="{at:.1f}" x2="{x.end}" y2="{at:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{x.start - 8}" y="{at + 4:.1f}" text-anchor="end">{value:g}</text>')
    middle = (x.start + x.end) / 2
    parts.append(f'<text x="{middle:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{across}</text>')
    turned = f"rotate(-90 16 {(y.start + y.end) / 2:.1f})"
    parts.append(f'<text x="16" y="{(y.start + y.end) / 2:.1f}" text-anchor="middle" transform="{turned}">{up}</text>')
    ends = spread({name: y.place(line[max(line)]) for name, line in lines.items()})
    for (name, line), color in zip(lines.items(), COLORS, strict=False):
        points = " ".join(f"{x.place(size):.1f},{y.place(value):.1f}" for size, value in sorted(line.items()))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts.append(f'<text x="{x.end + 8}" y="{ends[name] + 4:.1f}" fill="{color}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def spread(places: dict[str, float], apart: float = 16.0) -> dict[str, float]:
    """Return places of labels that do not overlap."""
    found: dict[str, float] = {}
    for name, place in sorted(places.items(), key=lambda each: each[1]):
        found[name] = max(place, *(each + apart for each in found.values()), place) if found else place
    return found
