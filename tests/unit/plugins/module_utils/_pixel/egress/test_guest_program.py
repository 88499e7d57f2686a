# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program in the pixel, with real packets between network namespaces."""

from __future__ import annotations

import re
import subprocess
import typing as t

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    guest_files,
    guest_program,
    policy,
    resolver,
)
from tests.unit.plugins.module_utils._pixel.egress import namespaces

pytestmark = pytest.mark.skipif(bool(namespaces.unavailable()), reason=namespaces.unavailable() or "-")

ALLOWED, ALSO_ALLOWED, DENIED, BELOW = "93.184.215.14", "93.184.215.15", "151.101.1.1", "93.184.215.16"
ALLOWED6 = "2606:2800:21f:cb07::1"

NAMES = {
    "docs.example.com": (ALLOWED,),
    "six.example.com": (ALLOWED6,),
    "other.example.com": (ALSO_ALLOWED,),
    "a.wild.example.com": (BELOW,),
    "wild.example.com": (BELOW,),
    "gist.wild.example.com": (BELOW,),
    "denied.example.com": (DENIED,),
    "rebind.wild.example.com": ("192.168.50.1",),
}


@pytest.fixture(scope="module")
def internet() -> t.Iterator[namespaces.Internet]:
    made = namespaces.Internet(NAMES, extra=("169.254.169.254",))
    yield made
    made.close()


@pytest.fixture
def enforce(internet: namespaces.Internet) -> t.Iterator[t.Callable[..., None]]:
    resolver: list[subprocess.Popen[bytes]] = []

    def apply(value: t.Any, verb: str = "load") -> None:
        files = guest_files.render(policy.parse(value), "systemd", {})
        internet.guest.run("tar", "-xf", "-", "-C", "/", stdin=guest_files.pack(files))
        internet.guest.run(guest_program.PROGRAM_PATH, verb)
        if not resolver:
            resolver.append(subprocess.Popen(internet.guest.argv(guest_program.PROGRAM_PATH, "resolve")))

    yield apply
    for process in resolver:
        process.terminate()
        process.wait()
    internet.guest.shell("nft flush ruleset; rm -rf /run/pixels")


ALLOWLIST = {"mode": "allowlist", "allow": ["docs.example.com", "six.example.com", "*.wild.example.com"]}


@pytest.mark.wide
def test_an_allowlist_lets_through_its_names_and_refuses_the_rest(internet, enforce):
    enforce({**ALLOWLIST, "deny": ["gist.wild.example.com"]})
    internet.wait_for("docs.example.com")

    assert {
        (host, port, kind): internet.connect(host, port, kind)
        for host, port, kind in (
            ("six.example.com", 443, "SOCK_STREAM"),
            ("a.wild.example.com", 443, "SOCK_STREAM"),
            ("wild.example.com", 443, "SOCK_STREAM"),
            ("gist.wild.example.com", 443, "SOCK_STREAM"),
            ("rebind.wild.example.com", 443, "SOCK_STREAM"),
            ("denied.example.com", 443, "SOCK_STREAM"),
            ("sub.docs.example.com", 443, "SOCK_STREAM"),
            (DENIED, 443, "SOCK_STREAM"),
            ("docs.example.com", 4000, "SOCK_STREAM"),
            (ALLOWED, 853, "SOCK_STREAM"),
            (ALLOWED, 443, "SOCK_DGRAM"),
            ("169.254.169.254", 80, "SOCK_STREAM"),
            (internet.ROUTER, 80, "SOCK_STREAM"),
        )
    } == {
        ("six.example.com", 443, "SOCK_STREAM"): "open",
        ("a.wild.example.com", 443, "SOCK_STREAM"): "open",
        ("wild.example.com", 443, "SOCK_STREAM"): "no such name",
        ("gist.wild.example.com", 443, "SOCK_STREAM"): "no such name",
        ("rebind.wild.example.com", 443, "SOCK_STREAM"): "no such name",
        ("denied.example.com", 443, "SOCK_STREAM"): "no such name",
        ("sub.docs.example.com", 443, "SOCK_STREAM"): "no such name",
        (DENIED, 443, "SOCK_STREAM"): "ConnectionRefusedError",
        ("docs.example.com", 4000, "SOCK_STREAM"): "ConnectionRefusedError",
        (ALLOWED, 853, "SOCK_STREAM"): "ConnectionRefusedError",
        (ALLOWED, 443, "SOCK_DGRAM"): "PermissionError",
        ("169.254.169.254", 80, "SOCK_STREAM"): "ConnectionRefusedError",
        (internet.ROUTER, 80, "SOCK_STREAM"): "ConnectionRefusedError",
    }


def test_what_was_refused_is_counted_by_address_and_port(internet, enforce):
    enforce(ALLOWLIST)

    internet.connect(DENIED, 443)

    assert [each["elem"]["val"]["concat"] for each in namespaces.listed(internet.guest, "refused4")] == [
        [DENIED, "tcp", 443]
    ]


def test_a_denied_name_loses_its_connections_and_the_others_keep_theirs(internet, enforce):
    enforce({"mode": "allowlist", "allow": ["docs.example.com", "other.example.com"]})
    internet.wait_for("docs.example.com")
    held = {name: namespaces.Held(internet, name) for name in ("docs.example.com", "other.example.com")}
    assert {name: each.state() for name, each in held.items()} == dict.fromkeys(held, "open")

    enforce({"mode": "allowlist", "allow": ["docs.example.com"]}, "cut")

    assert held["docs.example.com"].state() == "open"
    assert held["other.example.com"].state() == "ConnectionResetError"
    assert internet.connect(ALSO_ALLOWED) == "ConnectionRefusedError"
    for each in held.values():
        each.close()


