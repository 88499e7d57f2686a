# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of datasets of containers, which only the private API shows."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotPermitted, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Session
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import datasets

WEB = "tank/.ix-virt/containers/px-web"


@pytest.fixture
def web(truenas):
    truenas.world.add_container("px-web", status="STOPPED")
    return truenas.world.storage.zfs


def test_one_that_is_there_is_seen(session, web):
    assert datasets.exists(session, WEB)
    assert not datasets.exists(session, f"{WEB}-2")


def test_what_it_was_made_from_is_reported(session, truenas, web):
    truenas.world.add_snapshot("px-web", "ready")
    truenas.world.run(truenas.world.storage.clone(f"{WEB}@ready", "tank/copy"))

    assert datasets.find(session, "tank/copy").origin == f"{WEB}@ready"
    assert datasets.find(session, "tank").origin == ""
    assert datasets.find(session, "tank/none") is None


def test_those_of_a_beginning_are_listed_oldest_first(session, truenas, web):
    truenas.world.add_container("px-web-3")
    truenas.world.add_container("px-web-2")

    found = datasets.find_by_prefix(session, WEB)

    assert [each.name for each in found] == [WEB, f"{WEB}-3", f"{WEB}-2"]
    assert found[0].txg < found[1].txg < found[2].txg


def test_one_can_be_moved(session, web):
    datasets.rename(session, WEB, "tank/elsewhere")

    assert datasets.exists(session, "tank/elsewhere")
    with pytest.raises(Refused, match="parent does not exist"):
        datasets.rename(session, "tank/elsewhere", "tank/no/where")


def test_one_goes_with_its_snapshots_only_when_they_may_go(session, truenas, web):
    truenas.world.add_snapshot("px-web", "ready")

    with pytest.raises(Refused):
        datasets.delete(session, WEB)
    datasets.delete(session, WEB, with_snapshots=True)

    assert not datasets.exists(session, WEB)


def test_what_was_made_from_it_never_goes_with_it(session, truenas, web):
    truenas.world.add_snapshot("px-web", "ready")
    truenas.world.run(truenas.world.storage.clone(f"{WEB}@ready", "tank/copy"))

    with pytest.raises(Refused, match="dependent clones"):
        datasets.delete(session, WEB, with_snapshots=True)


def test_one_that_is_gone_already_is_no_error(session, truenas):
    datasets.delete(session, WEB)


def test_a_clone_takes_its_origin_over(session, truenas, web):
    truenas.world.add_snapshot("px-web", "ready")
    truenas.world.run(truenas.world.storage.clone(f"{WEB}@ready", "tank/copy"))

    datasets.promote(session, "tank/copy")

    assert set(truenas.world.snapshots) >= {"tank/copy@ready"}


def test_a_missing_permission_is_reported_with_the_role(truenas, nas, web):
    key = truenas.add_account("limited", roles=["SNAPSHOT_WRITE"])
    endpoint = Endpoint(nas["host"], nas["port"], ca_path=nas["ca_path"])
    with Session(endpoint, Credential("limited", api_key=key)) as session:
        for call in (
            lambda: datasets.exists(session, WEB),
            lambda: datasets.rename(session, WEB, "tank/x"),
            lambda: datasets.delete(session, WEB),
        ):
            with pytest.raises(NotPermitted, match="the role FULL_ADMIN"):
                call()
        with pytest.raises(NotPermitted, match="the role DATASET_WRITE"):
            datasets.promote(session, WEB)
