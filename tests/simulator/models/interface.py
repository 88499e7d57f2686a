# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of methods for network interfaces (api/v25_*/interface.py)."""

from __future__ import annotations

import typing as t

import pydantic

from tests.simulator.models.base import Model, Update


class Alias(Model):
    type: t.Literal["INET", "INET6"] = "INET"
    address: str
    netmask: int


class FailoverAlias(Model):
    type: t.Literal["INET", "INET6"] = "INET"
    address: str


class NewInterface(Update):
    """Only `type` must be sent."""

    name: str = ""
    description: str = ""
    type: t.Literal["BRIDGE", "LINK_AGGREGATION", "VLAN"]
    ipv4_dhcp: bool = False
    ipv6_auto: bool = False
    aliases: list[Alias] = []
    failover_critical: bool = False
    failover_group: int | None = None
    failover_vhid: t.Annotated[int, pydantic.Field(ge=1, le=255)] | None = None
    failover_aliases: list[FailoverAlias] = []
    failover_virtual_aliases: list[FailoverAlias] = []
    bridge_members: list[str] = []
    enable_learning: bool = True
    stp: bool = True
    lag_protocol: t.Literal["LACP", "FAILOVER", "LOADBALANCE", "ROUNDROBIN", "NONE"] = "NONE"
    xmit_hash_policy: t.Literal["LAYER2", "LAYER2+3", "LAYER3+4", None] = None
    lacpdu_rate: t.Literal["SLOW", "FAST", None] = None
    lag_ports: list[str] = []
    vlan_parent_interface: str = ""
    vlan_tag: t.Annotated[int, pydantic.Field(ge=1, le=4094)] = 1
    vlan_pcp: t.Annotated[int, pydantic.Field(ge=0, le=7)] | None = None
    mtu: t.Annotated[int, pydantic.Field(ge=68, le=9216)] | None = None


class Create(Model):
    data: NewInterface


class OldCreate(Model):
    interface_create: NewInterface


class Delete(Model):
    id: str


class CommitOptions(Model):
    rollback: bool = True
    checkin_timeout: int = 60


class Commit(Model):
    options: CommitOptions = CommitOptions()
