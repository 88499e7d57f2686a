# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest and a small internet in network namespaces: real packets show what a policy allows."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import (
    Command,
    Result,
    Shell,
    Streams,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import inspection

TIMEOUT_S = 30.0

# The directories that a policy writes to are the guest's own, on top of those of this machine.
PRIVATE_MOUNTS = """
mount -t tmpfs none /run
for dir in /etc /usr/local/bin /usr/local/lib; do
    mkdir -p /run/over$dir/upper /run/over$dir/work
    mount -t overlay overlay -o lowerdir=$dir,upperdir=/run/over$dir/upper,workdir=/run/over$dir/work $dir
done
ip link set lo up
echo ready
exec sleep infinity
"""

# TCP servers that answer a line with a line, and keep the connection; UDP ports likewise.
HOSTS = """
import selectors, socket, sys
wanted = [pair.rsplit(",", 1) for pair in sys.argv[1:]]
ready = selectors.DefaultSelector()
for address, port in wanted:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        server = socket.socket(family, kind)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, int(port)))
        if kind == socket.SOCK_STREAM:
            server.listen(64)
        ready.register(server, selectors.EVENT_READ, kind)
print("ready", flush=True)
while True:
    for key, _events in ready.select():
        if key.data == socket.SOCK_STREAM:
            client, _where = key.fileobj.accept()
            ready.register(client, selectors.EVENT_READ, None)
        elif key.data == socket.SOCK_DGRAM:
            content, where = key.fileobj.recvfrom(512)
            try:
                key.fileobj.sendto(content, where)
            except OSError:
                # The sender is behind a router that does not hide it.
                pass
        else:
            try:
                content = key.fileobj.recv(512)
            except OSError:
                content = b""
            if content:
                key.fileobj.send(content)
            else:
                ready.unregister(key.fileobj)
                key.fileobj.close()
"""

# Prints "open", or why not.
CONNECT = """
import socket, sys
host, port, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
try:
    found = socket.getaddrinfo(host, port, type=getattr(socket, kind))
except socket.gaierror as error:
    print("no such name")
    raise SystemExit
family, kind, proto, _name, where = found[0]
client = socket.socket(family, kind, proto)
client.settimeout(5)
try:
    client.connect(where)
    client.send(b"x")
    print("open" if client.recv(1) == b"x" else "closed")
except OSError as error:
    print(type(error).__name__)
"""


HOLD = """
import socket, sys
client = socket.create_connection((sys.argv[1], 443), 5)
client.settimeout(5)
print("ready", flush=True)
for line in sys.stdin:
    try:
        client.send(b"y")
        print("open" if client.recv(1) == b"y" else "closed", flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)
"""


# What a policy needs of systemd.
SYSTEMCTL = """
#!/bin/sh
state=/run/stub
mkdir -p $state
verb=$1
shift
while [ "${1#-}" != "$1" ]; do shift; done
case $verb in
enable) for each; do touch $state/$each; done ;;
is-enabled) [ -e $state/$1 ] ;;
is-active) [ $1 != pixels-resolver ] || kill -0 $(cat $state/pid) ;;
restart | disable)
    if [ -s $state/pid ]; then
        kill $(cat $state/pid)
        while kill -0 $(cat $state/pid) 2>/dev/null; do sleep 0.05; done
        rm -f $state/pid /run/pixels/resolver.pid
    fi
    if [ $verb = restart ]; then
        setsid /usr/local/lib/pixels/egress resolve </dev/null >/dev/null 2>&1 &
        echo $! >$state/pid
    else
        rm -f $state/pixels-*
    fi
    ;;
esac
"""


# Two users with full sudo, as provisioning makes them.
USERS = """
sed -i '/:1000:/d; /:1001:/d' /etc/passwd
echo pixel:x:1000:1000::/tmp:/bin/sh >>/etc/passwd
echo other:x:1001:1001::/tmp:/bin/sh >>/etc/passwd
printf '%s:*:19000::::::\n' pixel other >>/etc/shadow
mkdir -p /etc/sudoers.d
rm -f /etc/sudoers.d/*
echo 'root ALL=(ALL:ALL) ALL' >/etc/sudoers
echo '@includedir /etc/sudoers.d' >>/etc/sudoers
echo 'pixel ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/pixels-provision
echo 'other ALL=(ALL) NOPASSWD: ALL' >>/etc/sudoers.d/pixels-provision
chmod 440 /etc/sudoers.d/*
"""


