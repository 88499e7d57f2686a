# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that a container of TrueNAS 26 goes with its snapshots, and that its files are never lost sight of."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    Refused,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import lxc_delete
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.lxc_backend import LxcBackend
from tests.unit.plugins.conftest import BETA

WEB = "tank/.truenas_containers/containers/px-web"
WITHIN = 30.0


on_candidate = pytest.mark.parametrize("release", ["26"])


@pytest.fixture
def release() -> str:
    return BETA


@pytest.fixture
def web(truenas) -> None:
    truenas.world.add_container("px-web", status="STOPPED")


def is_there(truenas) -> tuple[bool, bool]:
    """The container, and its files."""
    return "px-web" in truenas.world.containers, truenas.world.storage.zfs.exists(WEB)


def test_one_with_snapshots_leaves_nothing(session, truenas, web):
    for label in ("ready", "later"):
        truenas.world.add_snapshot("px-web", label)

    LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, False)
    assert [each for each in truenas.world.snapshots if each.startswith(WEB)] == []


def test_a_snapshot_that_is_held_keeps_it_and_all_others(session, truenas, web):
    for label in ("ready", "held"):
        truenas.world.add_snapshot("px-web", label)
    truenas.world.storage.hold(f"{WEB}@held")

    with pytest.raises(Refused, match="px-web was not deleted.*nothing was changed.*held"):
        LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)
    assert len([each for each in truenas.world.snapshots if each.startswith(WEB)]) == 2


@pytest.fixture
def cloned(truenas, web) -> None:
    """Something was made from the newer of its snapshots."""
    for label in ("old", "cloned"):
        truenas.world.add_snapshot("px-web", label)
    truenas.run(truenas.world.storage.clone(f"{WEB}@cloned", "tank/copy"))


def test_one_that_something_was_cloned_from_stays_with_all_its_snapshots(session, truenas, cloned):
    with pytest.raises(Refused, match="px-web was not deleted.*nothing was changed.*tank/copy was cloned from cloned"):
        LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)
    assert f"{WEB}@old" in truenas.world.snapshots


def test_a_clone_that_the_account_cannot_see_is_reported_by_the_nas(truenas, cloned, session_of):
    session = session_of("CONTAINER_WRITE", "SNAPSHOT_READ", "SNAPSHOT_DELETE")

    with pytest.raises(Refused, match="px-web was not deleted.*snapshot cloned.*tank/copy"):
        LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)


@on_candidate
def test_a_candidate_gets_no_advice_to_destroy_clones(session, truenas, cloned):
    with pytest.raises(Refused, match="tank/copy was cloned from cloned"):
        LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)
    assert truenas.world.storage.zfs.exists("tank/copy")


def test_an_account_that_may_not_see_snapshots_removes_nothing_from_a_beta(truenas, web, session_of):
    with pytest.raises(NotPermitted, match="px-web was not deleted.*its files would remain.*SNAPSHOT_READ"):
        LxcBackend(session_of("CONTAINER_WRITE"), None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)


def test_an_account_that_may_see_and_not_delete_them_removes_nothing_either(truenas, web, session_of):
    truenas.world.add_snapshot("px-web", "ready")

    with pytest.raises(NotPermitted, match="snapshot ready.*SNAPSHOT_DELETE"):
        LxcBackend(session_of("CONTAINER_WRITE", "SNAPSHOT_READ"), None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)


def racing(session, truenas):
    """A NAS where a snapshot is taken just before the container goes."""

    class Racing:
        def __getattr__(self, name):
            return getattr(session, name)

        def run_job(self, method, *params, timeout=None, progress=None):
            truenas.world.add_snapshot("px-web", "auto")
            return session.run_job(method, *params, timeout=timeout, progress=progress)

    return Racing()


def test_files_that_got_a_snapshot_at_the_last_moment_go_after_the_container(session, truenas, web):
    LxcBackend(racing(session, truenas), None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, False)


