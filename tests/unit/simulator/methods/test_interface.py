# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how the NAS shows its network to a client that looks for a parent of new NICs."""

from __future__ import annotations

from tests.simulator import lan
from tests.unit.simulator.nas import Nas


def test_addresses_by_dhcp_are_live_but_not_configured(nas: Nas) -> None:
    [eno1] = nas.call("interface.query", [["name", "=", "eno1"]])

    assert (eno1["type"], eno1["aliases"], eno1["ipv4_dhcp"]) == ("PHYSICAL", [], True)
    assert {"type": "INET", "address": "192.168.1.10", "netmask": 24, "broadcast": "192.168.1.255"} in (
        eno1["state"]["aliases"]
    )


def test_static_addresses_are_both(nas: Nas) -> None:
    nas.world.interfaces["eno1"] = lan.physical(dhcp=False)

    [eno1] = nas.call("interface.query", [["name", "=", "eno1"]])

    assert eno1["aliases"] == [{"type": "INET", "address": "192.168.1.10", "netmask": 24}]


def test_bridges_laggs_and_vlans_have_members_of_their_own(nas: Nas) -> None:
    nas.world.interfaces |= {each.name: each for each in (lan.bridge(), lan.lagg(), lan.vlan())}

    rows = {row["type"]: row for row in nas.call("interface.query")}

    assert rows["BRIDGE"]["bridge_members"] == ["eno1"]
    assert rows["LINK_AGGREGATION"]["lag_ports"] == ["eno1", "eno2"]
    assert (rows["VLAN"]["vlan_parent_interface"], rows["VLAN"]["state"]["tag"]) == ("eno1", 10)


def test_25_10_says_more_about_a_state(nas: Nas) -> None:
    [row] = nas.call("interface.query", [["name", "=", "eno1"]])

    assert ("ports" in row["state"]) is nas.release.interface_state_has_lag_fields


def test_the_summary_holds_live_addresses_routes_and_name_servers(nas: Nas) -> None:
    assert nas.call("network.general.summary") == {
        "ips": {"eno1": {"IPV4": ["192.168.1.10/24"], "IPV6": ["fe80::3eec:efff:fe00:1/64"]}},
        "default_routes": ["192.168.1.1"],
        "nameservers": ["192.168.1.1"],
    }


BR77 = {"type": "BRIDGE", "name": "br77", "bridge_members": [], "stp": False}


def make_bridge(nas: Nas) -> None:
    nas.call("interface.create", BR77)
    nas.call("interface.commit", {"rollback": True, "checkin_timeout": 60})
    nas.call("interface.checkin")


def names(nas: Nas, **wanted: object) -> list[str]:
    rows = nas.call("interface.query")
    return [row["name"] for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_a_bridge_is_fake_until_a_commit_makes_it(nas: Nas) -> None:
    nas.call("interface.create", BR77)
    assert names(nas, fake=True) == ["br77"]
    assert nas.call("interface.has_pending_changes")

    nas.call("interface.commit", {"rollback": True, "checkin_timeout": 60})
    assert 50 < nas.call("interface.checkin_waiting") <= 60
    nas.call("interface.checkin")

    assert (names(nas, fake=True), names(nas, fake=False)) == ([], ["eno1", "eno2", "br77"])
    assert nas.call("interface.checkin_waiting") is None
    assert not nas.call("interface.has_pending_changes")


def test_a_commit_without_a_check_in_is_taken_back(nas: Nas) -> None:
    nas.call("interface.create", BR77)
    nas.call("interface.commit", {"rollback": True, "checkin_timeout": 1})

    nas.wait_until(lambda: "br77" not in nas.world.interfaces)

    assert not nas.call("interface.has_pending_changes")
    assert nas.world.interfaces["eno1"].live


def test_deleting_and_checking_in_drops_pending_changes_without_a_commit(nas: Nas) -> None:
    nas.call("interface.create", BR77)

    nas.call("interface.delete", "br77")
    nas.call("interface.checkin")

    assert names(nas) == ["eno1", "eno2"]
    assert (nas.world.network.has_pending_changes, nas.world.network.commits) == (False, 0)


def test_a_deleted_bridge_stays_in_the_kernel_until_a_commit(nas: Nas) -> None:
    make_bridge(nas)

    nas.call("interface.delete", "br77")
    assert (names(nas), nas.world.has_interface("br77")) == (["eno1", "eno2"], True)
    nas.call("interface.rollback")
    assert names(nas, fake=False) == ["eno1", "eno2", "br77"]
    nas.call("interface.delete", "br77")
    nas.call("interface.commit", {"rollback": True, "checkin_timeout": 60})

    assert not nas.world.has_interface("br77")


def test_where_no_interface_is_configured_the_first_one_takes_the_address_of_the_others(nas: Nas) -> None:
    for each in nas.world.interfaces.values():
        each.configured = False
    assert names(nas, ipv4_dhcp=True) == ["eno1", "eno2"]

    nas.call("interface.create", BR77)
    assert names(nas, ipv4_dhcp=True) == []
    nas.call("interface.commit", {"rollback": True, "checkin_timeout": 60})
    assert nas.world.network.cut_off
    nas.call("interface.rollback")

    assert nas.world.interfaces["eno1"].live
    assert not nas.world.network.cut_off


def test_a_commit_takes_running_containers_of_incus_from_their_bridges(nas: Nas) -> None:
    nas.world.interfaces["br0"] = lan.bridge()
    web = nas.add("px-web")
    if nas.release.commit_detaches_veths:
        web.devices["eth0"] = {"type": "nic", "nictype": "bridged", "parent": "br0"}

    make_bridge(nas)

    expected = {"px-web": {"eth0"}} if nas.release.commit_detaches_veths else {}
    assert nas.world.network.detached == expected
    nas.world.network.attach(web)
    assert nas.world.network.detached == {}


def test_names_are_checked(nas: Nas) -> None:
    for name in ("bridge", "eno1", "br"):
        error = nas.refusal("interface.create", {**BR77, "name": name})
        assert error.triples[0][0] == "interface_create.name"

    assert not nas.call("interface.has_pending_changes")


def test_a_pair_of_nas_refuses_changes(nas: Nas) -> None:
    nas.world.network.failover = True

    assert "Failover must be disabled." in str(nas.refusal("interface.create", BR77))
    assert nas.call("failover.licensed")


def test_a_default_route_of_dhcp_counts_as_one_that_goes(nas: Nas) -> None:
    method = "network_config_to" if nas.has("interface.network_config_to_be_removed") else "default_route_will"

    assert nas.call(f"interface.{method}_be_removed") in (True, ["ipv4gateway", "nameserver1"])
    nas.world.network.gateway, nas.world.network.nameservers = "192.168.1.1", ["192.168.1.1"]

    assert nas.call(f"interface.{method}_be_removed") in (False, [])
