# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the end of lifetimes: what is destroyed, stopped and kept."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    OutcomeUnknown,
    Refused,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Session
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import fleet, lifetimes
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import lifetime
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
from ansible_collections.pixels.truenas.plugins.modules import pixels_container

HOUR_S = 3600


@pytest.fixture
def release():
    """One is enough: nothing here depends on it."""
    return "25.10"


@pytest.fixture
def add(truenas):
    """Add a container that expires in so many hours, with other metadata."""

    def add_container(name, hours, **metadata):
        end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
        environment = {"PIXELS/expires": lifetime.format_time(end)}
        environment |= {f"PIXELS/{key}": value for key, value in metadata.items()}
        return truenas.world.add_container(f"px-{name}", environment=environment)

    return add_container


@pytest.fixture
def find(pixels):
    def find_expired(clones="refuse"):
        return lifetimes.find_due(pixels, clones=clones, options=ApplyOptions(), concurrency=4)

    return find_expired


@pytest.fixture
def reap(pixels, find):
    def reap_all(**options):
        found = lifetimes.reap(pixels, find(**options), concurrency=4, say=lambda text: None)
        return {each.name: each.action for each in found if not each.error}

    return reap_all


def test_an_expired_pixel_is_destroyed_and_no_other(add, reap, truenas):
    add("old", -1)
    add("new", 1)
    truenas.world.add_container("px-eternal")
    truenas.world.add_container("other", environment={"PIXELS/expires": "2020-01-01T00:00:00Z"})

    assert reap() == {"old": "destroy"}
    assert set(truenas.world.containers) == {"px-new", "px-eternal", "other"}
    assert reap() == {}


def test_without_lifetimes_one_query_is_enough(find, truenas):
    truenas.world.add_container("px-eternal")

    assert find() == []
    assert truenas.stats.calls["virt.instance.query"] == 1
    assert truenas.stats.calls["system.info"] == 0


def test_finding_changes_nothing(add, find, truenas):
    add("old", -1.01)

    (found,) = find()

    assert (found.name, found.action, found.reason) == ("old", "destroy", "it expired 1h ago")
    assert "px-old" in truenas.world.containers


def test_the_clock_of_the_nas_decides_and_a_wrong_one_here_is_reported(session, truenas, add):
    add("old", 1)
    truenas.world.options.clock_ahead = 2 * HOUR_S
    warnings = []
    pixels = Pixels(session, warn=warnings.append)

    (found,) = lifetimes.find_due(pixels, clones="refuse", options=ApplyOptions(), concurrency=4)

    assert found.action == "destroy"
    assert len(warnings) == 1
    assert "seconds behind" in warnings[0]


def test_an_account_that_cannot_read_the_clock_of_the_nas_uses_its_own_and_is_warned(nas, truenas, add):
    add("old", -1)
    truenas.world.options.clock_ahead = -5 * HOUR_S
    key = truenas.add_account("helper", roles=["VIRT_GLOBAL_READ", "VIRT_INSTANCE_WRITE"])
    warnings = []

    with Session(Endpoint(nas["host"], nas["port"], ca_path=nas["ca_path"]), Credential("helper", api_key=key)) as wire:
        pixels = Pixels(wire, warn=warnings.append)
        (found,) = lifetimes.find_due(pixels, clones="leave", options=ApplyOptions(), concurrency=4)

    assert found.action == "destroy"
    assert len(warnings) == 1
    assert "READONLY_ADMIN" in warnings[0]


def test_a_protected_pixel_is_kept(add, reap, truenas):
    add("old", -1, protected="yes")

    assert reap() == {"old": "keep"}
    assert truenas.world.containers["px-old"].status == "RUNNING"


def test_a_pixel_with_clones_is_kept_unless_they_are_promoted(add, find, run, truenas):
    add("old", -1)
    truenas.world.add_snapshot("px-old", "ready")
    run(pixels_container, name="clone", state="stopped", **{"from": "old@ready"})

    (kept,) = find()
    (destroyed,) = find(clones="promote")

    assert (kept.action, destroyed.action) == ("keep", "destroy")
    assert "clones" in kept.reason


def test_a_pixel_is_kept_stopped_for_its_time_and_then_destroyed(add, reap, truenas):
    kept = add("kept", -1, ttl_keep="1d")
    add("gone", -25, ttl_keep="1d")

    assert reap() == {"gone": "destroy", "kept": "stop"}
    assert (kept.status, kept.autostart) == ("STOPPED", False)
    assert reap() == {"kept": "keep"}


def test_a_pixel_that_was_extended_meanwhile_is_kept(add, find, pixels, truenas):
    add("old", -1)
    found = find()
    lifetimes.extend(pixels, "old", "2h")

    (result,) = lifetimes.reap(pixels, found, concurrency=4, say=lambda text: None)

    assert (result.action, result.reason) == ("keep", "it was changed meanwhile")
    assert "px-old" in truenas.world.containers


def test_of_two_reapers_one_destroys_a_pixel_and_the_other_keeps_quiet(add, find, reap, pixels):
    add("old", -1)
    found = find()
    assert reap() == {"old": "destroy"}

    (result,) = lifetimes.reap(pixels, found, concurrency=4, say=lambda text: None)

    assert (result.action, result.error) == ("keep", None)


@pytest.mark.parametrize("metadata", [{}, {"ttl_keep": "1d"}])
def test_a_reaper_that_was_killed_after_the_stop_leaves_the_rest_to_the_next_one(add, reap, truenas, metadata):
    old = add("old", -48, **metadata)
    old.status = "STOPPED"

    assert reap() == {"old": "destroy"}
    assert truenas.world.containers == {}


