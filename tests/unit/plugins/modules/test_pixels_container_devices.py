# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the devices of a pixel on both generations."""

from __future__ import annotations

import re

import pytest

from ansible_collections.pixels.truenas.plugins.modules import pixels_container, pixels_fleet
from tests.unit.plugins.conftest import strike

DATA = {"type": "disk", "source": "tank/data", "path": "/data"}
OTHER = {"type": "disk", "source": "/mnt/tank/other", "path": "/other"}
PORT = {"type": "proxy", "listen_port": 8080, "connect_port": 80}
KEYBOARD = {"type": "usb", "vendor": "0x046B", "product": "ff10"}
GPU = {"type": "gpu", "pci": "01:00.0"}

both_apis = pytest.mark.parametrize("release", ["25.10", "26"])
incus = pytest.mark.parametrize("release", ["25.10"])
libvirt = pytest.mark.parametrize("release", ["26"])

ADD = {"25.10": "virt.instance.device_add", "26": "container.device.create"}


@pytest.fixture
def container(run, truenas):
    """Run the module on a NAS with two datasets and a GPU."""
    for name in ("data", "other"):
        truenas.world.storage.zfs.add(f"tank/{name}")
        (truenas.world.files.root / "mnt/tank" / name).mkdir(parents=True)
    truenas.world.gpus["0000:01:00.0"] = "NVIDIA"

    def run_module(name="web", **params):
        return run(pixels_container, **{"name": name, "state": "present", "wait_timeout": 20, **params})

    return run_module


@pytest.fixture
def attached(truenas, release):
    """Return what the NAS records of the devices of px-web, without NICs, by what identifies them."""

    def read():
        made = truenas.world.containers["px-web"]
        if release == "26":
            rows = [each.attributes for each in made.devices if each.attributes["dtype"] != "NIC"]
            return {row.get("target") or row.get("pci_address") or row["usb"]["vendor_id"]: row for row in rows}
        rows = [each for each in made.devices.values() if each["type"] != "nic"]
        return {row.get("path") or row.get("listen") or row.get("pci") or row["vendorid"]: row for row in rows}

    return read


@both_apis
@pytest.mark.parametrize("existing", [None, "RUNNING", "STOPPED"])
def test_check_mode_predicts_and_a_second_run_changes_nothing(container, truenas, existing, attached):
    if existing:
        truenas.world.add_container("px-web", status=existing, cpu=None)
    wanted = {"devices": [DATA, KEYBOARD, GPU]}

    predicted = container(**wanted, check_mode=True)
    assert existing is None or attached() == {}
    done = container(**wanted)

    assert (done["changed"], done["diff"]) == (predicted["changed"], predicted["diff"])
    assert len(attached()) == 3
    assert attached()["/data"]["source"] == "/mnt/tank/data"
    again = container(**wanted)
    assert (again["changed"], again["diff"]["before"]) == (False, again["diff"]["after"])


@incus
def test_a_port_of_the_nas_is_forwarded_and_changed_in_place(container, attached):
    container(devices=[PORT])
    assert attached()["tcp:0.0.0.0:8080"]["connect"] == "tcp:0.0.0.0:80"

    result = container(devices=[{**PORT, "connect_port": 81}])

    assert result["changed"]
    assert {name: row["connect"] for name, row in attached().items()} == {"tcp:0.0.0.0:8080": "tcp:0.0.0.0:81"}
    assert container(devices=[{**PORT, "protocol": "udp"}])["changed"]
    assert set(attached()) == {"tcp:0.0.0.0:8080", "udp:0.0.0.0:8080"}


@both_apis
def test_a_disk_at_the_same_path_is_replaced_and_its_diff_shows_both(container, attached):
    container(devices=[DATA])

    result = container(devices=[{**DATA, "source": "tank/other"}])

    assert [attached()["/data"]["source"]] == ["/mnt/tank/other"]
    before, after = (result["diff"][side]["devices"] for side in ("before", "after"))
    assert before == [{"type": "disk", "source": "/mnt/tank/data", "path": "/data"}]
    assert after == [{"type": "disk", "source": "/mnt/tank/other", "path": "/data"}]


@both_apis
def test_other_devices_stay_unless_they_are_to_be_purged(container, truenas, attached):
    container(devices=[DATA, OTHER, KEYBOARD])

    assert not container(devices=[DATA])["changed"]
    predicted = container(devices=[DATA], purge_devices=True, check_mode=True)
    done = container(devices=[DATA], purge_devices=True)

    assert (done["changed"], done["diff"]) == (predicted["changed"], predicted["diff"])
    assert set(attached()) == {"/data"}
    # The NIC, which the list does not have, is still there.
    assert len(truenas.world.containers["px-web"].devices) == 2
    assert container(devices=[], purge_devices=True)["changed"]
    assert attached() == {}


@both_apis
def test_omitted_devices_are_not_even_read(container, truenas, attached, release):
    container(devices=[DATA])
    truenas.stats.calls.clear()

    assert not container()["changed"]

    assert set(attached()) == {"/data"}
    assert truenas.stats.calls["virt.instance.device_list"] == 0


@libvirt
def test_a_port_cannot_be_forwarded_on_26_and_nothing_is_changed(container, truenas):
    for check_mode in (True, False):
        result = container(devices=[DATA, PORT], check_mode=check_mode)

        assert result["error"]["kind"] == "Unsupported"
        assert "cannot forward a port of the NAS to a container. Connect to port 80 of the address" in result["msg"]
    assert truenas.world.containers == {}


