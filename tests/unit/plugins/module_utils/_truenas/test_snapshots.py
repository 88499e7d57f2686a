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
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Session
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import NEW, OLD, Snapshots, snapshot

WEB = "tank/.ix-virt/containers/px-web"


@pytest.fixture
def snapshots(session, truenas) -> Snapshots:
    truenas.world.add_container("px-web", status="STOPPED")
    return Snapshots(session)


def test_the_api_that_answers_is_the_one(snapshots, release):
    assert snapshots.service == {"25.04": OLD, "25.10": NEW}[release]


def test_an_account_that_may_not_ask_still_finds_out_which_api_there_is(truenas, nas, release):
    key = truenas.add_account("nobody", roles=["VIRT_INSTANCE_READ"])
    endpoint = Endpoint(nas["host"], nas["port"], ca_path=nas["ca_path"])
    with Session(endpoint, Credential("nobody", api_key=key)) as session:
        assert Snapshots(session).service == {"25.04": OLD, "25.10": NEW}[release]
        with pytest.raises(NotPermitted, match="the role SNAPSHOT_READ"):
            Snapshots(session).labels(WEB)


def test_what_is_taken_is_found(snapshots):
    taken = snapshots.take(WEB, "ready", {"org.pixels:made_by": "us"})

    assert (taken.id, taken.properties) == (f"{WEB}@ready", {"org.pixels:made_by": "us"})
    assert snapshots.find(WEB, "ready") == taken
    assert snapshots.of(WEB) == [taken]
    assert taken.created.tzinfo is datetime.UTC


def test_they_are_in_the_order_they_were_taken(snapshots):
    for label in ("b", "c", "a"):
        snapshots.take(WEB, label, {})

    assert [each.label for each in snapshots.of(WEB)] == ["b", "c", "a"]


def test_there_are_none_of_what_is_not_there(snapshots):
    assert snapshots.of("tank/.ix-virt/containers/px-nobody") == []
    assert snapshots.find(WEB, "never") is None


def test_clones_and_holds_are_told(snapshots, truenas):
    snapshots.take(WEB, "ready", {})
    snapshots.clone(f"{WEB}@ready", "tank/copy")
    truenas.world.storage.hold(f"{WEB}@ready")

    found = snapshots.find(WEB, "ready")

    assert (found.clones, found.holds) == (("tank/copy",), ("truenas",))


def test_a_label_is_taken_once(snapshots):
    snapshots.take(WEB, "ready", {})

    with pytest.raises(AlreadyExists):
        snapshots.take(WEB, "ready", {})


def test_zfs_refuses_are_told_apart(snapshots, truenas):
    for label in ("cloned", "held"):
        snapshots.take(WEB, label, {})
    snapshots.clone(f"{WEB}@cloned", "tank/copy")
    truenas.world.storage.hold(f"{WEB}@held")

    with pytest.raises(Invalid, match="tank/copy"):
        snapshots.delete(f"{WEB}@cloned")
    with pytest.raises(Refused, match="busy"):
        snapshots.delete(f"{WEB}@held")
    with pytest.raises(NotFound):
        snapshots.delete(f"{WEB}@never")
    with pytest.raises(Refused, match="more recent"):
        snapshots.rollback(f"{WEB}@cloned")


def test_newer_ones_go_with_a_rollback_that_may_take_them(snapshots):
    for label in ("ready", "later"):
        snapshots.take(WEB, label, {})

    snapshots.rollback(f"{WEB}@ready", discard_newer=True)

    assert snapshots.labels(WEB) == ["ready"]


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


def test_a_library_that_is_missing_here_is_not_blamed_on_the_nas():
    class Lacking:
        nas = "nas"

        def read(self, method, *params, timeout=None):
            raise MissingLibrary("websocket-client is needed")

    with pytest.raises(MissingLibrary):
        Snapshots(Lacking()).labels("tank")
