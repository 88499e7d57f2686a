# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quoting of values in options and configuration files of OpenSSH."""

from __future__ import annotations

import re

NEEDS_QUOTES = re.compile(r"[^\w./:@+,~-]")
NEEDS_ESCAPE = re.compile(r'["\\]')


def quote_path(path: str) -> str:
    """Quote a path for OpenSSH, where a space or a quote ends a value and a percent sign starts a token."""
    if not NEEDS_QUOTES.search(path):
        return path
    escaped = NEEDS_ESCAPE.sub(r"\\\g<0>", path).replace("%", "%%")
    return f'"{escaped}"'
