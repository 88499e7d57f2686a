# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of snapshots through either API, on a simulated NAS."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    AlreadyExists,
    Invalid,
    MissingLibrary,
    NotFound,
    NotPermitted,
    Refused,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Session
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import (
    NEW,
    NEWEST,
    OLD,
    SnapshotId,
    Snapshots,
    snapshot,
)
from tests.unit.plugins.conftest import BETA

WEB = "tank/.ix-virt/containers/px-web"
SERVICES = {"25.04": OLD, "25.10": NEW, BETA: NEWEST}


@pytest.fixture(params=SERVICES)
def release(request) -> str:
    """Each has another API."""
    return request.param


@pytest.fixture
def web(truenas) -> str:
    """The dataset of a container."""
    return truenas.world.add_container("px-web", status="STOPPED").dataset


@pytest.fixture
def snapshots(session, web) -> Snapshots:
    return Snapshots(session)


def test_the_api_that_answers_is_the_one(snapshots, release):
    assert snapshots.service == SERVICES[release]


@pytest.mark.parametrize("release", [BETA], indirect=True)
def test_requests_are_sent_without_waiting_for_earlier_replies(snapshots, truenas):
    # This is held back until the other one is answered.
    truenas.faults.add("reorder", method="zfs.resource.snapshot.query")

    assert snapshots.service == NEWEST

    assert truenas.stats.calls["pool.snapshot.query"] == 1


def test_an_account_that_may_not_ask_still_finds_out_which_api_there_is(truenas, nas, release):
    key = truenas.add_account("nobody", roles=["NETWORK_GENERAL_READ"])
    endpoint = Endpoint(nas["host"], nas["port"], ca_path=nas["ca_path"])
    with Session(endpoint, Credential("nobody", api_key=key)) as session:
        assert Snapshots(session).service == SERVICES[release]
        with pytest.raises(NotPermitted, match="the role SNAPSHOT_READ"):
            Snapshots(session).labels(WEB)


def test_what_is_taken_is_found(snapshots, web):
    taken = snapshots.take(web, "ready", {"org.pixels:made_by": "us"})

    assert (taken.id, taken.properties) == (f"{web}@ready", {"org.pixels:made_by": "us"})
    assert snapshots.find(web, "ready") == taken
    assert snapshots.find_all(web) == [taken]
    assert taken.created.tzinfo is datetime.UTC


def test_they_are_in_the_order_they_were_taken(snapshots, web):
    for label in ("b", "c", "a"):
        snapshots.take(web, label, {})

    assert [each.label for each in snapshots.find_all(web)] == ["b", "c", "a"]


def test_there_are_none_of_what_is_not_there(snapshots, web):
    assert snapshots.find_all("tank/.ix-virt/containers/px-nobody") == []
    assert snapshots.find(web, "never") is None


def test_clones_and_holds_are_reported(snapshots, truenas, web):
    snapshots.take(web, "ready", {})
    snapshots.clone(f"{web}@ready", "tank/copy")
    truenas.world.storage.hold(f"{web}@ready")

    found = snapshots.find(web, "ready")

    assert (found.clones, found.holds) == (("tank/copy",), ("truenas",))
    assert snapshots.find_all(web) == [found]


@pytest.mark.parametrize("release", ["26"])
def test_an_account_that_may_not_see_datasets_gets_no_clones_reported(truenas, web, session_of):
    truenas.world.add_snapshot("px-web", "ready")
    truenas.run(truenas.world.storage.clone(f"{web}@ready", "tank/copy"))

    found = Snapshots(session_of("SNAPSHOT_READ")).find_all(web)

    assert [(each.label, each.clones) for each in found] == [("ready", ())]


def test_a_label_is_taken_once(snapshots, web):
    snapshots.take(web, "ready", {})

    with pytest.raises(AlreadyExists):
        snapshots.take(web, "ready", {})


