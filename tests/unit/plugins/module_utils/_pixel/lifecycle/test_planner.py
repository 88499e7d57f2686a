# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is planned for a pixel; values in, values out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import Origin
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.memory_size import MIB
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.planner import describe, plan
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import CurrentState, PixelSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Image, Metadata, Nic
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

WEB = PixelName("px-web")
BASE = PixelName("px-base")


def found(status="running", **details):
    settings = {"cpu": "2", "memory": 2048 * MIB, "autostart": True, "pool": "tank", "image": Image("Ubuntu", "noble")}
    nic, provisioned = details.pop("nic", None), details.pop("provisioned", None)
    return CurrentState(Container(WEB, status, **{**settings, **details}), nic, provisioned=provisioned)


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
    assert plan(found(status), PixelSpec(WEB, state)).needed is needed


@pytest.mark.parametrize(
    ("state", "needed"),
    [("present", True), ("started", True), ("stopped", True), ("restarted", True), ("absent", False)],
)
def test_what_is_not_there_is_made_unless_it_should_be_absent(state, needed):
    assert plan(None, PixelSpec(WEB, state)).needed is needed


@pytest.mark.parametrize(
    ("state", "status"),
    [("present", "stopped"), ("started", "running"), ("stopped", "stopped"), ("restarted", "running")],
)
def test_a_new_one_runs_when_it_should(state, status):
    assert plan(None, PixelSpec(WEB, state)).after["status"] == status


@pytest.mark.parametrize(
    ("option", "value"),
    [("cpu", "4"), ("memory", 4096 * MIB), ("environment", {"A": "b"}), ("autostart", False)],
)
def test_every_setting_that_differs_is_changed(option, value):
    change = plan(found(), PixelSpec(WEB, **{option: value}))

    assert change.touches("cpu", "memory", "environment", "autostart").keys() == {option}


@pytest.mark.parametrize(
    ("option", "value"),
    [("cpu", "2"), ("memory", 2048 * MIB), ("environment", {}), ("autostart", True), ("pool", "tank")],
)
def test_a_setting_that_is_so_already_changes_nothing(option, value):
    assert not plan(found(), PixelSpec(WEB, **{option: value})).needed


def test_what_is_not_asked_for_stays():
    change = plan(found(environment={"A": "b"}, cpu="7"), PixelSpec(WEB))

    assert not change.needed


def test_a_diff_shows_memory_as_people_write_it():
    change = plan(found(), PixelSpec(WEB, memory=4096 * MIB))

    assert (change.before["memory"], change.after["memory"]) == ("2GiB", "4GiB")


def test_another_image_is_refused_with_the_fix():
    with pytest.raises(Unsupported, match="made from ubuntu noble.*cannot change it to debian/12. Destroy web"):
        plan(found(), PixelSpec(WEB, image="debian/12"))


def test_another_pool_is_refused_with_the_fix():
    with pytest.raises(Unsupported, match="is on pool tank.*cannot move it to fast. Destroy web"):
        plan(found(), PixelSpec(WEB, pool="fast"))


def test_what_goes_anyway_may_be_of_any_image():
    assert plan(found(), PixelSpec(WEB, "absent", image="debian/12", pool="fast")).after is None


def test_another_interface_is_a_change_and_the_same_is_none():
    eno1 = Nic("eno1", "macvlan")

    assert plan(found(nic=None), PixelSpec(WEB, nic=eno1)).needed
    assert plan(found(nic=Nic("br0", "bridged")), PixelSpec(WEB, nic=eno1)).touches("nic")
    assert not plan(found(nic=eno1), PixelSpec(WEB, nic=eno1)).needed


@pytest.mark.parametrize(("provisioned", "needed"), [(True, False), (False, True), (None, True)])
def test_what_is_not_provisioned_yet_is_a_change(provisioned, needed):
    wanted = PixelSpec(WEB, provision=ProvisionSpec(("ssh-ed25519 AAAA",)))

    assert plan(found(provisioned=provisioned), wanted).needed is needed


@pytest.mark.parametrize("autostart", [True, False])
def test_a_setting_that_its_creation_left_open_is_a_change_to_any_value(autostart):
    left_open = found(autostart=False, metadata=Metadata(pending="autostart"))

    change = plan(left_open, PixelSpec(WEB, autostart=autostart))

    assert change.touches("autostart") == {"autostart": autostart}


KEY = ProvisionSpec(("ssh-ed25519 AAAA",))


def test_a_new_pixel_is_shown_with_all_that_is_known_of_it():
    spec = PixelSpec(
        WEB,
        image="debian/12",
        cpu="2",
        memory=2048 * MIB,
        fleet="agents",
        owner="alice",
        labels={"role": "web"},
        pool="tank",
        nic=Nic("eno1"),
        provision=KEY,
        origin=Origin(BASE, "ready"),
    )

    change = plan(None, spec)

    assert change.before is None
    assert change.after == {
        "status": "running",
        "cpu": "2",
        "memory": "2GiB",
        "fleet": "agents",
        "owner": "alice",
        "labels": {"role": "web"},
        "nic": {"parent": "eno1", "type": "macvlan"},
        "provisioned": True,
        "image": "debian/12",
        "storage_pool": "tank",
        "from": "base@ready",
    }


