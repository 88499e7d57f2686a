# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mask the parts of a job's arguments and result that TrueNAS masks."""

from __future__ import annotations

import typing as t

STARS = "********"

SECRETS: dict[str, frozenset[str]] = {
    "virt.instance.create": frozenset({"raw", "vnc_password"}),
    "virt.instance.update": frozenset({"raw", "vnc_password"}),
}
"""Members that the middleware's models mark as secret (api/v25_*/virt_instance.py), by job method."""


def redact(method: str, value: t.Any) -> t.Any:
    """A result with the method's secret members as stars, null ones too."""
    secrets = SECRETS.get(method, frozenset())
    if not isinstance(value, dict):
        return value
    return {key: STARS if key in secrets else member for key, member in value.items()}


def redact_arguments(method: str, arguments: list[t.Any]) -> list[t.Any]:
    return [redact(method, argument) for argument in arguments]
