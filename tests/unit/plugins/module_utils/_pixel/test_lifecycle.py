# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is planned for a pixel; values in, values out."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import Found, Wanted, plan
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import Provision
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.sizes import MIB
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Image, Marks, Nic


def found(status="running", **details):
    settings = {"cpu": "2", "memory": 2048 * MIB, "autostart": True, "pool": "tank", "image": Image("Ubuntu", "noble")}
    nic, provisioned = details.pop("nic", None), details.pop("provisioned", None)
    return Found(Container("px-web", status, **{**settings, **details}), nic, provisioned)


@pytest.mark.parametrize(
    ("status", "state", "needed"),
    [
        ("running", "present", False),
        ("running", "started", False),
        ("running", "stopped", True),
        ("running", "restarted", True),
        ("running", "absent", True),
        ("stopped", "present", False),
        ("stopped", "started", True),
        ("stopped", "stopped", False),
        ("stopped", "restarted", True),
        ("stopped", "absent", True),
        ("frozen", "present", False),
        ("frozen", "started", True),
        ("frozen", "stopped", True),
    ],
)
def test_the_state_that_is_asked_for_decides(status, state, needed):
    assert plan(found(status), Wanted("px-web", state)).needed is needed


@pytest.mark.parametrize(
    ("state", "needed"),
    [("present", True), ("started", True), ("stopped", True), ("restarted", True), ("absent", False)],
)
def test_what_is_not_there_is_made_unless_it_should_be_absent(state, needed):
    assert plan(None, Wanted("px-web", state)).needed is needed


@pytest.mark.parametrize(
    ("state", "status"),
    [("present", "stopped"), ("started", "running"), ("stopped", "stopped"), ("restarted", "running")],
)
def test_a_new_one_runs_when_it_should(state, status):
    assert plan(None, Wanted("px-web", state)).after["status"] == status


@pytest.mark.parametrize(
    ("option", "value"),
    [("cpu", "4"), ("memory", 4096 * MIB), ("environment", {"A": "b"}), ("autostart", False)],
)
def test_every_setting_that_differs_is_changed(option, value):
    change = plan(found(), Wanted("px-web", **{option: value}))

    assert change.touches("cpu", "memory", "environment", "autostart").keys() == {option}


@pytest.mark.parametrize(
    ("option", "value"),
    [("cpu", "2"), ("memory", 2048 * MIB), ("environment", {}), ("autostart", True), ("pool", "tank")],
)
def test_a_setting_that_is_so_already_changes_nothing(option, value):
    assert not plan(found(), Wanted("px-web", **{option: value})).needed


def test_what_is_not_asked_for_stays():
    change = plan(found(environment={"A": "b"}, cpu="7"), Wanted("px-web"))

    assert not change.needed


def test_a_diff_shows_memory_as_people_write_it():
    change = plan(found(), Wanted("px-web", memory=4096 * MIB))

    assert (change.before["memory"], change.after["memory"]) == ("2GiB", "4GiB")


def test_another_image_is_refused_with_the_way_out():
    with pytest.raises(Unsupported, match="made from ubuntu noble.*cannot change it to debian/12: destroy web"):
        plan(found(), Wanted("px-web", image="debian/12"))


def test_another_pool_is_refused_with_the_way_out():
    with pytest.raises(Unsupported, match="lives on pool tank.*cannot move it to fast: destroy web"):
        plan(found(), Wanted("px-web", pool="fast"))


def test_what_goes_anyway_may_be_of_any_image():
    assert plan(found(), Wanted("px-web", "absent", image="debian/12", pool="fast")).after is None


def test_another_interface_is_a_change_and_the_same_is_none():
    eno1 = Nic("eno1", "macvlan")

    assert plan(found(nic=None), Wanted("px-web", nic=eno1)).needed
    assert plan(found(nic=Nic("br0", "bridged")), Wanted("px-web", nic=eno1)).touches("nic")
    assert not plan(found(nic=eno1), Wanted("px-web", nic=eno1)).needed


@pytest.mark.parametrize(("provisioned", "needed"), [(True, False), (False, True), (None, True)])
def test_what_is_not_provisioned_yet_is_a_change(provisioned, needed):
    wanted = Wanted("px-web", provision=Provision(("ssh-ed25519 AAAA",)))

    assert plan(found(provisioned=provisioned), wanted).needed is needed


@pytest.mark.parametrize("autostart", [True, False])
def test_a_setting_that_its_creation_left_open_is_a_change_whatever_it_is_to_be(autostart):
    left_open = found(autostart=False, marks=Marks(pending="autostart"))

    change = plan(left_open, Wanted("px-web", autostart=autostart))

    assert change.touches("autostart") == {"autostart": autostart}
