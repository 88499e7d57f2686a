# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which loopback addresses and which SSH port the guests of one engine have, beside other engines on this machine."""

from __future__ import annotations

import contextlib
import errno
import itertools
import random
import socket

from tests.simulator.engines.base import EngineUnavailable

CLAIM_PORT = 47_077
"""UDP port bound on a network's address .0 by the engine that has the network."""
PORTS = (22, 2222)


class Addresses:
    """Hosts of one or more networks `127.77.N.0/24` that are this engine's alone."""

    def __init__(self, port: int | None) -> None:
        self._claims: list[socket.socket] = []
        self._free: list[str] = []
        self._claim()
        self.port = self._choose_port() if port is None else port

    def allot(self) -> str:
        if not self._free:
            self._claim()
        return self._free.pop(0)

    def give_back(self, address: str) -> None:
        # To the end: a client may still remember the former guest's host key.
        self._free.append(address)

    def close(self) -> None:
        for claim in self._claims:
            claim.close()

    def _claim(self) -> None:
        networks = list(range(1, 255))
        random.shuffle(networks)
        for number in networks:
            claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                claim.bind((f"127.77.{number}.0", CLAIM_PORT))
            except OSError as error:
                claim.close()
                if error.errno == errno.EADDRINUSE:
                    continue
                raise EngineUnavailable(f"this machine has no addresses 127.77.0.0/16 for guests: {error}") from error
            self._claims.append(claim)
            self._free += [f"127.77.{number}.{host}" for host in range(1, 255)]
            return
        raise EngineUnavailable("every network of 127.77.0.0/16 is taken by other simulators")

    def _choose_port(self) -> int:
        """22 where this user may have it, else one that is free, the same for all guests."""
        for port in itertools.chain(PORTS, (random.randint(10_000, 30_000) for _attempt in range(50))):
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt, contextlib.suppress(OSError):
                attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                attempt.bind((self._free[0], port))
                return port
        self.close()
        raise EngineUnavailable("no free TCP port for the guests' SSH servers")