class Namespace:
    """A network and mount namespace, which lives as long as its first process."""

    def __init__(self, script: str = PRIVATE_MOUNTS) -> None:
        self._processes: list[subprocess.Popen[str]] = []
        self._first = self.start_outside(["unshare", "-n", "-m", "--propagation", "private", "sh", "-c", script])

    @property
    def pid(self) -> int:
        return self._first.pid

    def start_outside(self, argv: t.Sequence[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self._processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def argv(self, *command: str) -> list[str]:
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "--", *command]

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a program that prints `ready`."""
        return self.start_outside(self.argv(*command))

    def run(self, *command: str, stdin: bytes = b"", check: bool = True) -> str:
        ended = subprocess.run(self.argv(*command), input=stdin, capture_output=True, check=False, timeout=TIMEOUT_S)
        output = ended.stdout.decode() + ended.stderr.decode()
        assert ended.returncode == 0 or not check, output
        return output

    def shell(self, script: str, check: bool = True) -> str:
        return self.run("sh", "-c", script, check=check)

    def connect(self, host: str, port: int = 443, kind: str = "SOCK_STREAM") -> str:
        """Connect: `open`, `no such name`, or the name of an error."""
        return self.run(sys.executable, "-c", CONNECT, host, str(port), kind).strip()

    def close(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.communicate()


class Internet:
    """A router with a name server, and hosts behind it that have the addresses of the names they are called by."""

    GUEST = "192.168.50.2"
    ROUTER = "192.168.50.1"

    def __init__(self, names: t.Mapping[str, t.Sequence[str]], extra: t.Sequence[str] = ()) -> None:
        """`names` has the addresses of each name; `extra` are addresses that have none."""
        self.guest = Namespace()
        self.router = Namespace()
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            addresses = sorted({each for found in names.values() for each in found}.union(extra) - {self.ROUTER})
            self.router.shell(
                f"ip link add eth0 netns {self.guest.pid} type veth peer name lan0 && ip link set lan0 up"
                f" && ip addr add {self.ROUTER}/24 dev lan0 && ip -6 addr add fd50::1/64 dev lan0 nodad"
            )
            self.guest.shell(
                f"ip link set eth0 up && ip addr add {self.GUEST}/24 dev eth0 && ip route add default via {self.ROUTER}"
                f" && ip -6 addr add fd50::2/64 dev eth0 nodad && ip -6 route add default via fd50::1"
                f" && rm -f /etc/resolv.conf && echo nameserver {self.ROUTER} >/etc/resolv.conf"
            )
            for address in addresses:
                self.router.run("ip", "addr", "add", f"{address}/{128 if ':' in address else 32}", "dev", "lo", "nodad")
            ports = ("80", "443", "853", "4000")
            self.router.start(
                sys.executable, "-c", HOSTS, *(f"{each},{port}" for each in (*addresses, self.ROUTER) for port in ports)
            )
            lines = [
                "no-hosts",
                "no-resolv",
                f"listen-address={self.ROUTER}",
                "bind-interfaces",
                "keep-in-foreground",
                "local=/net/",
            ]
            lines += [f"host-record={name},{','.join(found)}" for name, found in names.items()]
            self.router.run("tee", "/run/dns.conf", stdin="\n".join(lines).encode())
            self.router.shell("dnsmasq --conf-file=/run/dns.conf --pid-file=/run/dns.pid >/run/dns.log 2>&1 & echo")
            undo.pop_all()

    def close(self) -> None:
        for namespace in (self.guest, self.router):
            for file in ("/run/dns.pid", "/run/pixels/resolver.pid"):
                namespace.shell(f"[ ! -s {file} ] || kill $(cat {file})", check=False)
            namespace.close()

    def connect(self, host: str, port: int = 443, kind: str = "SOCK_STREAM") -> str:
        """Connect from the guest: `open`, `no such name`, or the name of an error."""
        return self.guest.connect(host, port, kind)

    @staticmethod
    def wait_until(is_so: t.Callable[[], bool]) -> None:
        """Wait until something is so."""
        end = time.monotonic() + TIMEOUT_S
        while not is_so():
            assert time.monotonic() < end
            time.sleep(0.1)

    def wait_for(self, host: str, answer: str = "open", **how: t.Any) -> None:
        """Wait until a connection ends so."""
        end = time.monotonic() + TIMEOUT_S
        while (found := self.connect(host, **how)) != answer:
            assert time.monotonic() < end, f"{host}: {found}, not {answer}"
            time.sleep(0.1)


class Held:
    """A connection that stays open."""

    def __init__(self, internet: Internet, host: str, namespace: Namespace | None = None) -> None:
        """`namespace` defaults to the guest."""
        self._process = subprocess.Popen(
            (internet.guest if namespace is None else namespace).argv(sys.executable, "-c", HOLD, host),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"

    def state(self) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


class GuestShell(Shell):
    """A shell of root in a guest, whose init system is a script."""

    def __init__(self, guest: Namespace) -> None:
        self.guest = guest
        self.commands = 0
        guest.run("tee", "/usr/local/bin/systemctl", stdin=SYSTEMCTL.strip().encode())
        guest.shell("chmod 755 /usr/local/bin/systemctl; mkdir -p /run/systemd/system")

    def run_with(self, command: Command, timeout: float | None, streams: Streams) -> Result:
        self.commands += 1
        path = "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        argv = self.guest.argv("env", path, *command.argv)
        ended = subprocess.run(argv, input=command.stdin or b"", capture_output=True, check=False, timeout=TIMEOUT_S)
        if streams.out:
            streams.out(ended.stdout)
        return Result(ended.returncode, ended.stdout, ended.stderr)

    def close(self) -> None:
        """The guest keeps its policy."""

    def reset(self) -> None:
        """Remove all of a policy."""
        self.guest.run("/usr/local/bin/systemctl", "disable")
        self.guest.shell(f"nft flush ruleset; rm -rf /run/pixels /etc/pixels {' '.join(inspection.PATHS)}")


def unavailable() -> str:
    """Return why this machine cannot try packets; empty where it can."""
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    missing = [name for name in ("unshare", "nsenter", "ip", "nft", "dnsmasq") if shutil.which(name) is None]
    if missing:
        return f"this machine has no {', '.join(missing)}"
    probe = subprocess.run(["unshare", "-n", "nft", "add", "table", "inet", "probe"], capture_output=True, check=False)
    return "" if probe.returncode == 0 else f"nft does not work in a namespace here: {probe.stderr.decode().strip()}"


def listed(guest: Namespace, name: str, table: str = "pixels_egress") -> list[t.Any]:
    """Return the elements of a set."""
    answer = json.loads(guest.run("nft", "-j", "list", "set", "inet", table, name))
    return next(each["set"].get("elem", []) for each in answer["nftables"] if "set" in each)
