# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert CPU limits to the CPU sets of TrueNAS 26, which can only pin a container to certain CPUs.

In the collection, as in Incus, `2` is any two CPUs and `2-2` is CPU number 2. In a CPU set of TrueNAS 26, `2` is CPU
number 2. So a number of CPUs is rejected, and a single CPU is shown as `2-2`.
"""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Unsupported


def to_truenas(cpu: str, nas: str) -> str:
    """Return the CPU set for TrueNAS. Raises `Unsupported` for a number of CPUs."""
    text = cpu.strip()
    if text.isdecimal():
        last = max(0, int(text) - 1)
        raise Unsupported(
            f"{nas} cannot limit a container to {text} CPUs, only pin it to certain ones: set cpu: 0-{last} to pin it "
            "to the first ones, or omit cpu to allow all of them"
        )
    # TrueNAS requires the end of a range to be greater than its start.
    first, dash, end = text.partition("-")
    return first if dash and first == end else cpu


def from_truenas(cpuset: str | None) -> str | None:
    """Return the CPU limit that a CPU set of TrueNAS means; None is all CPUs."""
    if not cpuset:
        return None
    text = cpuset.strip()
    return f"{text}-{text}" if text.isdecimal() else text