def test_zfs_refuses_are_reported_apart(snapshots, truenas, web):
    for label in ("cloned", "held"):
        snapshots.take(web, label, {})
    snapshots.clone(f"{web}@cloned", "tank/copy")
    truenas.world.storage.hold(f"{web}@held")

    with pytest.raises(Invalid, match="tank/copy"):
        snapshots.delete(f"{web}@cloned")
    with pytest.raises(Refused, match=r"busy|has the following holds"):
        snapshots.delete(f"{web}@held")
    with pytest.raises(NotFound):
        snapshots.delete(f"{web}@never")
    with pytest.raises(Refused, match="more recent"):
        snapshots.rollback(f"{web}@cloned")


def test_newer_ones_go_with_a_rollback_that_may_take_them(snapshots, web):
    for label in ("ready", "later"):
        snapshots.take(web, label, {})

    snapshots.rollback(f"{web}@ready", discard_newer=True)

    assert snapshots.labels(web) == ["ready"]


def test_what_a_snapshot_inherits_is_not_its_own():
    value = {"value": "x", "rawvalue": "x", "parsed": "x", "source": "LOCAL"}
    seven = {"rawvalue": "7"}
    row = {
        "dataset": WEB,
        "snapshot_name": "ready",
        "createtxg": "48211",
        "properties": {
            "used": seven,
            "referenced": seven,
            "creation": seven,
            "clones": {"rawvalue": ""},
            "a:own": value,
            "a:inherited": {**value, "source": "INHERITED"},
        },
    }

    found = snapshot(row)

    assert found.properties == {"a:own": "x"}
    assert (found.used, found.clones, found.holds) == (7, (), ())


@pytest.mark.parametrize("release", ["26"])
def test_what_the_nas_protects_from_everybody_is_not_supported(snapshots, web, truenas):
    truenas.world.add_snapshot("px-web", "old")

    for attempt in (
        lambda: snapshots.reject_protected(web),
        lambda: snapshots.take(web, "ready", {}),
        lambda: snapshots.delete(f"{web}@old"),
        lambda: snapshots.rollback(f"{web}@old"),
    ):
        with pytest.raises(Unsupported, match="does not support checkpoints.*protects their datasets.*copy it out"):
            attempt()
    assert [each.label for each in snapshots.find_all(web)] == ["old"]


def test_where_nothing_is_protected_a_question_changes_nothing(snapshots, web, truenas):
    truenas.world.add_snapshot("px-web", "old")
    truenas.world.storage.hold(f"{web}@old")

    snapshots.reject_protected(web)

    [found] = snapshots.find_all(web)
    assert (found.label, found.holds) == ("old", ("truenas",))


@pytest.mark.parametrize("release", ["26"])
def test_who_may_not_ask_what_is_protected_finds_out_later(web, session_of):
    Snapshots(session_of("SNAPSHOT_READ")).reject_protected(web)


def test_a_library_that_is_missing_here_is_not_blamed_on_the_nas():
    class Lacking:
        nas = "nas"

        def read(self, method, *params, timeout=None):
            raise MissingLibrary("websocket-client is needed")

    with pytest.raises(MissingLibrary):
        Snapshots(Lacking()).labels("tank")


@pytest.mark.parametrize("label", ["$(touch owned)", "a\nb", "x y\x1b[31m"])
def test_a_label_that_no_snapshot_can_have_is_omitted_with_a_warning(session, truenas, web, label):
    warnings = []
    kept = truenas.world.add_snapshot("px-web", "kept")
    hostile = truenas.world.add_snapshot("px-web", "hostile")
    hostile.label = label
    found = Snapshots(session, warnings.append)

    assert found.labels(kept.dataset) == ["kept"]
    assert [each.label for each in found.find_all(kept.dataset)] == ["kept"]
    assert warnings
    assert all("invalid label" in text and text.isprintable() for text in warnings)


def test_a_snapshot_id_has_a_dataset_and_a_label():
    assert SnapshotId.parse("tank/px-web@before") == ("tank/px-web", "before")
    assert SnapshotId.parse("tank/px-web").label == ""
    assert str(SnapshotId("tank/px-web", "before")) == "tank/px-web@before"
