# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program in a gateway, with real packets between network namespaces."""

from __future__ import annotations

import sys
import typing as t

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import gateway_program
from tests.unit.plugins.module_utils._pixel.egress import namespaces, segments

pytestmark = [
    pytest.mark.skipif(bool(segments.unavailable()), reason=segments.unavailable() or "-"),
    pytest.mark.timeout(240),
]

DOCS, OTHER, SIX, PLAIN, NAS = (
    "93.184.215.14",
    "93.184.215.15",
    "2606:2800:21f:cb07::1",
    "151.101.1.1",
    "192.168.50.9",
)
NAMES = {
    "docs.example.com": (DOCS,),
    "other.example.com": (OTHER,),
    "six.example.com": (SIX,),
    "denied.example.com": (PLAIN,),
}
FIRST = {"name": "br77", "egress": {"mode": "allowlist", "allow": ["docs.example.com", "six.example.com"]}}
SECOND = {"name": "br78", "egress": {"mode": "allowlist", "allow": ["other.example.com"]}}
SSH = "22"


@pytest.fixture(scope="module")
def internet() -> t.Iterator[segments.SegmentedInternet]:
    made = segments.SegmentedInternet([FIRST, SECOND], NAMES, extra=(NAS,))
    made.gateway.start(sys.executable, "-c", namespaces.HOSTS, f"10.77.0.1,{SSH}", f"192.168.50.2,{SSH}")
    yield made
    made.close()


@pytest.fixture(scope="module")
def guest(internet: segments.SegmentedInternet) -> namespaces.Namespace:
    return internet.guest("br77", 1)


@pytest.fixture
def gateway(internet: segments.SegmentedInternet) -> t.Iterator[namespaces.Namespace]:
    """The gateway, which is set up again after the test."""
    yield internet.gateway
    internet.set_up([FIRST, SECOND])


def test_pixels_on_a_segment_reach_what_its_policy_allows_and_root_cannot_change_that(internet, guest):
    expected = {
        ("docs.example.com", 443, "SOCK_STREAM"): "open",
        ("six.example.com", 443, "SOCK_STREAM"): "open",
        ("denied.example.com", 443, "SOCK_STREAM"): "no such name",
        ("other.example.com", 443, "SOCK_STREAM"): "no such name",
        (PLAIN, 443, "SOCK_STREAM"): "ConnectionRefusedError",
        (DOCS, 4000, "SOCK_STREAM"): "ConnectionRefusedError",
        (DOCS, 853, "SOCK_STREAM"): "ConnectionRefusedError",
        (internet.internet.ROUTER, 80, "SOCK_STREAM"): "ConnectionRefusedError",
        (NAS, 443, "SOCK_STREAM"): "ConnectionRefusedError",
        ("10.77.0.1", 22, "SOCK_STREAM"): "ConnectionRefusedError",
        ("192.168.50.2", 22, "SOCK_STREAM"): "ConnectionRefusedError",
    }
    before = {target: guest.connect(*target) for target in expected}

    guest.run("nft", "flush", "ruleset")

    assert before == expected
    assert {target: guest.connect(*target) for target in expected} == expected
    assert guest.connect(DOCS, 443, "SOCK_DGRAM") != "open"


def test_refusals_are_counted_for_each_pixel(internet, guest):
    another = internet.guest("br77", 2)
    mine, its = internet.address(guest), internet.address(another)

    guest.connect(PLAIN, 80)
    another.connect(NAS, 443)
    another.connect("2a04:4e42::1", 443)

    refused = internet.refused("br77")
    assert (mine, PLAIN, "tcp", 80) in refused
    assert (its, NAS, "tcp", 443) in refused
    assert (its, PLAIN, "tcp", 80) not in refused
    assert (internet.address(another, "-6"), "2a04:4e42::1", "tcp", 443) in internet.refused("br77", 6)


def test_other_name_servers_are_answered_by_the_gateway(internet, guest):
    assert internet.ask(guest, PLAIN, "denied.example.com") == "3"
    assert internet.ask(guest, PLAIN, "denied.example.com", "SOCK_STREAM") == "3"
    assert internet.ask(guest, NAS, "docs.example.com") == f"0 {DOCS}"


SEND = """
import socket, sys
for host in sys.argv[1:]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        try:
            client.sendto(b"x", (host, 4000))
        except OSError:
            # Refused by a route.
            pass
"""


