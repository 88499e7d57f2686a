# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the way back that is found, and of what is in it; going it is tested with the module."""

from __future__ import annotations

import _thread
import datetime

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound, PixelsError, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import (
    checkpoints,
    dataset_layout,
    recovery,
    restorer,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints.checkpoints import Checkpoint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints.restorer import RestoreSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import Snapshot
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.virt_backend import VirtBackend
from tests.unit.plugins.conftest import put, read, strike

WEB = "tank/.ix-virt/containers/px-web"
ASIDE = dataset_layout.set_aside_name(WEB, "px-safety-1")
NOON = datetime.datetime(2026, 1, 31, 12, 0, 0, tzinfo=datetime.UTC)


class Nas:
    """A wire without calls."""

    nas = "nas.example.org"


def checkpoint(label, txg, *, dataset=WEB, holds=(), **details):
    return Checkpoint(Snapshot(dataset, label, NOON, txg, holds=holds), **details)


OLD, READY, NEW = checkpoint("old", 1), checkpoint("ready", 2), checkpoint("new", 3)
KEPT = checkpoint("px-safety-1", 4, dataset=ASIDE, depth=1)


def plan(found, status="running", label="ready", **wanted):
    container = Container(PixelName("px-web"), status, dataset=WEB)
    pixels = Pixels(Nas())
    # Which it has is not asked here.
    pixels.backend = VirtBackend(pixels.wire, None)
    return restorer.plan(pixels, container, found, RestoreSpec(label, **wanted))


@pytest.mark.parametrize("status", ["running", "stopped"])
@pytest.mark.parametrize("started", [None, True, False])
def test_it_runs_afterwards_as_before_or_as_asked(status, started):
    assert plan([READY], status, started=started).run is ((status == "running") if started is None else started)


def test_it_does_something_every_time():
    assert plan([READY]).change.needed


def test_what_is_older_stays_and_what_is_newer_goes_when_it_may():
    planned = plan([OLD, READY, NEW], discard_newer=True)

    assert planned.discarded == ("new",)
    assert planned.change.after["checkpoints"] == ["old", "ready"]


def test_what_is_newer_is_refused_by_name():
    with pytest.raises(Refused, match="web on nas.example.org was not restored.*newer checkpoints new"):
        plan([READY, NEW])


@pytest.mark.parametrize(
    ("stays", "reason"),
    [
        (checkpoint("new", 3, clones=("tank/.ix-virt/containers/px-copy",)), "cloned from it: copy"),
        (checkpoint("new", 3, set_aside=(ASIDE,)), "with the checkpoints px-safety-1"),
        (checkpoint("new", 3, holds=("truenas",)), "it is held"),
    ],
    ids=["clones", "set aside", "held"],
)
def test_one_that_cannot_be_deleted_is_refused_among_others(stays, reason):
    with pytest.raises(Refused, match=reason):
        plan([READY, stays], discard_newer=True)


def test_with_safety_nothing_conflicts_and_nothing_is_deleted():
    planned = plan([READY, NEW], safety=True)

    assert planned.safety.startswith("px-safety-")
    assert planned.discarded == ()
    assert planned.change.after["checkpoints"] == ["ready", "new", planned.safety]


def test_a_state_that_was_set_aside_is_reached_by_setting_this_one_aside():
    assert plan([READY, KEPT], label="px-safety-1").safety
    assert plan([READY, KEPT]).safety is None


def test_a_label_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(NotFound, match="no checkpoint ready; it has old, new"):
        plan([OLD, NEW])
    with pytest.raises(NotFound, match="none at all"):
        plan([])


def test_a_checkpoint_of_another_pixel_is_restored_to_a_clone():
    found = [OLD, READY, NEW]
    pixels = Pixels(Nas())
    pixels.backend = VirtBackend(pixels.wire, None)

    planned = restorer.plan(
        pixels,
        Container(PixelName("px-web"), "running"),
        found,
        RestoreSpec("old"),
        predates=lambda target: target is OLD,
    )

    assert planned.safety
    assert planned.discarded == ()


def test_a_change_shows_what_runs_and_what_was_restored():
    assert plan([READY], "stopped", started=True).change == Change(
        {"status": "stopped", "checkpoints": ["ready"]},
        {"status": "running", "checkpoints": ["ready"], "restored_to": "ready"},
        always=True,
    )
    assert plan([READY], started=False).change.after["status"] == "stopped"


def test_snapshots_that_incus_tracks_are_a_conflict_only_where_they_would_move():
    tracked = checkpoint("snapshot-a", 1), checkpoint("snapshot-b", 3)

    assert plan([tracked[0], READY]).target is READY
    for found, wanted in (([READY, tracked[1]], {"discard_newer": True}), ([tracked[0], READY], {"safety": True})):
        with pytest.raises(Refused, match="was not restored to ready, and nothing was changed: Incus tracks its own"):
            plan(found, **wanted)


def test_newer_checkpoints_are_refused_with_both_options_to_continue():
    with pytest.raises(Refused) as refused:
        plan([READY, NEW])

    assert refused.value.hints == (
        Hint.option("discard_newer", True, "to delete them"),
        Hint.option("safety", True, "to set them aside instead"),
    )
    with pytest.raises(Refused) as held:
        plan([READY, checkpoint("new", 3, holds=("truenas",))])
    assert held.value.hints == (Hint.option("safety", True, "to set them aside instead"),)


# interrupted


@pytest.fixture
def release():
    """One is enough: the calls it takes are the same on both."""
    return "25.10"


@pytest.fixture
def interrupted(truenas, pixels):
    """Restore `web` to `ready` with `safety`, and press Ctrl-C as its files are cloned, moved or started."""

    def restore(step):
        engine = truenas.world.engine
        work = getattr(engine, step)

        async def interrupt(*args, **how):
            setattr(engine, step, work)
            _thread.interrupt_main()
            return await work(*args, **how)

        web = truenas.world.add_container("px-web")
        truenas.world.add_snapshot("px-web", "ready")
        found = pixels.get("web")
        planned = restorer.plan_restore(pixels, found, RestoreSpec("ready", safety=True))
        setattr(engine, step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            restorer.restore(pixels, found, planned, options=ApplyOptions(), deadline=Deadline(20))
        return web

    return restore


@pytest.mark.parametrize("step", ["stop", "move", "clone", "move_snapshot"])
def test_an_interrupt_goes_on_as_it_came_and_loses_nothing(interrupted, truenas, pixels, step):
    interrupted(step)

    found = {each.label for each in checkpoints.list_checkpoints(pixels, pixels.get("web"))}

    assert "ready" in found
    recovery.recover(pixels, pixels.get("web"))
    assert WEB in truenas.world.storage.zfs.datasets
    assert {each.label for each in checkpoints.list_checkpoints(pixels, pixels.get("web"))} == found


def test_a_protected_pixel_is_restored_by_force_only(truenas, pixels):
    truenas.world.add_container("px-web", environment={"PIXELS/protected": "true"})
    truenas.world.add_snapshot("px-web", "ready")

    with pytest.raises(Refused, match="web on .* was not restored to ready: it is protected") as refused:
        restorer.plan_restore(pixels, pixels.get("web"), RestoreSpec("ready"))

    assert refused.value.hints == (Hint.option("force", True, "to restore it anyway"),)
    assert restorer.plan_restore(pixels, pixels.get("web"), RestoreSpec("ready", unprotect=True))


@pytest.fixture
def restore_stopped(truenas, pixels):
    """Return what restores a stopped pixel to `ready`, with `safety`, and fails."""
    truenas.world.add_container("px-web", status="STOPPED")
    put(truenas, "/root/state", "before")
    truenas.world.add_snapshot("px-web", "ready")
    put(truenas, "/root/state", "now")

    def restore():
        found = pixels.get("web")
        planned = restorer.plan_restore(pixels, found, RestoreSpec("ready", safety=True))
        with pytest.raises(PixelsError, match="its files are unchanged"):
            restorer.restore(pixels, found, planned, options=ApplyOptions(), deadline=Deadline(20))

    return restore


def is_as_before(truenas):
    """Return whether a failed restore has left the files, the dataset and the checkpoints as they were."""
    zfs = truenas.world.storage.zfs
    left = [name for name in zfs.datasets if "px-web" in name], [each.label for each in zfs.of(WEB)]
    return read(truenas, "/root/state") == "now" and left == ([WEB], ["ready"])


@pytest.mark.parametrize("fault", ["fail", "drop_before_reply"])
def test_a_restore_that_fails_as_the_dataset_is_set_aside_is_undone(restore_stopped, truenas, fault):
    strike(truenas, fault, "zfs.dataset.rename")

    restore_stopped()

    assert is_as_before(truenas)


@pytest.mark.parametrize("fault", ["drop_before_reply", "fail"])
def test_a_restore_that_fails_as_the_clone_takes_its_place_is_undone(restore_stopped, truenas, fault):
    strike(truenas, fault, "zfs.dataset.rename", after=1)

    restore_stopped()

    assert is_as_before(truenas)
