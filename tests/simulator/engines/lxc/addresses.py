# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of containers on the bridge of the lab.

A MAC belongs to an address permanently: a neighbor may remember the former owner of an address for half a minute.
"""

from __future__ import annotations

import typing as t
from collections import deque

from tests.simulator.engines.base import Address

ROUTER_V4, ROUTER_V6 = "10.77.0.1", "fd77::1"
PREFIX_V4, PREFIX_V6 = 16, 64
FIRST, LAST = 256, 4095
"""10.77.1.0 to 10.77.15.255: what is below is the lab's own."""


class BridgePort(t.NamedTuple):
    """One container's port on the bridge."""

    number: int

    @property
    def v4(self) -> str:
        return f"10.77.{self.number // 256}.{self.number % 256}"

    @property
    def v6(self) -> str:
        return f"fd77::{self.number:x}"

    @property
    def mac(self) -> str:
        return f"00:16:3e:77:{self.number // 256:02x}:{self.number % 256:02x}"

    def addresses(self) -> list[Address]:
        return [Address("INET", self.v4, PREFIX_V4), Address("INET6", self.v6, PREFIX_V6)]


class AddressPool:
    """Hands out what has been free for longest: a client may still remember the former owner's host key."""

    def __init__(self) -> None:
        # A host's own part of an address is neither all zeros nor all ones.
        self._free = deque(BridgePort(number) for number in range(FIRST, LAST + 1) if number % 256 not in (0, 255))

    def allot(self) -> BridgePort:
        return self._free.popleft()

    def give_back(self, port: BridgePort) -> None:
        self._free.append(port)
