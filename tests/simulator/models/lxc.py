# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of all containers on TrueNAS 26 (api/v26_0_0/lxc.py)."""

from __future__ import annotations

import ipaddress
import typing as t

import pydantic

from tests.simulator.models.base import Model, Update


def network(make: t.Callable[[str], t.Any]) -> t.Callable[[str], str]:
    def checked(text: str) -> str:
        if not text:
            raise ValueError("Address cannot be empty")
        make(text)
        return text

    return checked


V4 = t.Annotated[str, pydantic.AfterValidator(network(ipaddress.IPv4Network))]
V6 = t.Annotated[str, pydantic.AfterValidator(network(ipaddress.IPv6Network))]


class ConfigChange(Update):
    """Omitted fields are not passed on, so these defaults are never used."""

    preferred_pool: str | None = None
    bridge: str | None = None
    v4_network: V4 = ""
    v6_network: V6 = ""


class Change(Model):
    lxc_config_update: ConfigChange = ConfigChange()
