# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway between a small internet and segments with guests, in network namespaces."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    gateway_files,
    gateway_program,
    guest_files,
    segment,
)
from tests.unit.plugins.module_utils._pixel.egress import namespaces

# What udhcpc runs; the name server and the route are those of the lease.
LEASE = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add "$ip/$mask" dev "$interface"
ip route add default via "$router"
rm -f /etc/resolv.conf
echo "nameserver $dns" >/etc/resolv.conf
"""

# Asks a name server; prints the code of the answer and its addresses.
ASK = """
import socket, struct, sys
server, name, kind = sys.argv[1:]
labels = b"".join(bytes([len(each)]) + each.encode() for each in name.split(".")) + bytes(1)
query = struct.pack("!6H", 7, 256, 1, 0, 0, 0) + labels + struct.pack("!2H", 1, 1)
with socket.socket(socket.AF_INET, getattr(socket, kind)) as client:
    client.settimeout(5)
    client.connect((server, 53))
    if kind == "SOCK_STREAM":
        client.send(struct.pack("!H", len(query)) + query)
        answer = client.recv(512)[2:]
    else:
        client.send(query)
        answer = client.recv(512)
found = [socket.inet_ntoa(answer[-4:])] if answer[7] else []
print(answer[3] & 15, *found)
"""

# Counts what arrives at the router from the gateway, but for what keeps a network going.
COUNT = """
table inet seen {
    counter arrived { }
    chain incoming {
        type filter hook prerouting priority -400;
        iifname != "lan0" return
        icmpv6 type { 130-136, 143 } return
        ip protocol igmp return
        udp dport 53 return
        counter name "arrived"
    }
}
"""

# What a gateway needs of systemd.
SYSTEMCTL = """
#!/bin/sh
state=/run/stub
mkdir -p $state
verb=$1
shift
while [ "${1#-}" != "$1" ]; do shift; done
stop() {
    [ -s "$state/$1.pid" ] || return 0
    kill $(cat "$state/$1.pid")
    while kill -0 $(cat "$state/$1.pid") 2>/dev/null; do sleep 0.05; done
    rm -f "$state/$1.pid"
}
is_active() { [ -e "$state/$1.pid" ] && { [ ! -s "$state/$1.pid" ] || kill -0 $(cat "$state/$1.pid"); }; }
case $verb in
enable) touch $state/$1 ;;
is-enabled) [ -e $state/$1 ] ;;
is-active) is_active $1 ;;
start | restart)
    echo "$verb $1" >>$state/log
    case $1 in
    pixels-segment@*)
        if [ $verb = restart ] || ! is_active $1; then
            stop $1
            setsid /usr/local/lib/pixels/gateway resolve ${1#*@} </dev/null >/dev/null 2>&1 &
            echo $! >$state/$1.pid
        fi
        ;;
    *) : >$state/$1.pid ;;
    esac
    ;;
disable)
    stop $1
    rm -f $state/$1
    ;;
