# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When connections have to end; tests/integration/test_egress.py enforces policies in real systems."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    enforcement,
    inspection,
    policy,
    presets,
)
from tests.unit.plugins.module_utils._pixel.egress import namespaces

NARROW = {"mode": "allowlist", "allow": ["a.example"]}


@pytest.mark.parametrize(
    ("before", "after", "narrows"),
    [
        (NARROW, NARROW, False),
        (NARROW, {**NARROW, "allow": ["a.example", "b.example", "203.0.114.0/24"]}, False),
        ({**NARROW, "allow": ["a.example", "b.example"]}, NARROW, True),
        ({**NARROW, "allow": ["a.example", "203.0.114.0/24"]}, NARROW, True),
        (NARROW, {**NARROW, "deny": ["a.example"]}, True),
        ({**NARROW, "lan": ["10.0.0.0/8"]}, NARROW, True),
        ({**NARROW, "ports": [443, 8443]}, {**NARROW, "ports": [443]}, True),
        ("internet", NARROW, True),
        (NARROW, "internet", False),
        (NARROW, "none", True),
        ("none", NARROW, False),
        ({**NARROW, "presets": ["distribution"]}, NARROW, True),
        (NARROW, {**NARROW, "presets": ["distribution"]}, False),
    ],
)
def test_connections_end_where_a_policy_allows_less_than_the_one_before(before, after, narrows):
    assert enforcement.narrows(policy.parse(before), policy.parse(after)) == narrows


def test_connections_end_where_the_policy_before_is_unknown():
    assert enforcement.narrows(None, policy.parse(NARROW))


DOCS, OTHER, SIX, BELOW, ALSO_BELOW, PLAIN = (
    "93.184.215.14",
    "93.184.215.15",
    "2606:2800:21f:cb07::1",
    "93.184.215.16",
    "93.184.215.17",
    "151.101.1.1",
)
ECHO = """
import socket
server = socket.create_server(("", 443))
print("ready", flush=True)
client, _where = server.accept()
while content := client.recv(512):
    client.send(content)
"""


@pytest.fixture(scope="module")
def internet():
    names = {
        "docs.example.com": (DOCS,),
        "other.example.com": (OTHER,),
        "six.example.com": (SIX,),
        "a.wild.example.com": (BELOW,),
        "b.wild.example.com": (ALSO_BELOW,),
    }
    made = namespaces.Internet(names, extra=(PLAIN,))
    yield made
    made.close()


