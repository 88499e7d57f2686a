# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a pixel becomes a gateway; test_gateway_program.py shows what the gateway does."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import gateway, gateway_files, segment
from tests.unit.plugins.module_utils._pixel.egress import namespaces, segments

DOCS, OTHER, PLAIN = "93.184.215.14", "93.184.215.15", "151.101.1.1"
BOTH = {"mode": "allowlist", "allow": ["docs.example.com", "other.example.com"]}
ONE = {"mode": "allowlist", "allow": ["docs.example.com"]}
NICS = {"eth0": "02:00:00:00:00:01", "eth1": "02:00:00:00:00:02", "eth2": "02:00:00:00:00:03"}


def wanted(egress="none", **more):
    return segment.parse_all([{"name": "br77", "egress": egress, **more}])


def state(**more):
    return gateway.GatewayState(**{"init": "systemd", "tools": frozenset({"networkd"}), "nics": NICS, **more})


def test_interfaces_are_those_of_their_names_until_their_mac_addresses_are_recorded():
    new = state().render(wanted(), "eth0")
    swapped = {"eth1": NICS["eth0"], "eth0": NICS["eth1"]}
    later = state(nics=swapped, uplink=NICS["eth0"], macs={"br77": NICS["eth1"]}).render(wanted(), "eth0")

    assert new == later
    assert new[gateway_files.UPLINK_MAC_PATH].content == f"{NICS['eth0']}\n"
    assert new["/etc/pixels/gateway/br77/mac"].content == f"{NICS['eth1']}\n"


def test_a_nic_that_was_replaced_is_found_by_its_name_again():
    found = state(uplink=NICS["eth0"], macs={"br77": "02:00:00:00:99:99"})

    assert found.render(wanted(), "eth0")["/etc/pixels/gateway/br77/mac"].content == f"{NICS['eth1']}\n"


def test_a_gateway_without_a_nic_on_its_segment_is_refused():
    with pytest.raises(Refused, match=r"has no interface 'eth7' \(it has eth0, eth1, eth2\)"):
        gateway.plan(state(), wanted(interface="eth7"), "eth0")


def test_the_uplink_is_not_a_segment():
    with pytest.raises(Refused, match="the interface of br77 is that of another network"):
        gateway.plan(state(), wanted(interface="eth0"), "eth0")


@pytest.mark.parametrize("found", [{"init": ""}, {"tools": frozenset({"nft"})}])
def test_a_pixel_without_networkd_is_refused(found):
    with pytest.raises(Unsupported, match="requires systemd and systemd-networkd"):
        gateway.plan(state(**found), wanted(), "eth0")


def test_a_segment_loses_connections_where_its_policy_narrows_or_is_unknown():
    before = {"br77": wanted(BOTH)[0].as_dict()}

    def narrowed(egress, **more):
        return gateway.narrowed(state(**{"segments": before, "loaded": frozenset({"br77"}), **more}), wanted(egress))

    assert narrowed(BOTH) == []
    assert narrowed(ONE) == ["br77"]
    assert narrowed(BOTH, loaded=frozenset()) == ["br77"]
    assert narrowed(BOTH, segments={"br77": {"name": "br77"}}) == ["br77"]
    assert narrowed(BOTH, segments={}) == []


def test_lines_that_are_invalid_are_ignored():
    text = base64.b64encode(b"{").decode()
    lines = [
        *("nic eth0 nonsense", "nic eth1 02:00:00:00:00:02", "uplink ../..", f"segment br77 {text}"),
        *("file", "", "x y z"),
    ]

    found = gateway.parse("\n".join(lines))

    assert (found.nics, found.uplink, found.files) == ({"eth1": "02:00:00:00:00:02"}, "", {})
    assert found.segments == {"br77": {"name": "br77"}}


def test_refusals_have_their_source():
    listing = """
        elements = { 10.77.0.5 . 151.101.1.1 . 6 . 443 timeout 1d expires 23h counter packets 2 bytes 120,
                     10.77.0.6 . 151.101.1.1 . 17 . 53 timeout 1d expires 23h counter packets 7 bytes 420 }
    """

    assert gateway.parse_refused(listing) == [
        {"source": "10.77.0.6", "address": PLAIN, "protocol": "udp", "port": 53, "packets": 7},
        {"source": "10.77.0.5", "address": PLAIN, "protocol": "tcp", "port": 443, "packets": 2},
    ]


@pytest.fixture(scope="module")
def internet():
    names = {"docs.example.com": (DOCS,), "other.example.com": (OTHER,)}
    made = segments.SegmentedInternet([{"name": "br77"}], names, extra=(PLAIN,), is_set_up=False)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shell(internet):
    made = segments.GatewayShell(internet.gateway)
    yield made
    made.reset()


@pytest.mark.skipif(bool(segments.unavailable()), reason=segments.unavailable() or "-")
@pytest.mark.timeout(240)
class TestRealPackets:
    """A gateway whose init system is a script."""

    def ensure(self, shell, egress):
        found = gateway.inspect(shell)
        change = gateway.plan(found, wanted(egress), "eth0")
        if change.needed:
            gateway.apply(shell, found, wanted(egress), "eth0")
        return change

    def test_a_gateway_is_set_up_once_and_changed_without_disturbing_other_connections(self, internet, shell):
        assert self.ensure(shell, BOTH).before == {"segments": []}
        assert "restart systemd-networkd" in shell.log()
        guest = internet.guest("br77", 1)
        internet.internet.wait_until(lambda: guest.connect("docs.example.com") == "open")
        held = {
            name: namespaces.Held(internet.internet, name, guest) for name in ("docs.example.com", "other.example.com")
        }
        assert {name: each.state() for name, each in held.items()} == dict.fromkeys(held, "open")
        shell.commands = 0

        again = self.ensure(shell, BOTH)
        commands = shell.commands
        change = self.ensure(shell, ONE)

        assert (again.needed, commands) == (False, 1)
        assert change.before["segments"][0]["egress"]["allow"] == ["docs.example.com", "other.example.com"]
        assert shell.log() == ["start pixels-gateway", "start pixels-segment@br77"]
        assert {name: each.state() for name, each in held.items()} == {
            "docs.example.com": "open",
            "other.example.com": "ConnectionResetError",
        }
        for each in held.values():
            each.close()
        guest.connect(PLAIN, 80)
        refused = gateway.refused_by(shell, "br77")
        assert {(each["source"], each["address"], each["port"]) for each in refused} >= {
            (internet.address(guest), PLAIN, 80)
        }

    @pytest.mark.wide
    def test_rules_that_were_changed_are_drift_and_put_back(self, internet, shell):
        self.ensure(shell, ONE)
        internet.gateway.run("nft", "insert", "rule", "inet", "pixels_br77", "leaving", "accept")

        change = self.ensure(shell, ONE)

        assert change.before["drift"] == ["the rules of br77 in force are not those of its policy"]
        assert not self.ensure(shell, ONE).needed