def send(space: namespaces.Namespace) -> None:
    """Send datagrams to public addresses over both versions of IP, and a ping to the gateway after them."""
    space.run(sys.executable, "-c", SEND, PLAIN, SIX)
    # What was sent before has passed the gateway by the time that this is answered, or never does.
    space.run("busybox", "ping", "-c", "1", "-W", "5", "10.77.0.1", check=False)


def test_nothing_passes_where_the_table_of_the_gateway_is_gone(internet, guest, gateway):
    guest.connect("docs.example.com")
    assert internet.arrived()
    gateway.run("nft", "flush", "ruleset")
    assert gateway.run("cat", "/proc/sys/net/ipv4/ip_forward") == "1\n"

    send(guest)

    assert internet.arrived() == 0


def test_a_gateway_whose_rules_cannot_be_loaded_at_boot_forwards_nothing(internet, guest, gateway):
    gateway.run("nft", "flush", "ruleset")
    gateway.shell("ip rule flush; ip rule add lookup main; ip -6 rule flush; ip -6 rule add lookup main")
    gateway.shell(f"echo nonsense >>{gateway_program.DIRECTORY}/br77/rules.nft")
    internet.arrived()

    output = gateway.run(gateway_program.PROGRAM_PATH, "boot", check=False)
    send(guest)

    assert "nft refused the rules" in output
    assert gateway.run("cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding") == "0\n0\n"
    assert internet.arrived() == 0


@pytest.mark.wide
def test_an_interface_with_another_mac_address_is_not_taken_for_the_segment(internet, gateway):
    gateway.shell(f"echo 02:00:00:00:99:99 >{gateway_program.DIRECTORY}/br77/mac")

    output = gateway.run(gateway_program.PROGRAM_PATH, "boot", check=False)

    assert "no interface has the MAC address" in output
    assert gateway.run("cat", "/proc/sys/net/ipv4/ip_forward") == "0\n"


@pytest.mark.wide
def test_segments_have_policies_of_their_own_and_do_not_reach_each_other(internet, guest):
    another = internet.guest("br78", 3)
    another.start(sys.executable, "-c", namespaces.HOSTS, f"{internet.address(another)},443")

    assert another.connect("other.example.com") == "open"
    assert another.connect("docs.example.com") == "no such name"
    assert another.connect(DOCS) == "ConnectionRefusedError"
    assert guest.connect(internet.address(another)) == "ConnectionRefusedError"
    assert guest.connect("10.78.0.1", 53) != "open"


@pytest.mark.wide
def test_a_change_ends_denied_connections_of_one_segment_while_its_name_server_is_silent(internet, guest, gateway):
    wide = {
        **FIRST,
        "egress": {"mode": "allowlist", "allow": ["docs.example.com", "six.example.com", "other.example.com"]},
    }
    internet.set_up([wide, SECOND], "load")
    internet.internet.wait_until(lambda: guest.connect("other.example.com") == "open")
    held = {
        name: namespaces.Held(internet.internet, name, guest)
        for name in ("docs.example.com", "six.example.com", "other.example.com")
    }
    assert {name: each.state() for name, each in held.items()} == dict.fromkeys(held, "open")
    pid = internet.router.run("cat", "/run/dns.pid").strip()
    internet.router.run("kill", "-STOP", pid)

    try:
        internet.set_up([FIRST, SECOND], "cut", "br77")
        states = {name: each.state() for name, each in held.items()}
    finally:
        internet.router.run("kill", "-CONT", pid)
        for each in held.values():
            each.close()

    assert states == {**dict.fromkeys(held, "open"), "other.example.com": "ConnectionResetError"}


@pytest.mark.wide
def test_a_guest_cannot_pass_with_an_address_of_another_network(internet, guest):
    internet.arrived()
    guest.run("ip", "addr", "add", "10.99.0.7/32", "dev", "lo")

    guest.run(sys.executable, "-c", SPOOF, DOCS)

    assert internet.arrived() == 0


SPOOF = """
import socket, sys
client = socket.socket()
client.settimeout(1)
client.bind(("10.99.0.7", 0))
try:
    client.connect((sys.argv[1], 443))
except OSError:
    pass
else:
    raise SystemExit("connected")
"""
