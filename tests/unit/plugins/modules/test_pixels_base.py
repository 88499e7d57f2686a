# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the module that builds bases, and of clones of bases."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning import cloner
from ansible_collections.pixels.truenas.plugins.modules import (
    pixels_base,
    pixels_checkpoint,
    pixels_container,
    pixels_fleet,
)
from tests.unit.plugins.conftest import put, read

DATASET = "tank/.ix-virt/containers/"
ROOT, CHILD = {"image": "debian/12"}, {"from": "root"}


@pytest.fixture
def release():
    """One is enough, where a test does not say otherwise."""
    return "25.10"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Shorten the time after which the remains of an interrupted run are recognized."""
    monkeypatch.setattr(cloner, "ACTIVITY_TIMEOUT_S", 0.1)


@pytest.fixture
def base(run):
    def build(name="root", **params):
        return run(pixels_base, **{"name": name, "wait_timeout": 20, **params})

    return build


@pytest.fixture
def clone(run):
    def create(name="web", **params):
        return run(pixels_container, **{"name": name, "from": "base:root", "wait": "running", **params})

    return create


def notes(truenas, name):
    environment = truenas.world.containers[f"px-{name}"].environment
    return {key.removeprefix("PIXELS/"): value for key, value in environment.items() if key.startswith("PIXELS/")}


def origins(truenas):
    """The snapshot that each container was cloned from, by bare name."""
    datasets = truenas.world.storage.zfs.datasets
    return {name.removeprefix("px-"): datasets[DATASET + name].origin for name in truenas.world.containers}


def test_a_base_is_a_stopped_pixel_with_a_checkpoint_and_the_digest_of_its_recipe(base, truenas):
    predicted = base(**ROOT, description="what all need", check_mode=True)
    assert not truenas.world.containers

    built = base(**ROOT, description="what all need")
    again = base(**ROOT, description="what all need")

    assert predicted["diff"] == built["diff"]
    assert (built["changed"], again["changed"]) == (True, False)
    assert truenas.world.containers["px-base-root-1"].status == "STOPPED"
    assert not truenas.world.containers["px-base-root-1"].autostart
    assert [each.label for each in truenas.world.storage.zfs.of(f"{DATASET}px-base-root-1")] == ["ready"]
    noted = notes(truenas, "base-root-1")
    assert (noted["base"], noted["description"], noted["image"]) == ("root", "what all need", "debian/12")
    assert noted["recipe"].startswith(built["base"]["recipe"])
    assert "building" not in noted
    assert built["base"]["status"] == again["base"]["status"] == "ready"
    assert built["base"]["version"] == "base-root-1"


def test_an_unchanged_base_takes_one_query_of_all_pixels(base, truenas):
    base(**ROOT)
    base("child", **CHILD)
    before = truenas.stats.calls["virt.instance.query"]

    unchanged = base("child", **CHILD)

    assert not unchanged["changed"]
    assert truenas.stats.calls["virt.instance.query"] - before == 1


def test_another_recipe_makes_a_version_that_replaces_the_earlier_one(base, truenas):
    base(**ROOT)

    predicted = base(image="debian/13", check_mode=True)
    rebuilt = base(image="debian/13")

    assert predicted["diff"] == rebuilt["diff"]
    assert rebuilt["diff"]["before"]["root"]["version"] == "base-root-1"
    assert rebuilt["diff"]["after"]["root"]["version"] == "base-root-2"
    assert set(truenas.world.containers) == {"px-base-root-2"}
    assert not base(image="debian/13")["changed"]


def test_another_description_is_recorded_without_a_build(base, truenas):
    base(**ROOT, description="old")

    changed = base(**ROOT, description="new")

    assert changed["changed"]
    assert notes(truenas, "base-root-1")["description"] == "new"
    assert not base(**ROOT, description="new")["changed"]


def test_the_version_of_a_recipe_and_the_state_rebuilt_build_it_again(base, truenas):
    base(**ROOT)

    assert base(**ROOT, version="2")["base"]["version"] == "base-root-2"
    assert base(**ROOT, version="2", state="rebuilt")["base"]["version"] == "base-root-3"
    assert not base(**ROOT, version="2")["changed"]
    assert set(truenas.world.containers) == {"px-base-root-3"}


@pytest.mark.wide
def test_a_clone_keeps_its_version_until_it_is_destroyed(base, clone, run, truenas):
    base(**ROOT)
    created = clone()
    assert created["container"]["origin"] == "base-root-1@ready"

    assert base(image="debian/13")["changed"]
    unchanged, other = clone(), clone("db")

    assert not unchanged["changed"]
    assert other["container"]["origin"] == "base-root-2@ready"
    assert set(truenas.world.containers) == {"px-base-root-1", "px-base-root-2", "px-web", "px-db"}
    assert not base(image="debian/13")["changed"]
    run(pixels_container, name="web", state="absent")
    removed = base(image="debian/13")["diff"]
    assert removed["before"] == {**removed["after"], "base-root-1": "superseded"}
    assert "px-base-root-1" not in truenas.world.containers
    assert not base(image="debian/13")["changed"]


@pytest.mark.wide
def test_a_base_is_cloned_from_another_one_and_follows_its_recipe(base, truenas):
    base(**ROOT)
    base("child", **CHILD)
    assert origins(truenas)["base-child-1"] == f"{DATASET}px-base-root-1@ready"

    base(image="debian/13")
    assert set(truenas.world.containers) == {"px-base-root-1", "px-base-root-2", "px-base-child-1"}
    assert base("child", **CHILD)["changed"]

    assert origins(truenas)["base-child-2"] == f"{DATASET}px-base-root-2@ready"
    assert set(truenas.world.containers) == {"px-base-root-2", "px-base-child-2"}
    assert not base(image="debian/13")["changed"]
    assert not base("child", **CHILD)["changed"]


@pytest.mark.wide
def test_a_fleet_is_cloned_from_one_base(base, run, truenas):
    base(**ROOT)

    made = run(pixels_fleet, pixels=["a", "b", "c"], defaults={"from": "base:root", "wait": "running"})

    assert made["summary"]["created"] == 3
    assert {origins(truenas)[name] for name in "abc"} == {f"{DATASET}px-base-root-1@ready"}


def test_a_base_that_does_not_exist_is_an_error_that_says_how_to_build_it(clone, truenas):
    failed = clone()

    assert failed["msg"] == (
        f"cloning web from base:root: there is no base named root on {truenas.host}:{truenas.port}. Build it with "
        "pixels_base or pixels bases build root, or set from: base@root to clone a checkpoint of the pixel base"
    )


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "unknown base 'root': there is no recipe of that name; known are dev, node, python"),
        ({"setup": "true"}, "set image or from as well"),
        ({"from": "root"}, "a base cannot be built from itself"),
        ({"from": "nope"}, "neither a base nor a recipe of that name"),
        ({"image": "debian/12", "from": "dev"}, "mutually exclusive"),
        ({"name": "ro_ot", "image": "debian/12"}, "invalid name of a base"),
        ({"image": "debian/12", "egress": "everything"}, "everything"),
    ],
)
def test_a_wrong_recipe_is_refused_before_anything_is_changed(base, truenas, params, said):
    failed = base(**params)

    assert said in failed["msg"]
    assert not truenas.world.containers


def test_a_base_is_destroyed_unless_pixels_were_cloned_from_it(base, clone, run, truenas):
    base(**ROOT)
    clone()

    refused = base(state="absent")
    assert "there are web (from ready)" in refused["msg"]
    run(pixels_container, name="web", state="absent")
    predicted = base(state="absent", check_mode=True)
    destroyed = base(state="absent")

    assert predicted["diff"] == destroyed["diff"] == {"before": {"base-root-1": "stopped"}, "after": {}}
    assert destroyed["base"]["status"] == "missing"
    assert not truenas.world.containers
    assert not base(state="absent")["changed"]


def test_a_base_without_its_checkpoint_is_built_again(base, run, truenas):
    base(**ROOT)
    run(pixels_checkpoint, name="base-root-1", label="ready", state="absent")

    assert base(**ROOT)["base"]["version"] == "base-root-2"
    assert set(truenas.world.containers) == {"px-base-root-2"}
    assert not base(**ROOT)["changed"]


class TestInSteps:
    """Bases that other tasks configure while they are built."""

    @pytest.fixture
    def engine(self):
        return "process"

    def test_a_version_is_begun_configured_and_finished(self, base, truenas):
        base(**ROOT)
        begun = base(**ROOT, version="2", step="begin")
        running = truenas.world.containers["px-base-root-2"].status
        put(truenas, "/etc/motd", "hello", name="px-base-root-2")
        newest = begun["base"]["version"]

        finished = base(**ROOT, version="2", step="finish")

        assert (begun["build"], running, newest) == ("base-root-2", "RUNNING", "base-root-1")
        assert (finished["changed"], finished["build"], finished["base"]["version"]) == (True, None, "base-root-2")
        assert truenas.world.containers["px-base-root-2"].status == "STOPPED"
        assert read(truenas, "/etc/motd", name="px-base-root-2") == "hello"
        unchanged = base(**ROOT, version="2", step="begin")
        assert (unchanged["changed"], unchanged["build"]) == (False, None)

    @pytest.mark.wide
    def test_what_was_begun_is_cancelled_or_begun_again_and_the_earlier_version_remains(self, base, truenas):
        base(**ROOT)
        base(**ROOT, version="2", step="begin")
        again = base(**ROOT, version="2", step="begin")

        cancelled = base(step="cancel")

        assert again["build"] == "base-root-2"
        assert cancelled["diff"]["before"] == {"base-root-2": "running"}
        assert set(truenas.world.containers) == {"px-base-root-1"}
        assert "this play has not begun to build it. Set step: begin" in base(**ROOT, version="2", step="finish")["msg"]
        assert not base(**ROOT)["changed"]

    def test_another_recipe_does_not_finish_what_was_begun(self, base, truenas):
        base(**ROOT, step="begin")

        assert "from another recipe. Repeat the options" in base(**ROOT, version="2", step="finish")["msg"]
        assert truenas.world.containers["px-base-root-1"].status == "RUNNING"