def test_what_could_not_be_read_is_an_error_and_what_was_refused_a_reason_to_keep(add, find, monkeypatch):
    add("a", -1)
    add("b", -1)
    errors = {"px-a": TimedOut("no reply"), "px-b": Refused("it has clones")}
    monkeypatch.setattr(
        lifetimes.fleet,
        "plan",
        lambda _pixels, members, **_options: [fleet.Planned(each, error=errors[each.spec.name]) for each in members],
    )

    found = {each.name: each for each in find()}

    assert (found["a"].action, found["a"].error) == ("keep", errors["px-a"])
    assert (found["b"].action, found["b"].reason, found["b"].error) == ("keep", "it has clones", None)


def test_a_failure_does_not_stop_the_others(add, find, pixels, truenas):
    add("a", -1)
    add("b", -1)
    truenas.faults.add("fail_job", method="virt.instance.delete", errno=14, text="bad luck")

    results = lifetimes.reap(pixels, find(), concurrency=1, say=lambda text: None)

    # The first attempt of one fails, and its retry works.
    assert [each.error for each in results] == [None, None]
    assert truenas.world.containers == {}


def test_more_time_is_added_to_the_end_or_to_now(add, pixels):
    add("web", 1)
    add("old", -5)

    web, old = lifetimes.extend(pixels, "web", "2h"), lifetimes.extend(pixels, "old", "2h")

    now = datetime.datetime.now(datetime.UTC)
    left = [(lifetime.expires(each) - now).total_seconds() / HOUR_S for each in (web, old)]
    assert [round(each) for each in left] == [3, 2]
    assert pixels.get("web").metadata.expires == web.metadata.expires


def test_a_new_end_may_be_set_and_repeated(add, pixels):
    add("web", 1)

    ends = [lifetimes.extend(pixels, "web", "2099-01-01T18:00+02:00").metadata.expires for _time in range(2)]

    assert ends == ["2099-01-01T16:00:00Z"] * 2
    assert pixels.get("web").metadata.expires == "2099-01-01T16:00:00Z"
    with pytest.raises(Invalid, match="invalid lifetime"):
        lifetimes.extend(pixels, "web", "2099-13-01")


def test_a_new_end_that_is_over_is_refused(add, pixels):
    before = add("web", 1).environment["PIXELS/expires"]

    with pytest.raises(Invalid, match=r"cannot change the lifetime of web on .*: the lifetime 2020-01-01.* is over"):
        lifetimes.extend(pixels, "web", "2020-01-01")

    assert pixels.get("web").metadata.expires == before


@pytest.mark.parametrize("release", ["26"])
def test_a_change_whose_reply_is_lost_is_read_back(pixels, truenas):
    web = truenas.world.add_container("px-web")
    web.description = 'pixels.truenas: {"expires": "2099-01-01T00:00:00Z"}'
    truenas.faults.add("drop_before_reply", method="container.update")

    extended = lifetimes.extend(pixels, "web", "2h")

    assert extended.metadata.expires == pixels.get("web").metadata.expires == "2099-01-01T02:00:00Z"
    assert truenas.stats.calls["container.update"] == 1


@pytest.mark.parametrize("release", ["26"])
def test_an_unknown_outcome_is_reported_with_the_recorded_end_and_what_may_be_repeated(pixels, truenas):
    web = truenas.world.add_container("px-web")
    web.description = 'pixels.truenas: {"expires": "2099-01-01T00:00:00Z"}'
    truenas.faults.add("drop_before_call", method="container.update")

    with pytest.raises(OutcomeUnknown) as raised:
        lifetimes.extend(pixels, "web", "2h")

    assert str(raised.value).endswith(
        "web expires at 2099-01-01T00:00:00Z now, which may still change: the NAS may still execute the request. "
        "Run pixels extend web 2099-01-01T02:00:00Z, which may be repeated"
    )
    assert lifetimes.extend(pixels, "web", "2099-01-01T02:00:00Z").metadata.expires == "2099-01-01T02:00:00Z"


@pytest.mark.parametrize("release", ["26"])
def test_an_end_that_cannot_be_read_back_is_reported_as_unknown(pixels, truenas):
    web = truenas.world.add_container("px-web")
    web.description = 'pixels.truenas: {"expires": "2099-01-01T00:00:00Z"}'
    truenas.faults.add("answer_with", method="container.update", value=5)
    truenas.faults.add("fail_call", method="container.query", after=2, times=9, errno=14, reason="no database")

    with pytest.raises(
        OutcomeUnknown, match=r"When web expires could not be read \(.*no database.*02:00:00Z, which may"
    ):
        lifetimes.extend(pixels, "web", "2h")


def test_a_lifetime_is_removed(add, pixels):
    add("web", 1, ttl="1h", ttl_keep="1d")

    lifetimes.extend(pixels, "web", "never")

    found = pixels.get("web").metadata
    assert (found.ttl, found.expires, found.ttl_keep) == (None, None, None)


def test_without_a_lifetime_there_is_nothing_to_extend(pixels, truenas):
    truenas.world.add_container("px-web")

    with pytest.raises(Refused, match=r"web on .* has no lifetime to extend"):
        lifetimes.extend(pixels, "web", "2h")
    with pytest.raises(Invalid):
        lifetimes.extend(pixels, "web", "soon")
