# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reject the values that the middleware accepts but Incus does not, with Incus's messages."""

from __future__ import annotations

import re

from tests.simulator.errors import CallError

LONGEST_NAME = 63
CPU_SET = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")


def check_name(name: str) -> None:
    """Incus shared/validate hostname rules. Raises CallError."""
    if "/" in name:
        raise CallError('The character "/" is reserved for snapshots')
    if not 1 <= len(name) <= LONGEST_NAME:
        text = "Name must be 1-63 characters long"
    elif name.startswith("-"):
        text = 'Name must not start with "-" character'
    elif name.endswith("-"):
        text = 'Name must not end with "-" character'
    elif name.isdigit():
        text = "Name cannot be a number"
    elif not re.fullmatch(r"[A-Za-z0-9-]+", name):
        text = "Name can only contain alphanumeric and hyphen characters"
    else:
        return
    raise CallError(f"Invalid instance name: {text}")


def cpu_is_valid(cpu: str | None) -> bool:
    """A number of cores (`2`) or a set of them (`0-3`, `0,2`)."""
    return cpu is None or CPU_SET.fullmatch(cpu) is not None
