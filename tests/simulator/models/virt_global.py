# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of virtualization (api/v25_*/virt_global.py)."""

from __future__ import annotations

import ipaddress

import pydantic

from tests.simulator.models.base import Model, NonEmpty, Update


class GlobalChange(Update):
    pool: NonEmpty | None = None
    bridge: NonEmpty | None = None
    storage_pools: list[str] | None = None
    v4_network: str | None = None
    v6_network: str | None = None

    @pydantic.field_validator("v4_network")
    @classmethod
    def is_ipv4(cls, network: str | None) -> str | None:
        if network:
            ipaddress.IPv4Interface(network)
        return network

    @pydantic.field_validator("v6_network")
    @classmethod
    def is_ipv6(cls, network: str | None) -> str | None:
        if network:
            ipaddress.IPv6Interface(network)
        return network


class GlobalUpdate(Model):
    virt_global_update: GlobalChange


class NetworkName(Model):
    name: NonEmpty
