# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the module that destroys expired pixels, and of the options that give pixels a lifetime."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import lifetime
from ansible_collections.pixels.truenas.plugins.modules import (
    pixels_checkpoint_restore,
    pixels_container,
    pixels_container_info,
    pixels_fleet,
    pixels_reap,
)
from tests.unit.plugins.conftest import both_generations


@pytest.fixture
def release():
    """One is enough, where a test does not say otherwise."""
    return "25.10"


@pytest.fixture
def web(run):
    def change(**params):
        return run(pixels_container, name="web", **params)

    return change


@pytest.fixture
def expire(truenas):
    """Let the NAS be a day later."""

    def change():
        truenas.world.options.clock_ahead += 86400

    return change


def hours_left(result):
    end = datetime.datetime.fromisoformat(result["container"]["expires"])
    return round((end - datetime.datetime.now(datetime.UTC)).total_seconds() / 3600)


@both_generations
def test_a_lifetime_begins_once_and_is_renewed_by_another_value(web):
    predicted = web(ttl="4h", check_mode=True)
    created = web(ttl="4h")
    again = web(ttl="240m")
    longer = web(ttl="2d")
    eternal = web(ttl="never")

    assert predicted["diff"]["after"] == created["diff"]["after"]
    assert created["diff"]["after"]["ttl"] == "4h"
    assert hours_left(created) == 4
    assert (again["changed"], again["container"]["expires"]) == (False, created["container"]["expires"])
    assert longer["diff"] == {"before": {**longer["diff"]["before"], "ttl": "4h"}, "after": longer["diff"]["after"]}
    assert hours_left(longer) == 48
    assert (eternal["changed"], eternal["container"]["ttl"], eternal["container"]["expires"]) == (True, None, None)
    assert not web(ttl="never")["changed"]


@both_generations
def test_a_protected_pixel_is_destroyed_by_force_only(web, truenas):
    web(protected=True)

    predicted = web(state="absent", check_mode=True)
    refused = web(state="absent")
    unchanged = web(protected=True)
    destroyed = web(state="absent", force=True)

    assert (
        predicted["msg"]
        == refused["msg"]
        == ("web was not destroyed: it is protected. Set force: true to destroy it anyway")
    )
    assert not unchanged["changed"]
    assert destroyed["changed"]
    assert truenas.world.containers == {}


def test_protection_ends(web):
    web(protected=True)

    assert web(protected=False)["diff"]["after"]["protected"] is False
    assert web(state="absent")["changed"]


def test_a_protected_pixel_is_restored_by_force_only(web, run, truenas):
    web(protected=True)
    truenas.world.add_snapshot("px-web", "ready")

    refused = run(pixels_checkpoint_restore, name="web", label="ready")
    restored = run(pixels_checkpoint_restore, name="web", label="ready", force=True)

    assert "it is protected" in refused["msg"]
    assert restored["restored_to"] == "ready"


def test_a_clone_has_no_lifetime_and_no_protection(web, run):
    web(ttl="4h", protected=True)

    clone = run(pixels_container, name="clone", **{"from": "web"})

    assert (clone["container"]["expires"], clone["container"]["protected"]) == (None, False)


@pytest.mark.parametrize("params", [{"ttl": "soon"}, {"ttl": "2026-12-01T18:00"}, {"ttl_keep": "2026-12-01"}])
def test_what_is_no_lifetime_is_refused_before_anything_happens(web, truenas, params):
    refused = web(**params)

    assert refused["failed"]
    assert truenas.world.containers == {}


@pytest.mark.parametrize("module", [pixels_container, pixels_fleet])
def test_a_lifetime_that_is_over_is_refused_unless_it_is_the_recorded_one(run, truenas, expire, module):
    options = {"name": "web"} if module is pixels_container else {"pixels": ["web"]}
    end = lifetime.format_time(datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=4))
    limited = {"ttl": end} if module is pixels_container else {"defaults": {"ttl": end}}
    run(module, **options, **limited)
    expire()

    unchanged = run(module, **options, **limited)
    truenas.world.containers["px-web"].environment.pop("PIXELS/ttl")
    before = dict(truenas.world.containers["px-web"].environment)
    predicted = run(module, **options, **limited, check_mode=True)
    refused = run(module, **options, **limited)

    assert not unchanged["changed"]
    assert predicted["failed"]
    assert refused["failed"]
    assert f"the lifetime {end} is over: it is 20" in refused["msg"]
    assert truenas.world.containers["px-web"].environment == before


@both_generations
@pytest.mark.wide
def test_expired_pixels_are_destroyed_as_predicted(run, truenas, expire):
    run(pixels_container, name="old", ttl="4h")
    run(pixels_container, name="kept", ttl="4h", protected=True)
    run(pixels_container, name="new", ttl="4d")
    expire()

    predicted = run(pixels_reap, check_mode=True)
    before = set(truenas.world.containers)
    reaped = run(pixels_reap)
    again = run(pixels_reap)

    actions = {each["name"]: each["action"] for each in reaped["pixels"]}
    assert (
        actions == {each["name"]: each["action"] for each in predicted["pixels"]} == {"old": "destroy", "kept": "keep"}
    )
    assert predicted["changed"]
    assert before == {"px-old", "px-kept", "px-new"}
    assert set(truenas.world.containers) == {"px-kept", "px-new"}
    assert (reaped["changed"], again["changed"]) == (True, False)


def test_a_pixel_that_cannot_be_destroyed_fails_the_task(run, truenas, expire):
    run(pixels_container, name="old", ttl="4h")
    expire()
    truenas.faults.add("fail_job", method="virt.instance.delete", errno=14, text="bad luck", times=9)

    failed = run(pixels_reap)

    assert failed["failed"]
    assert failed["msg"].startswith("1 of 1 pixels on ")
    assert "bad luck" in failed["pixels"][0]["msg"]


def test_lifetimes_are_listed(web, run):
    web(ttl="2099-12-01")

    (found,) = run(pixels_container_info)["containers"]

    assert (found["ttl"], found["expires"], found["protected"]) == (
        "2099-12-01T00:00:00Z",
        "2099-12-01T00:00:00Z",
        False,
    )


@pytest.mark.parametrize("release", ["26"])
def test_an_expired_pixel_that_is_suspended_is_killed_while_it_is_kept(run, truenas, expire):
    run(pixels_container, name="old", ttl="4h", ttl_keep="3000d")
    expire()
    truenas.world.domains["px-old"].show_suspended()

    reaped = run(pixels_reap)

    assert [(each["name"], each["action"]) for each in reaped["pixels"]] == [("old", "stop")]
    assert truenas.world.containers["px-old"].status == "STOPPED"
