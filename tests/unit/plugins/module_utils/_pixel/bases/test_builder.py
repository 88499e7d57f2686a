# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of building bases: what is run in them, concurrent builders, and failures."""

from __future__ import annotations

import dataclasses
import datetime
import os
import threading

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Session
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.bases import builder, lock
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning import cloner
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.book import RecipeBook
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.recipe import Recipe
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
from tests.unit.error_shape import assert_well_formed
from tests.unit.plugins.conftest import read

ROOT = Recipe("root", image="debian/12")
NEW = dataclasses.replace(ROOT, version="2")
OPTIONS = builder.BuildOptions(timeout_s=30, apply=ApplyOptions(stop_timeout=5, delete_delay=0))


@pytest.fixture
def release():
    """One is enough: bases need clones, which both releases make in the same way."""
    return "25.10"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Shorten the waits for other clients."""
    monkeypatch.setattr(cloner, "ACTIVITY_TIMEOUT_S", 0.1)
    monkeypatch.setattr(builder, "LONGEST_PAUSE_S", 0.05)


@pytest.fixture
def build(pixels):
    def run(recipe=ROOT, options=OPTIONS, **more):
        return builder.ensure(pixels, RecipeBook(own=recipe), recipe.name, options=options, **more)

    return run


@pytest.fixture
def other(nas):
    """The pixels of the NAS as another client has them, in a session of its own."""
    endpoint = Endpoint(nas["host"], nas["port"], ca_path=nas["ca_path"])
    with Session(endpoint, Credential(nas["username"], api_key=nas["api_key"])) as session:
        yield Pixels(session)


def failing(build, *arguments, **options):
    with pytest.raises(PixelsError) as caught:
        build(*arguments, **options)
    assert_well_formed(str(caught.value))
    return caught.value


def held_by(owner="ann@laptop", *, until_s=60.0, process="elsewhere:1:2", run="12345678"):
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    seconds = datetime.timedelta(seconds=until_s)
    return lock.Lock(owner, now - datetime.timedelta(hours=1), now + seconds, process, run)


def half_made(truenas, name="px-base-root-1", building=None):
    environment = {"PIXELS/base": "root", "PIXELS/recipe": "0" * 64, "PIXELS/building": str(building or held_by())}
    return truenas.world.add_container(name, status="STOPPED", environment=environment)


class TestWithProcesses:
    """Bases in which programs run."""

    @pytest.fixture
    def engine(self):
        return "process"

    def test_the_script_runs_as_root_in_the_base_before_its_checkpoint(self, build, truenas):
        script = '#!/bin/sh\nid -u >/root/who\npwd >>/root/who\necho "to the log"\n'

        built = build(dataclasses.replace(ROOT, setup=script))

        assert built.status == "stopped"
        assert read(truenas, "/root/who", name=built.name) == "0\n/root\n"
        assert read(truenas, "/var/log/pixels-setup.log", name=built.name) == "to the log\n"

    def test_the_error_of_a_script_has_the_end_of_its_log_and_nothing_is_left(self, build, truenas):
        script = "seq 1 40\necho 'no such mirror' >&2\nexit 7\n"

        error = failing(build, dataclasses.replace(ROOT, setup=script))

        assert "running the setup script in base-root-1" in str(error)
        assert "the script failed with exit status 7. Its log ends with: 27 / 28 /" in str(error)
        assert "40 / no such mirror. base-root-1 does not exist now" in str(error)
        assert not truenas.world.containers
        assert not [each for each in truenas.world.storage.zfs.datasets if "base-root" in each]

    def test_a_failed_build_leaves_the_earlier_version_as_it_was(self, build, pixels, truenas):
        first = build()

        failing(build, dataclasses.replace(ROOT, setup="exit 1"))

        assert [each.name for each in pixels.list()] == [first.name]
        assert build() == first

    def test_a_script_that_takes_too_long_is_an_error(self, build, truenas):
        error = failing(
            build,
            dataclasses.replace(ROOT, setup="while :; do sleep 0.1; done"),
            options=dataclasses.replace(OPTIONS, timeout_s=2),
        )

        assert isinstance(error, TimedOut)
        assert not truenas.world.containers


def test_the_version_of_another_client_that_builds_the_same_is_used(pixels, other, truenas):
    names, errors = [], []

    def ensure(client):
        try:
            found = builder.ensure(client, RecipeBook(own=ROOT), "root", options=OPTIONS)
            names.append(found.name)
        except PixelsError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=ensure, args=(client,)) for client in (pixels, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors
    assert names == ["px-base-root-1"] * 2
    assert set(truenas.world.containers) == {"px-base-root-1"}


def test_a_build_of_another_client_is_waited_for_and_the_error_names_it(build, truenas):
    half_made(truenas)
    said = []

    error = failing(build, options=dataclasses.replace(OPTIONS, timeout_s=0.2, say=said.append))

    assert isinstance(error, TimedOut)
    assert "ann@laptop, since" in str(error)
    assert "is building base-root-1, at the latest until" in str(error)
    assert said[0].startswith("root: waiting for ann@laptop, since")
    assert set(truenas.world.containers) == {"px-base-root-1"}


@pytest.mark.parametrize(
    "left",
    [
        held_by(until_s=-lock.GRACE_S - 60),
        held_by(process=f"{lock.machine_id()}:{lock.process_id()}"),
        held_by(process=f"{lock.machine_id()}:{os.getpid()}:1"),
        held_by(process=f"{lock.machine_id()}:4194305:1"),
        "not a lock",
    ],
    ids=["too old", "an ended run of this process", "an earlier process of this number", "a dead process", "no lock"],
)
def test_the_remains_of_an_interrupted_build_are_removed(build, pixels, truenas, left):
    said = []
    pixels.warn = said.append
    old = half_made(truenas, building=left)

    built = build()

    assert built.name == "px-base-root-1"
    assert truenas.world.containers["px-base-root-1"] is not old
    assert len(said) == 1
    assert said[0].startswith(f"removing base-root-1 on {pixels.nas}: its build")


def test_a_version_that_is_being_built_is_not_cloned(build, truenas, pixels):
    build()
    half_made(truenas, "px-base-root-2")

    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import (
        find_source,
        parse_origin,
    )

    assert find_source(pixels, parse_origin("base:root"), pixels.get("base-root-1").name).container.name
