# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of the network of the NAS: pending, committed until a check-in, rolled back; and what a commit breaks.

Follows middleware plugins/network.py: changes go to the database immediately, the middleware keeps in memory what was
there before, and a commit brings the kernel to what the database says.
"""

from __future__ import annotations

import asyncio
import typing as t
from dataclasses import dataclass, replace

if t.TYPE_CHECKING:
    from tests.simulator.container import Container
    from tests.simulator.lan import Interface
    from tests.simulator.world import World

ZERO, ONE = "0", "1"


@dataclass
class Tunable:
    """A row of `tunable.query`."""

    id: int
    var: str
    value: str
    comment: str = ""
    enabled: bool = True
    type: str = "SYSCTL"
    orig_value: str = ZERO

    def row(self) -> dict[str, t.Any]:
        return vars(self) | {"update_initramfs": True}


class NetworkChanges:
    """The changes of one NAS; tests set its attributes to make situations that are hard to bring about."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._original: dict[str, Interface] | None = None
        """What the database had before the first pending change."""
        self._timer: asyncio.TimerHandle | None = None
        self._leases: dict[str, tuple[str, ...]] = {}
        """Addresses that interfaces had before a commit took them down."""
        self.commits = 0
        self.management: str | None = "eno1"
        """The interface that clients connect to; None where the NAS cannot tell."""
        self.failover = False
        """It is licensed for high availability, and failover is on."""
        self.gateway: str | None = None
        """What the configuration has; a default route of DHCP is not there."""
        self.nameservers: list[str] = []
        self.breaks_with_commit = False
        """The next commit cuts the NAS off, for a reason that nothing shows."""
        self.cut_off = False
        """No client gets through."""
        self.detached: dict[str, set[str]] = {}
        """NICs of running Incus containers that a commit took from their bridge, by container."""
        self.had_ports: set[str] = set()
        """Bridges that a container was a port of: macvlan on them has no carrier any more (kernel 6.18)."""
        self.sysctls: dict[str, str] = {}
        self.tunables: list[Tunable] = []
        self.known_sysctls: frozenset[str] | None = None
        """What the middleware listed as it first needed the names; it never looks again."""
        self.hang_up: t.Callable[[], None] = lambda: None

    # sysctls

    def sysctl_names(self) -> frozenset[str]:
        kinds = ("net.ipv4.conf.{}.rp_filter", "net.ipv6.conf.{}.disable_ipv6")
        made = [each.name for each in self._world.interfaces.values() if each.made]
        return frozenset(kind.format(name) for kind in kinds for name in made)

    def names_listed(self) -> frozenset[str]:
        """The names as the middleware knows them."""
        if self.known_sysctls is None:
            self.known_sysctls = self.sysctl_names()
        return self.known_sysctls

    def set_sysctl(self, name: str, value: str) -> None:
        """What the kernel does not have is left alone, as the middleware does."""
        if name in self.sysctl_names():
            self.sysctls[name] = value

    def sysctl(self, name: str) -> str:
        return self.sysctls.get(name, ZERO)

    # pending changes

    @property
    def has_pending_changes(self) -> bool:
        return self._original is not None

    @property
    def is_waiting(self) -> bool:
        """Whether a commit waits for a check-in."""
        return self._timer is not None

    @property
    def seconds_left(self) -> int | None:
        """Until the rollback; None if none is waiting."""
        if self._timer is None:
            return None
        left = self._timer.when() - asyncio.get_running_loop().time()
        return int(left) if left > 0 else None

    def _remember(self) -> None:
        if self._original is None:
            interfaces = self._world.interfaces.values()
            self._original = {each.name: replace(each) for each in interfaces if each.configured}

    def add(self, new: Interface) -> None:
        self._remember()
        kept = self._world.interfaces.get(new.name)
        self._world.interfaces[new.name] = replace(new, made=kept is not None and kept.made)

    def remove(self, name: str) -> None:
        self._remember()
        found = self._world.interfaces[name]
        found.configured = False
        if not found.made:
            del self._world.interfaces[name]

    def commit(self, *, rollback: bool, checkin_timeout: int) -> None:
        self.commits += 1
        self._sync()
        if self.breaks_with_commit:
            self._cut_off()
        if rollback and checkin_timeout:
            self._timer = asyncio.get_running_loop().call_later(checkin_timeout, self.roll_back)
        else:
            self._original = None

    def settings_to_be_removed(self) -> list[str]:
        """Settings that the kernel has and the configuration has not, which is so for those of DHCP as well."""
        lost = [] if self._world.default_routes[:1] in ([], [self.gateway]) else ["ipv4gateway"]
        live = self._world.nameservers[:3]
        return lost + [f"nameserver{number}" for number in range(len(self.nameservers) + 1, len(live) + 1)]

    def check_in(self) -> None:
        self._cancel()
        self._original = None

    def roll_back(self) -> None:
        """By a client, or because no check-in came in time."""
        self._cancel()
        original, self._original = self._original, None
        if original is not None:
            for name, interface in list(self._world.interfaces.items()):
                if name not in original:
                    interface.configured = False
                    if not interface.made:
                        del self._world.interfaces[name]
            for name, interface in original.items():
                there = self._world.interfaces.get(name)
                live, made = ((), False) if there is None else (there.live, there.made)
                self._world.interfaces[name] = replace(interface, live=live, made=made)
        self.breaks_with_commit = False
        self._sync()

    def let_time_pass(self) -> None:
        """From the thread of a test: the time for a check-in is over."""

        async def expire() -> None:
            if self._timer is not None:
                self.roll_back()

        self._world.run(expire())

    def forget(self) -> None:
        """The middleware restarts: what it had in memory is gone, the database stays."""
        self._cancel()
        self._original = None
        self.known_sysctls = None

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    # what a commit does

    def _sync(self) -> None:
        interfaces = self._world.interfaces
        nothing_configured = not any(each.configured for each in interfaces.values())
        for each in list(interfaces.values()):
            if each.configured:
                self._configure(each)
            elif each.cloned:
                self._delete(each)
            elif nothing_configured:
                each.live = each.live or self._leases.get(each.name, ())
            elif each.live:
                self._leases[each.name], each.live = each.live, ()
        if self._world.release.commit_detaches_veths:
            self._detach()
        management = interfaces.get(self.management or "")
        if management is not None and not management.live:
            self._cut_off()
        else:
            self.cut_off = False

    def _configure(self, interface: Interface) -> None:
        if interface.made:
            interface.live = interface.live or interface.static or self._leases.get(interface.name, ())
            return
        interface.made, interface.live = True, interface.static
        # systemd's udev rule sets what is in /etc/sysctl.d as an interface appears.
        for each in self.tunables:
            if each.enabled and f".{interface.name}." in each.var:
                self.set_sysctl(each.var, each.value)

    def _delete(self, interface: Interface) -> None:
        del self._world.interfaces[interface.name]
        self.had_ports.discard(interface.name)
        for name in [name for name in self.sysctls if f".{interface.name}." in name]:
            del self.sysctls[name]

    def _cut_off(self) -> None:
        self.cut_off = True
        self.hang_up()

    def _detach(self) -> None:
        """What is not in the database and not called `vnet…` is taken from each bridge: the ports of Incus."""
        for container in self._world.containers.values():
            if container.status == "RUNNING" and (ports := self._ports(container)):
                self.detached.setdefault(container.name, set()).update(ports)

    def _ports(self, container: Container) -> dict[str, str]:
        """Bridges of the NAS that NICs of an Incus container are on, by the name of the NIC."""
        devices = {**self._world.profile, **getattr(container, "devices", {})}
        found = {name: each for name, each in devices.items() if each.get("nictype") == "bridged"}
        return {name: each["parent"] for name, each in found.items() if each["parent"] in self._world.interfaces}

    def attach(self, container: Container) -> None:
        """A container has started: its NICs are on their bridges."""
        self.detached.pop(container.name, None)
        if self._world.release.commit_detaches_veths:
            self.had_ports.update(self._ports(container).values())
