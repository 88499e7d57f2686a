# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate the statuses that users filter by."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid

STATUSES = (
    *("running", "stopped", "unknown", "error", "frozen", "suspended"),
    *("starting", "stopping", "freezing", "thawed", "aborting"),
)
"""All statuses that TrueNAS reports, in lower case."""


def lower_case(statuses: t.Iterable[str]) -> list[str]:
    """Return statuses in lower case. Raises `Invalid` for an unknown one."""
    statuses = [status.lower() for status in statuses]
    for status in statuses:
        if status not in STATUSES:
            raise Invalid.in_field("status", f"unknown status {status!r}", f"choose from {', '.join(STATUSES)}")
    return statuses