@pytest.mark.skipif(bool(namespaces.unavailable()), reason=namespaces.unavailable() or "-")
class TestRealPackets:
    """A guest whose init system is a script, on a small internet."""

    @pytest.fixture
    def shell(self, internet):
        made = namespaces.GuestShell(internet.guest)
        yield made
        made.reset()

    @pytest.fixture
    def held(self, internet):
        opened = []

        def hold(*names):
            for name in names:
                internet.wait_for(name)
            made = {name: namespaces.Held(internet, name) for name in names}
            opened.extend(made.values())
            return made

        yield hold
        for each in opened:
            each.close()

    @pytest.fixture
    def from_outside(self, internet):
        """A connection to a server in the guest."""
        server = internet.guest.start(sys.executable, "-c", ECHO)
        try:
            connection = namespaces.Held(internet, internet.GUEST, internet.router)
            yield connection
            connection.close()
        finally:
            server.kill()
            server.wait()

    @pytest.fixture
    def silence(self, internet):
        """Stop a name server until the end of the test."""
        stopped = []

        def stop(of):
            namespace, file = {
                "the network": (internet.router, "/run/dns.pid"),
                "the guest": (internet.guest, "/run/pixels/resolver.pid"),
            }[of]
            pid = namespace.run("cat", file).strip()
            stopped.append((namespace, pid))
            namespace.run("kill", "-STOP", pid)

        yield stop
        for namespace, pid in stopped:
            namespace.run("kill", "-CONT", pid)

    def ensure(self, shell, value):
        return enforcement.ensure(shell, enforcement.Guard(), policy.parse(value))

    def test_an_unchanged_policy_takes_one_command(self, shell):
        assert self.ensure(shell, NARROW).needed
        shell.commands = 0

        assert not self.ensure(shell, NARROW).needed
        assert shell.commands == 1

    @pytest.mark.wide
    def test_a_preset_of_another_version_is_drift_and_put_into_force(self, shell, internet, held, monkeypatch):
        wanted = {"mode": "allowlist", "presets": ["github"]}
        old = {**presets.GROUPS, "github": ("docs.example.com", "other.example.com")}
        new = {**presets.GROUPS, "github": ("docs.example.com", "six.example.com")}
        monkeypatch.setattr(presets, "GROUPS", old)
        self.ensure(shell, wanted)
        connections = held("docs.example.com", "other.example.com")
        assert internet.connect("six.example.com") == "no such name"

        monkeypatch.setattr(presets, "GROUPS", new)

        drift = ["/etc/pixels/egress/names differs (its presets or mirrors have changed)"]
        change = enforcement.plan(inspection.inspect(shell), policy.parse(wanted))
        assert (change.needed, change.before["drift"], change.after["drift"]) == (True, drift, [])
        assert self.ensure(shell, wanted).needed
        internet.wait_for("six.example.com")
        assert {name: each.state() for name, each in connections.items()} == {
            "docs.example.com": "open",
            "other.example.com": "ConnectionResetError",
        }
        assert internet.connect("other.example.com") == "no such name"
        assert not self.ensure(shell, wanted).needed

    WIDE = {
        "mode": "allowlist",
        "allow": ["docs.example.com", "other.example.com", "six.example.com", PLAIN],
        "lan": ["192.168.50.0/24"],
    }

    @pytest.mark.parametrize(
        ("change", "ended"),
        [
            ({"allow": [*WIDE["allow"], "*.wild.example.com", "203.0.114.0/24"]}, set()),
            ({"presets": ["npm"], "ports": [22, 80, 443, 8443]}, set()),
            ({"lan": ["192.168.0.0/16"]}, set()),
            ({"deny": ["other.example.com"]}, {"other.example.com"}),
            ({"deny": ["six.example.com"]}, {"six.example.com"}),
            ({"deny": ["151.101.0.0/16"]}, {PLAIN}),
            ({"allow": ["docs.example.com", "six.example.com", PLAIN]}, {"other.example.com"}),
            ({"lan": []}, {namespaces.Internet.ROUTER}),
            ({"ports": [80]}, {"docs.example.com", "other.example.com", "six.example.com"}),
            ({"mode": "none", "allow": []}, {"docs.example.com", "other.example.com", "six.example.com", PLAIN}),
            ({"mode": "internet", "allow": []}, set()),
        ],
    )
    @pytest.mark.wide
    def test_a_change_ends_the_connections_that_it_denies_and_no_other(
        self, shell, internet, held, from_outside, change, ended
    ):
        self.ensure(shell, self.WIDE)
        names = ("docs.example.com", "other.example.com", "six.example.com", PLAIN, internet.ROUTER)
        connections = held(*names)
        connections["from outside"] = from_outside

        self.ensure(shell, {**self.WIDE, **change})

        expected = {name: "ConnectionResetError" if name in ended else "open" for name in connections}
        assert {name: each.state() for name, each in connections.items()} == expected

    @pytest.mark.parametrize("of", ["the network", pytest.param("the guest", marks=pytest.mark.wide)])
    def test_a_change_while_a_name_server_is_silent_ends_no_other_connection(self, shell, internet, held, silence, of):
        before = {
            "mode": "allowlist",
            "allow": ["docs.example.com", "other.example.com", "six.example.com", "*.wild.example.com"],
        }
        self.ensure(shell, before)
        names = ("docs.example.com", "other.example.com", "six.example.com", "a.wild.example.com", "b.wild.example.com")
        connections = held(*names)
        silence(of)

        self.ensure(shell, {**before, "deny": ["other.example.com", "b.wild.example.com"]})

        denied = {"other.example.com", "b.wild.example.com"}
        assert {name: each.state() for name, each in connections.items()} == {
            name: "ConnectionResetError" if name in denied else "open" for name in names
        }
        assert internet.connect(OTHER) == "ConnectionRefusedError"
        assert internet.connect(DOCS) == "open"
        assert internet.connect(SIX) == "open"
