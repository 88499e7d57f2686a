# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of pixels that are created from the recipe of a base, because the NAS cannot clone one."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.modules import pixels_base, pixels_container
from tests.unit.plugins.conftest import read

RECIPES = """
[bases.root]
image = "debian/12"
setup = "echo root >>/root/steps"
[bases.child]
from = "root"
setup = "echo child >>/root/steps; [ ! -e /root/fail ]"
[bases.broken]
from = "root"
setup = "ls /root/fixed"
"""


@pytest.fixture
def release():
    return "26"


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def warnings(monkeypatch):
    said = []
    monkeypatch.setattr(PixelsModule, "warn", lambda _module, text: said.append(text))
    return said


@pytest.fixture
def create(run, tmp_path, monkeypatch):
    path = tmp_path / "config.toml"
    path.write_text(RECIPES)
    monkeypatch.setenv("PIXELS_CONFIG", str(path))

    def create_pixel(base="child", **params):
        return run(pixels_container, **{"name": "web", "from": f"base:{base}", "wait": "running", **params})

    return create_pixel


@pytest.mark.wide
def test_the_recipes_are_applied_to_a_new_pixel_which_is_said_and_then_nothing_changes(create, warnings, truenas):
    predicted = create(check_mode=True)
    created = create()
    said = list(warnings)
    again = create()

    assert predicted["diff"] == created["diff"]
    assert created["diff"]["after"]["set_up"] is True
    assert created["container"]["origin"] == "base:child"
    assert read(truenas, "/root/steps") == "root\nchild\n"
    assert said == [f"{truenas.host}:{truenas.port} cannot clone base:child: its recipe is applied to web"] * 2
    assert not again["changed"]
    assert warnings == said
    assert "cannot become a clone of base:root" in create("root")["msg"]


@pytest.mark.wide
def test_after_a_failure_the_next_run_sets_the_pixel_up_again(create, truenas):
    failed = create("broken")
    truenas.run(truenas.world.engine.write_file("px-web", "/root/fixed", b"", append=False, mode=0o644, uid=0, gid=0))
    predicted = create("broken", check_mode=True)
    fixed = create("broken")

    assert "Its log ends with:" in failed["msg"]
    assert "/root/fixed" in failed["msg"]
    assert predicted["diff"] == fixed["diff"]
    assert fixed["diff"]["before"]["set_up"] is False
    assert not create("broken")["changed"]


def test_a_stopped_pixel_cannot_be_set_up(create, truenas):
    assert "requires a running pixel. Set state to started" in create(state="present")["msg"]
    assert not truenas.world.containers


def test_the_module_for_bases_changes_nothing_and_says_so(create, run, warnings, truenas):
    named = run(pixels_base, name="child")
    declared = run(pixels_base, name="own", image="debian/12")

    assert not named["changed"]
    assert "the recipe of child is applied to new pixels" in warnings[0]
    assert "it with [bases.own] in the configuration file" in declared["msg"]
    assert not truenas.world.containers