def test_files_of_another_one_that_was_made_meanwhile_are_not_touched(session, truenas, web):
    class Racing:
        def __getattr__(self, name):
            return getattr(session, name)

        def run_job(self, method, *params, timeout=None, progress=None):
            result = session.run_job(method, *params, timeout=timeout, progress=progress)
            truenas.world.add_container("px-web", status="STOPPED")
            return result

    LxcBackend(Racing(), None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)


def test_files_that_a_beta_left_behind_are_deleted_after_the_container(session, truenas, web):
    truenas.faults.add("busy_delete", method="container.delete")

    LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, False)


def test_files_that_are_busy_for_a_moment_are_tried_again(session, truenas, web, monkeypatch):
    monkeypatch.setattr(lxc_delete, "RETRY_PAUSE_S", 0.01)
    truenas.faults.add("busy_delete", method="container.delete")
    truenas.faults.add("fail_call", method="zfs.resource.destroy", times=2, errno=16, reason="[EBUSY] dataset is busy")

    LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, False)


def test_files_that_cannot_be_destroyed_are_reported_and_not_forgotten(session, truenas, web, monkeypatch):
    monkeypatch.setattr(lxc_delete, "BUSY_TIMEOUT_S", 0.0)
    truenas.faults.add("busy_delete", method="container.delete")
    truenas.faults.add("fail_call", method="zfs.resource.destroy", times=9, errno=16, reason="[EBUSY] dataset is busy")

    with pytest.raises(TimedOut, match=f"deleted px-web, but not its files.*busy.*zfs destroy -r {WEB}"):
        LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, True)


def test_an_account_that_may_not_destroy_remaining_files_is_reported_with_their_path(truenas, web, session_of):
    truenas.faults.add("busy_delete", method="container.delete")

    with pytest.raises(NotPermitted, match=f"deleted px-web, but not its files.*{WEB}"):
        LxcBackend(session_of("CONTAINER_WRITE", "SNAPSHOT_READ"), None).delete("px-web", timeout=WITHIN)


class Meanwhile:
    """A NAS to which something happens right after a call was answered, or in the place of its answer."""

    def __init__(self, session, method, happens):
        self._session, self._method, self._happens = session, method, happens

    def __getattr__(self, name):
        return getattr(self._session, name)

    def run_job(self, method, *params, timeout=None, progress=None):
        result = self._session.run_job(method, *params, timeout=timeout, progress=progress)
        if method == self._method:
            self._happens()
        return result

    def read(self, method, *params, timeout=None):
        result = self._session.read(method, *params, timeout=timeout)
        if method == self._method:
            self._method = None
            self._happens()
        return result


def recreated(truenas):
    """Create another container of that name, and a checkpoint of it."""
    truenas.world.containers.pop("px-web", None)
    truenas.world.add_container("px-web", status="STOPPED")
    truenas.world.add_snapshot("px-web", "precious")


def test_another_one_that_gets_the_name_immediately_keeps_its_files(session, truenas, web):
    nas = Meanwhile(session, "container.delete", lambda: recreated(truenas))

    LxcBackend(nas, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)
    assert f"{WEB}@precious" in truenas.world.snapshots


def test_an_account_that_may_not_see_datasets_does_not_touch_those_of_another_pixel(truenas, web, session_of):
    session = session_of("CONTAINER_WRITE", "SNAPSHOT_READ", "SNAPSHOT_DELETE", "ZFS_RESOURCE_DELETE")
    nas = Meanwhile(session, "container.delete", lambda: recreated(truenas))

    LxcBackend(nas, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)
    assert f"{WEB}@precious" in truenas.world.snapshots


def test_another_one_that_got_the_name_before_keeps_its_checkpoints(session, truenas, web):
    nas = Meanwhile(session, "container.query", lambda: recreated(truenas))

    with pytest.raises(NotFound, match="px-web.* no longer exists"):
        LxcBackend(nas, None).delete("px-web", timeout=WITHIN)

    assert f"{WEB}@precious" in truenas.world.snapshots


