# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of pixels on a segment, and of those with further network interfaces, on each release."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments import segment
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from ansible_collections.pixels.truenas.plugins.modules import pixels_container, pixels_fleet, pixels_segment
from tests.simulator import lan
from tests.unit.plugins.conftest import INCUS

each_release = pytest.mark.parametrize("release", [pytest.param("25.04", marks=pytest.mark.wide), "25.10", "26"])
newest_incus = pytest.mark.parametrize("release", ["25.10"])
libvirt = pytest.mark.parametrize("release", ["26"])
both_apis = pytest.mark.parametrize("release", ["25.10", "26"])

NIC = {"type": "nic", "segment": "br77"}
WIRE = {"mode": "none", "enforce": "gateway"}
ADD = {"25.10": "virt.instance.device_add", "26": "container.device.create"}


@pytest.fixture
def container(run, truenas):
    """Run the module on a NAS with two segments."""
    lan.configure_statically(truenas.world)
    for name in ("br77", "br78"):
        assert run(pixels_segment, name=name)["changed"]

    def run_module(name="web", **params):
        return run(pixels_container, **{"name": name, "state": "present", "wait_timeout": 20, **params})

    return run_module


@pytest.fixture
def nics(truenas, release):
    """Return the parents and types of the NICs of a pixel, in the order that they have in it."""

    def read(name="px-web"):
        made = truenas.world.containers[name]
        if release in INCUS:
            found = {**truenas.world.profile, **made.devices}
            rows = {key: each for key, each in sorted(found.items()) if each["type"] == "nic"}
            return [(key, each.get("parent"), each.get("nictype")) for key, each in rows.items()]
        rows = [each.attributes["nic_attach"] for each in made.devices if each.attributes["dtype"] == "NIC"]
        return [(f"eth{number}", parent, None) for number, parent in enumerate(rows)]

    return read


@each_release
@pytest.mark.parametrize("existing", [False, True])
def test_the_only_nic_of_a_pixel_is_on_the_segment(container, truenas, nics, release, existing, pixels):
    if existing:
        container()
    wanted = {"nic": {"segment": "br77"}, "egress": WIRE}

    predicted = container(**wanted, check_mode=True)
    done = container(**wanted)

    assert (done["changed"], done["diff"]) == (predicted["changed"], predicted["diff"])
    # A bridged NIC of Incus would be lost with the next change of the network of the NAS.
    expected = "macvlan" if release in INCUS else None
    assert nics() == [("eth0", "br77", expected)]
    assert done["diff"]["after"]["nic"] == {"parent": "br77", "type": expected or "bridged"}
    again = container(**wanted)
    assert (again["changed"], again["diff"]["before"]) == (False, again["diff"]["after"])
    assert segment.of_pixel(pixels, PixelName("px-web")) == "br77"


@each_release
def test_a_pixel_with_two_nics_connects_a_segment_to_the_network_of_the_nas(container, nics, release, pixels):
    wanted = {"nic": {"parent": "eno1"}, "devices": [NIC, {**NIC, "segment": "br78"}]}

    predicted = container(**wanted, check_mode=True)
    done = container(**wanted)

    assert (done["changed"], done["diff"]) == (predicted["changed"], predicted["diff"])
    kind = "macvlan" if release in INCUS else None
    assert nics() == [("eth0", "eno1", kind), ("eth1", "br77", kind), ("eth2", "br78", kind)]
    assert not container(**wanted)["changed"]
    assert segment.of_pixel(pixels, PixelName("px-web")) is None


@each_release
def test_the_first_nic_can_stay_on_the_internal_bridge_of_the_nas(container, truenas, nics, release):
    truenas.world.interfaces["eno1"].up = False

    container(devices=[NIC])

    assert [each[0] for each in nics()] == ["eth0", "eth1"]
    assert nics()[1][1] == "br77"
    assert not container(devices=[NIC])["changed"]


@both_apis
def test_further_nics_are_added_to_an_existing_pixel_and_purged(container, nics):
    container(nic={"parent": "eno1"})
    assert len(nics()) == 1

    assert container(devices=[NIC])["changed"]
    assert [each[:2] for each in nics()] == [("eth0", "eno1"), ("eth1", "br77")]
    assert not container(devices=[])["changed"]
    predicted = container(devices=[], purge_devices=True, check_mode=True)
    done = container(devices=[], purge_devices=True)

    assert (done["changed"], done["diff"]) == (predicted["changed"], predicted["diff"]) == (True, done["diff"])
    assert [each[:2] for each in nics()] == [("eth0", "eno1")]


@both_apis
def test_the_first_nic_is_moved_and_the_others_stay(container, nics):
    container(nic={"parent": "eno1"}, devices=[NIC])

    assert container(nic={"segment": "br78"}, devices=[NIC])["changed"]

    assert [each[:2] for each in nics()] == [("eth0", "br78"), ("eth1", "br77")]
    assert not container(nic={"segment": "br78"}, devices=[NIC])["changed"]