@pytest.mark.wide
def test_connections_stay_open_when_the_log_of_lookups_was_replaced_since(internet, enforce):
    enforce({"mode": "allowlist", "allow": ["docs.example.com", "other.example.com"]})
    internet.wait_for("docs.example.com")
    held = namespaces.Held(internet, "docs.example.com")
    for _turn in (1, 2):
        before = internet.guest.run("stat", "-c", "%i", resolver.LOOKUPS)
        internet.guest.shell(
            f"yes another kind of line | head -n {guest_program.LOOKUPS_BYTES // 20} >>{resolver.LOOKUPS}"
        )
        internet.wait_until(lambda inode=before: internet.guest.run("stat", "-c", "%i", resolver.LOOKUPS) != inode)
    assert internet.connect("other.example.com") == "open"
    assert "other.example.com" in internet.guest.run("cat", resolver.LOOKUPS)

    enforce({"mode": "allowlist", "allow": ["docs.example.com"]}, "cut")

    assert held.state() == "open"
    assert internet.connect(ALSO_ALLOWED) == "ConnectionRefusedError"
    held.close()


def test_a_name_that_is_allowed_later_interrupts_nothing(internet, enforce):
    enforce({"mode": "allowlist", "allow": ["docs.example.com"]})
    internet.wait_for("docs.example.com")
    held = namespaces.Held(internet, "docs.example.com")
    held.state()

    enforce({"mode": "allowlist", "allow": ["docs.example.com", "other.example.com"]})

    internet.wait_for("other.example.com")
    assert held.state() == "open"
    held.close()


def test_mode_internet_opens_public_addresses_only(internet, enforce):
    enforce({"mode": "internet", "deny": ["gist.wild.example.com", "93.184.215.15"]})
    internet.wait_for("docs.example.com")

    assert internet.connect("denied.example.com", 4000) == "open"
    assert internet.connect(ALLOWED, 443, "SOCK_DGRAM") == "open"
    assert internet.connect("gist.wild.example.com") == "no such name"
    assert internet.connect("other.example.com") == "ConnectionRefusedError"
    assert internet.connect(internet.ROUTER, 80) == "ConnectionRefusedError"
    assert internet.connect("169.254.169.254", 80) == "ConnectionRefusedError"


def test_mode_none_refuses_everything(internet, enforce):
    enforce("none")

    assert internet.connect(ALLOWED) == "ConnectionRefusedError"
    assert internet.connect("docs.example.com") == "no such name"


def test_a_private_network_is_open_where_the_policy_says_so(internet, enforce):
    enforce({**ALLOWLIST, "lan": ["192.168.50.0/24"]})

    assert internet.connect(internet.ROUTER, 4000) == "open"


def test_without_a_resolver_names_fail_and_nothing_else_opens(internet, enforce):
    enforce(ALLOWLIST)
    internet.wait_for("docs.example.com")
    internet.guest.shell("kill -STOP $(cat /run/pixels/resolver.pid)")

    assert internet.connect(DENIED) == "ConnectionRefusedError"
    assert internet.connect(ALLOWED) == "open"

    internet.guest.shell("kill -CONT $(cat /run/pixels/resolver.pid)")


@pytest.mark.wide
def test_changes_at_the_same_time_do_not_disturb_each_other(internet, enforce):
    enforce(ALLOWLIST)

    loads = f'for _ in 1 2 3 4 5 6 7 8; do {guest_program.PROGRAM_PATH} load & pids="$pids $!"; done'
    internet.guest.shell(f"{loads}; for pid in $pids; do wait $pid || exit 1; done")

    assert "policy drop" in internet.guest.run("nft", "list", "ruleset")
    assert not re.search(r"\.[0-9]+$", internet.guest.run("ls", "/run/pixels"), re.MULTILINE)


def test_tables_of_others_stay_as_they_are(internet, enforce):
    internet.guest.run("nft", "add", "table", "inet", "other")

    enforce(ALLOWLIST)
    enforce(ALLOWLIST, "cut")
    internet.guest.run(guest_program.PROGRAM_PATH, "unload")

    assert internet.guest.run("nft", "list", "tables") == "table inet other\n"


def test_rules_that_nft_refuses_leave_the_earlier_ones_in_force(internet, enforce):
    enforce(ALLOWLIST)
    internet.wait_for("docs.example.com")
    internet.guest.shell(f"echo nonsense >>{guest_program.DIRECTORY}/rules.nft")

    output = internet.guest.run(guest_program.PROGRAM_PATH, "load", check=False)

    assert "nft refused the rules. The earlier ones are still in force" in output
    assert internet.connect(DENIED) == "ConnectionRefusedError"
    assert internet.connect("docs.example.com") == "open"


@pytest.mark.wide
def test_a_thousand_names_are_resolved(internet, enforce):
    names = [f"host{number}.example.net" for number in range(1000)]

    enforce({"mode": "allowlist", "allow": ["docs.example.com", *names]})
    internet.wait_for("docs.example.com")
    enforce({"mode": "allowlist", "allow": ["docs.example.com", *names[1:]]}, "cut")

    assert internet.connect("docs.example.com") == "open"
