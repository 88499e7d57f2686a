# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that the command server of an open session runs: they ask nothing and run no program on this machine."""

from __future__ import annotations

SERVED = (
    ("bases", "list"),
    ("checkpoint", "list"),
    ("cp", "list"),
    ("extend",),
    ("images",),
    ("info",),
    ("list",),
    ("ls",),
    ("network", "check"),
    ("network", "show"),
    ("protect",),
    ("reap", "--dry-run"),
    ("status",),
)


def includes(words: list[str]) -> bool:
    """Return whether the command server runs a command line. One that begins with an option runs in its own process."""
    return tuple(words[:1]) in SERVED or tuple(words[:2]) in SERVED
