# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide secrets in settings that are shown."""

from __future__ import annotations

HIDDEN = "********"


def without_arguments(command: str) -> str:
    """Return a command line without its arguments, which may be secrets."""
    # Loading it takes longer than loading all modules of settings, and few commands need it.
    import shlex

    try:
        words = shlex.split(command)
    except ValueError:
        return HIDDEN
    return f"{words[0]} {HIDDEN}" if words[1:] else command