esac
"""


class GatewayShell(namespaces.GuestShell):
    """A shell of root in a gateway, whose init system is a script."""

    def __init__(self, gateway: namespaces.Namespace) -> None:
        super().__init__(gateway)
        gateway.run("tee", "/usr/local/bin/systemctl", stdin=SYSTEMCTL.strip().encode())
        gateway.shell("ln -sf /bin/true /usr/local/bin/networkctl")

    def log(self) -> list[str]:
        """Return which services were started since the last call."""
        return self.guest.shell("cat /run/stub/log; rm /run/stub/log", check=False).splitlines()

    def reset(self) -> None:
        """Stop the services."""
        self.guest.shell("for each in /run/stub/*@*.pid; do kill $(cat $each); done", check=False)


class SegmentedInternet:
    """A gateway whose `eth0` is on the network of the router, and one more interface on each segment."""

    def __init__(
        self,
        wanted: t.Any,
        names: t.Mapping[str, t.Sequence[str]],
        extra: t.Sequence[str] = (),
        *,
        is_set_up: bool = True,
    ) -> None:
        """`wanted` is the option for the segments; for the rest see `namespaces.Internet`."""
        self.internet = namespaces.Internet(names, extra)
        self.gateway, self.router = self.internet.guest, self.internet.router
        self._spaces: list[namespaces.Namespace] = []
        self._resolvers: dict[str, subprocess.Popen[bytes]] = {}
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            self.wire = self._namespace()
            self.router.run("nft", "-f", "-", stdin=COUNT.encode())
            # As a pixel inherits it from a NAS.
            self.gateway.shell("echo 1 >/proc/sys/net/ipv4/ip_forward")
            self.macs: dict[str, str] = {}
            for number, each in enumerate(segment.parse_all(wanted), 1):
                self.macs[each.name] = f"02:00:00:00:77:{number:02x}"
                self.wire.shell(f"ip link add {each.name} type bridge && ip link set {each.name} up")
                self._connect(self.gateway, each.name, f"eth{number}", self.macs[each.name])
                # As systemd-networkd does.
                self.gateway.shell(
                    f"ip addr add {each.address} dev eth{number}; ip addr add {each.address6} dev eth{number} nodad"
                )
            if is_set_up:
                self.set_up(wanted)
            undo.pop_all()

    def _namespace(self) -> namespaces.Namespace:
        made = namespaces.Namespace()
        self._spaces.append(made)
        return made

    def _connect(self, space: namespaces.Namespace, bridge: str, interface: str, mac: str) -> None:
        port = f"p{len(self._spaces)}{bridge}"
        self.wire.shell(
            f"ip link add {interface} address {mac} netns {space.pid} type veth peer name {port}"
            f" && ip link set {port} master {bridge} up"
        )
        space.shell(f"ip link set {interface} up")

    def set_up(self, wanted: t.Any, verb: str = "boot", *rest: str) -> None:
        """Write the files of the gateway, and load them."""
        wanted = segment.parse_all(wanted)
        uplink = next(
            each["address"] for each in json.loads(self.gateway.run("ip", "-j", "link", "show", "dev", "eth0"))
        )
        files = gateway_files.render(wanted, self.macs, uplink)
        self.gateway.shell("rm -rf /etc/pixels")
        self.gateway.run("tar", "-xf", "-", "-C", "/", stdin=guest_files.pack(files))
        self.gateway.run(gateway_program.PROGRAM_PATH, verb, *rest)
        for each in wanted:
            if each.name not in self._resolvers:
                argv = self.gateway.argv(gateway_program.PROGRAM_PATH, "resolve", each.name)
                self._resolvers[each.name] = subprocess.Popen(argv)

    def guest(self, bridge: str, number: int) -> namespaces.Namespace:
        """Return a new guest on a segment, with a lease and an address from a router advertisement."""
        space = self._namespace()
        self._connect(space, bridge, "eth0", f"02:00:00:00:88:{number:02x}")
        space.run("tee", "/usr/local/bin/lease", stdin=LEASE.encode())
        space.shell("chmod 755 /usr/local/bin/lease; busybox udhcpc -i eth0 -q -n -t 30 -T 1 -s /usr/local/bin/lease")
        self.internet.wait_until(
            lambda: (
                "default via fe80" in space.run("ip", "-6", "route")
                and "tentative" not in space.run("ip", "-6", "addr", "show", "dev", "eth0")
            )
        )
        return space

    def ask(self, space: namespaces.Namespace, server: str, name: str, kind: str = "SOCK_DGRAM") -> str:
        """Ask a name server from a guest: the code of the answer and an address."""
        return space.run(sys.executable, "-c", ASK, server, name, kind).strip()

    def arrived(self) -> int:
        """Return how many packets have arrived from the gateway since the last call."""
        found = json.loads(self.router.run("nft", "-j", "reset", "counter", "inet", "seen", "arrived"))
        return next(int(each["counter"]["packets"]) for each in found["nftables"] if "counter" in each)

    def address(self, space: namespaces.Namespace, version: str = "-4") -> str:
        """Return the address of a guest."""
        found = json.loads(space.run("ip", "-j", version, "addr", "show", "dev", "eth0", "scope", "global"))
        return next(one["local"] for each in found for one in each["addr_info"])

    def refused(self, bridge: str, version: int = 4) -> set[tuple[t.Any, ...]]:
        """Return what the gateway refused: source, destination, protocol and port."""
        found = namespaces.listed(self.gateway, f"refused{version}", f"pixels_{bridge}")
        return {tuple(each["elem"]["val"]["concat"]) for each in found}

    def close(self) -> None:
        for process in self._resolvers.values():
            process.terminate()
            process.wait()
        for space in self._spaces:
            space.close()
        self.internet.close()


def unavailable() -> str:
    """Return why this machine cannot try segments; empty where it can."""
    return namespaces.unavailable() or ("" if shutil.which("busybox") else "this machine has no busybox")