@libvirt
def test_a_device_leaves_a_running_pixel_only_with_a_stop(container, truenas, attached):
    container(devices=[DATA, OTHER], state="started")

    refused = container(devices=[DATA], purge_devices=True, check_mode=True)
    assert "cannot be removed while web is running. Set state: stopped for web first" in refused["msg"]
    assert container(devices=[DATA], purge_devices=True)["msg"] == refused["msg"]
    assert len(attached()) == 2

    assert container(devices=[DATA], purge_devices=True, state="stopped")["changed"]
    assert set(attached()) == {"/data"}
    assert truenas.world.containers["px-web"].status == "STOPPED"


@both_apis
@pytest.mark.parametrize(
    ("device", "message"),
    [
        ({**OTHER, "source": "tank/nope"}, "has no such directory"),
        ({"type": "gpu", "pci": "0000:02:00.0"}, "cannot use the GPU '0000:02:00.0': .* offers 0000:01:00.0"),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_what_the_nas_does_not_have_is_refused_before_any_change(container, truenas, device, message, there):
    if there:
        truenas.world.add_container("px-web", cpu=None)
    before = truenas.world.as_json()

    for check_mode in (True, False):
        result = container(devices=[DATA, device], labels={"a": "b"}, check_mode=check_mode)

        assert result["error"]["fields"][0]["field"] == "devices"
        assert re.search(message, result["msg"])
    assert truenas.world.as_json() == before


@incus
def test_a_directory_that_is_no_dataset_is_refused_before_any_change(container, truenas):
    (truenas.world.files.root / "mnt/tank/data/inner").mkdir()

    result = container(devices=[{**DATA, "source": "tank/data/inner"}])

    assert "accepts only the mount point of a dataset" in result["msg"]
    assert truenas.world.containers == {}


@both_apis
def test_what_the_nas_refuses_is_an_error_and_a_new_pixel_is_not_left_behind(container, truenas, release):
    if release == "26":
        strike(truenas, "fail", "container.device.create", after=1)
        message = "bad luck"
    else:
        truenas.world.ports_in_use[8080] = "Plex"
        message = "used by Plex"

    result = container(devices=[PORT if release == "25.10" else DATA])

    assert message in result["msg"]
    assert truenas.world.containers == {}


@both_apis
@pytest.mark.parametrize("fault", ["fail", "drop_before_call", "drop_before_reply"])
def test_a_run_that_ends_between_two_devices_is_continued_by_the_next(container, truenas, attached, release, fault):
    truenas.world.add_container("px-web", cpu=None)
    if fault == "fail":
        truenas.faults.add("fail_call", method=ADD[release], after=1, errno=14, reason="bad luck")
    else:
        truenas.faults.add(fault, method=ADD[release], after=1)
    wanted = {"devices": [DATA, OTHER, KEYBOARD]}

    result = container(**wanted)

    assert result["failed"]
    assert "adding the disk /other to web on" in result["msg"]
    assert "/data" in attached()
    assert container(**wanted)["changed"]
    assert len(attached()) == 3
    assert not container(**wanted)["changed"]


@incus
def test_removing_requires_a_role_that_the_error_names(container, truenas, nas, attached):
    container(devices=[DATA, OTHER])
    nas.update(username="manager", api_key=truenas.add_account("manager", roles=["VIRT_INSTANCE_WRITE"]))

    result = container(devices=[DATA], purge_devices=True)

    assert result["error"]["kind"] == "NotPermitted"
    assert "VIRT_INSTANCE_DELETE" in result["msg"]
    assert len(attached()) == 2


@pytest.mark.parametrize("release", ["25.04"])
def test_a_device_with_hostile_values_is_ignored_and_never_purged(container, truenas):
    truenas.world.add_container("px-web")
    devices = truenas.world.containers["px-web"].devices
    devices["x"] = {"type": "disk", "source": "/mnt/tank/\x1b[2J", "path": "/x"}
    devices["y"] = {"type": "usb", "vendorid": "\u202e", "productid": "ff10"}

    result = container(devices=[], purge_devices=True)

    assert "\x1b" not in str(result)
    assert {"x", "y"} <= set(devices)


@both_apis
def test_purging_requires_a_list(container, truenas):
    result = container(purge_devices=True)

    assert result["error"]["fields"][0]["field"] == "purge_devices"
    assert truenas.world.containers == {}


@both_apis
def test_the_members_of_a_fleet_have_devices_of_their_own(container, run, truenas):
    pixels = [{"name": "web", "devices": [DATA]}, {"name": "db", "devices": [{**DATA, "path": "relative"}]}]

    result = run(pixels_fleet, pixels=[pixels[0], "db"], defaults={"devices": [OTHER]}, state="present")

    assert [each["outcome"] for each in result["pixels"]] == ["created", "created"]
    paths = [str(truenas.world.containers[name].devices) for name in ("px-web", "px-db")]
    assert ["/mnt/tank/data" in paths[0], "/mnt/tank/other" in paths[1]] == [True, True]
    assert "path 'relative' is not an absolute path" in run(pixels_fleet, pixels=pixels)["msg"]


@incus
def test_a_clone_has_its_own_devices(container, truenas):
    truenas.world.add_container("px-base", status="STOPPED")

    result = container(**{"from": "base"}, devices=[DATA])

    assert result["changed"]
    assert "/data" in [each.get("path") for each in truenas.world.containers["px-web"].devices.values()]
    assert not container(**{"from": "base"}, devices=[DATA])["changed"]