def test_an_existing_pixel_is_shown_with_what_it_has_of_what_is_specified():
    current = found(
        nic=Nic("eno1"),
        provisioned=False,
        environment={"A": "b"},
        metadata=Metadata(fleet="agents", owner="alice", labels={"role": "web"}, origin="base@ready"),
    )
    settings = {"status": "running", "cpu": "2", "memory": "2GiB", "environment": {"A": "b"}, "autostart": True}

    assert describe(current, PixelSpec(WEB)) == settings
    spec = PixelSpec(WEB, owner="bob", nic=Nic("eno2"), provision=KEY, origin=Origin(BASE))
    assert describe(current, spec) == {
        **settings,
        "owner": "alice",
        "nic": {"parent": "eno1", "type": "macvlan"},
        "provisioned": False,
        "from": "base@ready",
    }
    assert describe(current, replace(spec, state="absent")).keys() == {*settings, "owner", "nic"}


@pytest.mark.parametrize(
    ("status", "state", "before", "stays"),
    [
        ("stopped", "present", "restore", True),
        ("running", "present", "restore", False),
        ("stopped", "started", "restore", False),
        ("stopped", "stopped", "checkpoint", False),
    ],
)
def test_a_decided_state_ends_what_an_interrupted_operation_left(status, state, before, stays):
    change = plan(found(status, metadata=Metadata(stopped_by=before)), PixelSpec(WEB, state))

    assert change.before["stopped_by"] == before
    assert ("stopped_by" in change.after) is stays


def test_what_an_operation_left_undone_is_done():
    change = plan(found(unfinished=("it has no NIC",)), PixelSpec(WEB, "present"))

    assert change.before["unfinished"] == ["it has no NIC"]
    assert "unfinished" not in change.after


@pytest.mark.parametrize(
    ("spec", "omitted"),
    [
        (PixelSpec(WEB, image="debian/12"), "image"),
        (PixelSpec(WEB, pool="fast"), "storage_pool"),
        (PixelSpec(WEB, origin=Origin(BASE)), "from"),
    ],
)
def test_what_cannot_change_is_refused_with_both_fixes(spec, omitted):
    with pytest.raises(Unsupported) as refused:
        plan(found(), spec)

    again, omit = refused.value.hints
    assert again == Hint.advice("destroy web and create it again")
    assert omit == Hint.omit(omitted)


@pytest.mark.parametrize(
    ("marks", "problem"),
    [
        (Metadata(origin="other@ready"), "web was cloned from other@ready, and cannot become a clone of base"),
        (Metadata(), "web is not a clone, and cannot become a clone of base"),
    ],
)
def test_another_source_is_refused(marks, problem):
    with pytest.raises(Unsupported) as refused:
        plan(found(metadata=marks), PixelSpec(WEB, origin=Origin(BASE)))

    assert refused.value.message == problem


def test_a_clone_that_is_not_finished_is_refused_with_its_source_and_its_status():
    with pytest.raises(Unsupported) as refused:
        plan(found("frozen", metadata=Metadata(cloning="base@ready")), PixelSpec(WEB))

    assert refused.value.message == "web is an unfinished clone of base@ready (frozen)"
    assert refused.value.hints == (
        Hint.advice("destroy it"),
        Hint.option("from", "base@ready", "to finish it if it is stopped", pixel="web"),
    )


def test_a_pool_that_the_nas_does_not_report_counts_as_the_same():
    assert not plan(found(pool=None), PixelSpec(WEB, pool="fast")).needed


NONE = policy.parse("none")


@pytest.mark.parametrize(
    ("marks", "was"),
    [
        (Metadata(egress=NONE.note), NONE.as_dict()),
        (Metadata(), {"mode": "unrestricted"}),
        (Metadata(egress="another"), {"mode": "unknown"}),
    ],
)
def test_the_policy_of_a_stopped_pixel_is_that_of_its_metadata(marks, was):
    change = plan(found("stopped", metadata=marks), PixelSpec(WEB, egress=NONE))

    assert (change.before["egress"], change.after["egress"]) == (was, NONE.as_dict())


@pytest.mark.parametrize("state", ["present", "stopped"])
def test_a_policy_cannot_change_where_no_process_can_load_it(state):
    with pytest.raises(Unsupported) as refused:
        plan(found("stopped"), PixelSpec(WEB, state, egress=NONE))

    assert refused.value.message == "the egress policy of web cannot be changed while web is stopped"
    assert refused.value.hints == (Hint.state("started", "web"),)


def test_the_policy_of_a_new_pixel_is_part_of_what_is_made():
    assert plan(None, PixelSpec(WEB, egress=NONE)).after["egress"] == NONE.as_dict()
    assert "egress" not in plan(None, PixelSpec(WEB)).after


def test_only_a_restart_is_a_change_of_its_own():
    assert plan(found(), PixelSpec(WEB, "restarted")).always
    assert not plan(found(), PixelSpec(WEB, "started")).always