@newest_incus
def test_a_bridged_nic_on_a_segment_is_replaced(container, truenas, nics):
    container(nic={"parent": "eno1"})
    made = truenas.world.containers["px-web"]
    made.devices["eth1"] = {"name": "eth1", "type": "nic", "nictype": "bridged", "parent": "br77"}

    done = container(devices=[NIC])

    assert done["diff"]["before"]["devices"] == [{**NIC, "detail": "bridged"}]
    assert nics()[1] == ("eth1", "br77", "macvlan")


@both_apis
def test_a_nic_that_could_not_be_added_is_added_by_the_next_run(container, truenas, nics, release):
    container(nic={"parent": "eno1"})
    truenas.faults.add("fail_call", method=ADD[release], errno=14, reason="bad luck")

    assert "NIC on br77" in container(devices=[NIC])["msg"]
    assert len(nics()) == 1

    assert container(devices=[NIC])["changed"]
    assert [each[:2] for each in nics()] == [("eth0", "eno1"), ("eth1", "br77")]


@both_apis
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"nic": {"segment": "br9"}}, "cannot attach a container to the segment 'br9'"),
        ({"devices": [{**NIC, "segment": "br9"}]}, "cannot use the segment 'br9'"),
        ({"devices": [{**NIC, "segment": "eno1"}]}, "segment 'eno1' is not the name of a bridge such as br77"),
        ({"devices": [{"type": "nic"}]}, "segment is missing"),
        ({"devices": [NIC, NIC]}, "it is listed more than once"),
        ({"nic": {}}, "set one of parent and segment"),
        ({"nic": {"segment": "br77", "parent": "eno1"}}, "set one of parent and segment"),
        ({"nic": {"segment": "br77", "type": "bridged"}}, "Omit type"),
        ({"egress": WIRE}, "the pixel is not on a segment. Set nic.segment"),
        ({"egress": WIRE, "nic": {"parent": "br77"}}, "the pixel is not on a segment. Set nic.segment"),
        ({"egress": WIRE, "nic": {"segment": "br77"}, "devices": [NIC]}, "the pixel has another network interface"),
        ({"egress": {**WIRE, "mode": "agent"}, "nic": {"segment": "br77"}}, "Set mode: none and nothing else"),
        ({"egress": {**WIRE, "allow": ["a.org"]}, "nic": {"segment": "br77"}}, "Set mode: none and nothing else"),
        ({"egress": {"mode": "none", "enforce": "router"}}, "use guest or gateway"),
    ],
)
def test_what_is_not_isolated_is_refused_before_anything_is_created(container, truenas, params, message):
    for check_mode in (True, False):
        assert message in container(**params, check_mode=check_mode)["msg"]

    assert "px-web" not in truenas.world.containers


@both_apis
def test_a_bridge_with_a_port_is_no_segment(container, truenas):
    truenas.world.interfaces["br77"].details["bridge_members"] = ["eno2"]

    result = container(nic={"segment": "br77"})

    assert "br77 has the port eno2" in result["msg"]
    assert "px-web" not in truenas.world.containers


@libvirt
def test_a_segment_without_sysctls_is_warned_of(container, truenas, session):
    warned = []
    segment.reject_open(Pixels(session, warn=warned.append), "br77")
    assert warned == []
    truenas.world.network.tunables.clear()

    segment.reject_open(Pixels(session, warn=warned.append), "br77")

    assert "br77 may not keep pixels from" in warned[0]
    assert container(nic={"segment": "br77"})["changed"]


@both_apis
def test_the_policy_of_the_configuration_is_not_installed_on_a_segment(container, truenas, monkeypatch, run):
    monkeypatch.setenv("PIXELS_NETWORK_EGRESS", "agent")

    result = container(nic={"segment": "br77"})

    assert "egress" not in result["diff"]["after"]
    assert "egress" in container("other", state="started", nic={"parent": "eno1"}, check_mode=True)["diff"]["after"]


@both_apis
def test_a_fleet_is_on_a_segment(run, container, truenas, nics):
    wanted = {"pixels": ["a", "b"], "defaults": {"nic": {"segment": "br77"}, "egress": WIRE, "state": "present"}}

    assert run(pixels_fleet, **wanted)["changed"]

    assert [each[1] for name in ("px-a", "px-b") for each in nics(name)] == ["br77", "br77"]
    assert not run(pixels_fleet, **wanted)["changed"]


@newest_incus
def test_a_clone_is_on_the_segment_of_its_source(container, truenas, nics, monkeypatch):
    container(nic={"segment": "br77"})
    monkeypatch.setenv("PIXELS_NETWORK_EGRESS", "agent")

    result = container("copy", **{"from": "web"})

    assert not result.get("failed"), result["msg"]
    assert nics("px-copy") == [("eth0", "br77", "macvlan")]
    assert "egress" not in result["diff"]["after"]


@both_apis
def test_pixels_create_has_an_option_for_a_segment(container, pixels_command, truenas, nics):
    ended = pixels_command("create", "web", "--segment", "br77", "--no-provision", "--wait", "none")

    assert ended.returncode == 0, ended.stderr
    assert [each[1] for each in nics()] == ["br77"]
    assert "br9" in pixels_command("create", "db", "--segment", "br9").stderr
