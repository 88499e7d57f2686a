# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the CPUs of a container are said where it can only be pinned to some of them, as on TrueNAS 26.

Elsewhere C(2) is two CPUs, whichever, and C(2-2) is the CPU of that number (as Incus has it). So a number of CPUs is
refused here, which would be taken for the one CPU of that number, and one CPU is shown as C(2-2).
"""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Unsupported


def written(cpu: str, nas: str) -> str:
    """What TrueNAS is told. Raises C(Unsupported) for a number of CPUs."""
    text = cpu.strip()
    if text.isdecimal():
        last = max(0, int(text) - 1)
        raise Unsupported(
            f"{nas} cannot give a container {text} CPUs, only pin it to certain ones: write cpu: 0-{last} for the "
            "first, the same for all that share them, or leave cpu out, which is all of them"
        )
    # TrueNAS wants the end of a range to be greater than its start. All else is kept as it is written.
    first, dash, end = text.partition("-")
    return first if dash and first == end else cpu


def read(cpuset: str | None) -> str | None:
    """The same in our words; None is all of them."""
    if not cpuset:
        return None
    text = cpuset.strip()
    return f"{text}-{text}" if text.isdecimal() else text