def test_datasets_in_it_keep_it(session, truenas, web):
    truenas.world.add_snapshot("px-web", "ready")
    truenas.world.storage.zfs.add(f"{WEB}/data")

    with pytest.raises(Refused, match=f"px-web was not deleted.*its dataset has child datasets: {WEB}/data"):
        LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)
    assert f"{WEB}@ready" in truenas.world.snapshots


@pytest.mark.parametrize("kind", [Refused, OutcomeUnknown, TimedOut])
def test_files_go_after_a_container_that_a_beta_forgot_as_it_failed(session, truenas, web, kind):
    def fail():
        raise kind("bad luck")

    truenas.faults.add("busy_delete", method="container.delete")

    LxcBackend(Meanwhile(session, "container.delete", fail), None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, False)


def test_files_go_after_a_container_where_the_answer_of_a_beta_is_lost(session, truenas, web):
    truenas.faults.add("busy_delete", method="container.delete")
    truenas.faults.add("drop_before_reply", method="container.delete")

    LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, False)


def test_a_deletion_that_may_not_have_been_begun_is_reported(session, truenas, web):
    class Deaf(Meanwhile):
        def run_job(self, method, *params, timeout=None, progress=None):
            raise OutcomeUnknown("the connection broke off")

    with pytest.raises(OutcomeUnknown, match="broke off"):
        LxcBackend(Deaf(session, None, None), None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)


# the release candidate


@on_candidate
@pytest.mark.parametrize("labels", [(), ("ready", "later")])
def test_a_candidate_destroys_snapshots_with_the_container(session, truenas, web, labels):
    for label in labels:
        truenas.world.add_snapshot("px-web", label)

    LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, False)
    assert [each for each in truenas.world.snapshots if each.startswith(WEB)] == []


@on_candidate
def test_a_candidate_is_not_asked_by_an_account_that_cannot_see_the_clones(truenas, cloned, session_of):
    session = session_of("CONTAINER_WRITE", "SNAPSHOT_READ", "SNAPSHOT_DELETE")

    with pytest.raises(NotPermitted, match="px-web was not deleted.*clones of its snapshots.*ZFS_RESOURCE_READ"):
        LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)
    assert truenas.world.storage.zfs.exists("tank/copy")


@on_candidate
def test_a_candidate_refuses_what_an_account_may_not_see(truenas, web, session_of):
    truenas.world.add_snapshot("px-web", "ready")

    with pytest.raises(Refused, match="1 snapshot"):
        LxcBackend(session_of("CONTAINER_WRITE"), None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)


@on_candidate
def test_a_candidate_removes_what_has_none_for_everybody(truenas, web, session_of):
    LxcBackend(session_of("CONTAINER_WRITE"), None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, False)


@on_candidate
def test_a_snapshot_of_the_last_moment_only_has_a_candidate_refuse(session, truenas, web):
    with pytest.raises(Refused, match="1 snapshot.*[Rr]un this again"):
        LxcBackend(racing(session, truenas), None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)


@on_candidate
def test_a_candidate_keeps_the_container_whose_files_are_busy(session, truenas, web):
    truenas.faults.add("busy_delete", method="container.delete")

    with pytest.raises(Refused, match="Failed to delete container 'px-web' dataset"):
        LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)
    LxcBackend(session, None).delete("px-web", timeout=WITHIN)
    assert is_there(truenas) == (False, False)


@on_candidate
@pytest.mark.parametrize("suspended", [False, True])
def test_one_that_does_not_stand_still_is_killed_first(session, truenas, suspended):
    made = truenas.world.add_container("px-web")
    if suspended:
        made.show_suspended()

    LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, False)


def test_a_failure_of_another_kind_is_reported_as_it_is(session, truenas, web):
    truenas.faults.add("fail_call", method="container.delete", errno=14, reason="[EFAULT] bad luck")

    with pytest.raises(Refused, match="bad luck") as refused:
        LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert not isinstance(refused.value, Invalid)
