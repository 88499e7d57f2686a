# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that a container of TrueNAS 26 goes with its snapshots, and that its files are never lost sight of."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, NotPermitted, Refused, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import removal
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.container import LxcBackend

WEB = "tank/.truenas_containers/containers/px-web"
WITHIN = 30.0


@pytest.fixture
def release() -> str:
    return "26"


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

    with pytest.raises(Refused, match="px-web was not removed.*nothing was done.*held"):
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
    with pytest.raises(Refused, match="px-web was not removed.*nothing was done.*tank/copy was cloned from cloned"):
        LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)
    assert f"{WEB}@old" in truenas.world.snapshots


def test_who_does_not_see_the_clone_is_told_by_the_nas(truenas, cloned, session_of):
    session = session_of("CONTAINER_WRITE", "SNAPSHOT_READ", "SNAPSHOT_DELETE")

    with pytest.raises(Refused, match="px-web was not removed.*snapshot cloned.*tank/copy"):
        LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)


def test_a_candidate_is_not_told_to_take_clones_along(candidate, truenas, cloned):
    with pytest.raises(Refused, match="tank/copy was cloned from cloned"):
        LxcBackend(candidate, None).delete("px-web", timeout=WITHIN)

    assert candidate.deleted_with == []
    assert truenas.world.storage.zfs.exists("tank/copy")


def test_who_may_not_see_snapshots_removes_nothing_from_a_beta(truenas, web, session_of):
    with pytest.raises(NotPermitted, match="px-web was not removed.*lose sight of its files.*SNAPSHOT_READ"):
        LxcBackend(session_of("CONTAINER_WRITE"), None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)


def test_who_may_see_and_not_delete_them_removes_nothing_either(truenas, web, session_of):
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


def test_files_that_a_beta_left_without_a_word_go_after_the_container(session, truenas, web):
    truenas.faults.add("busy_delete", method="container.delete")

    LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, False)


def test_files_that_are_busy_for_a_moment_are_tried_again(session, truenas, web, monkeypatch):
    monkeypatch.setattr(removal, "PAUSE", 0.01)
    truenas.faults.add("busy_delete", method="container.delete")
    truenas.faults.add("fail_call", method="zfs.resource.destroy", times=2, errno=16, reason="[EBUSY] dataset is busy")

    LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, False)


def test_files_that_cannot_be_destroyed_are_told_and_not_forgotten(session, truenas, web, monkeypatch):
    monkeypatch.setattr(removal, "BUSY_FOR", 0.0)
    truenas.faults.add("busy_delete", method="container.delete")
    truenas.faults.add("fail_call", method="zfs.resource.destroy", times=9, errno=16, reason="[EBUSY] dataset is busy")

    with pytest.raises(TimedOut, match=f"removed px-web, but not its files.*busy.*zfs destroy -r {WEB}"):
        LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, True)


def test_who_may_not_destroy_files_that_were_left_is_told_where_they_are(truenas, web, session_of):
    truenas.faults.add("busy_delete", method="container.delete")

    with pytest.raises(NotPermitted, match=f"removed px-web, but not its files.*{WEB}"):
        LxcBackend(session_of("CONTAINER_WRITE", "SNAPSHOT_READ"), None).delete("px-web", timeout=WITHIN)


# later releases


def test_a_candidate_is_told_to_destroy_them_itself(candidate, truenas, web):
    truenas.world.add_snapshot("px-web", "ready")

    LxcBackend(candidate, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, False)
    assert candidate.deleted_with == [{"force": False, "recursive": True}]


def test_a_candidate_is_told_so_only_where_there_are_some(candidate, truenas, web):
    LxcBackend(candidate, None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, False)
    assert candidate.deleted_with == [{"force": False, "recursive": False}]


def test_a_candidate_refuses_what_an_account_may_not_see(truenas, web, session_of, candidate_of):
    truenas.world.add_snapshot("px-web", "ready")

    with pytest.raises(Refused, match="1 snapshot"):
        LxcBackend(candidate_of(session_of("CONTAINER_WRITE")), None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)


def test_a_candidate_removes_what_has_none_for_everybody(truenas, web, session_of, candidate_of):
    LxcBackend(candidate_of(session_of("CONTAINER_WRITE")), None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (False, False)


def test_a_snapshot_of_the_last_moment_only_has_a_candidate_refuse(candidate, truenas, web):
    with pytest.raises(Refused, match="1 snapshot.*try again"):
        LxcBackend(racing(candidate, truenas), None).delete("px-web", timeout=WITHIN)

    assert is_there(truenas) == (True, True)


def test_a_failure_of_another_kind_is_told_as_it_is(session, truenas, web):
    truenas.faults.add("fail_call", method="container.delete", errno=14, reason="[EFAULT] bad luck")

    with pytest.raises(Refused, match="bad luck") as refused:
        LxcBackend(session, None).delete("px-web", timeout=WITHIN)

    assert not isinstance(refused.value, Invalid)
