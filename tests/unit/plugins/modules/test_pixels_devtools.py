# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the module pixels_devtools; those of `devtools` show what it does in a pixel."""

from __future__ import annotations

import json

import pytest

from ansible_collections.pixels.truenas.plugins.modules import pixels_devtools


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "lock.json"
    tools = {name: {"version": "distribution", "packages": {"apt": [package]}} for name, package in NAMES.items()}
    path.write_text(json.dumps({"format": 1, "tools": tools}))
    return str(path)


NAMES = {"core": "coreutils", "rare": "no-such-package"}


@pytest.mark.wide
def test_check_mode_predicts_what_a_run_does_and_a_second_run_changes_nothing(run, truenas, lock):
    truenas.world.add_container("px-web")
    options = {"name": "web", "tools": ["core"], "lock": lock}

    predicted = run(pixels_devtools, check_mode=True, **options)
    done = run(pixels_devtools, **options)
    again = run(pixels_devtools, **options)

    assert predicted["changed"] is done["changed"] is True
    assert predicted["diff"] == done["diff"]
    assert done["diff"] == {"before": {"devtools": {"core": None}}, "after": {"devtools": {"core": "distribution"}}}
    assert (again["changed"], again["tools"]) == (False, {"core": "distribution"})


def test_a_package_that_the_distribution_does_not_have_is_named(run, truenas, lock):
    truenas.world.add_container("px-web")

    failed = run(pixels_devtools, name="web", tools=["core", "rare"], lock=lock)

    assert failed["failed"]
    assert "not installed: rare. rare failed with exit status 1: E: Unable to locate package" in failed["msg"]


def test_an_unknown_tool_changes_nothing(run, truenas, lock):
    truenas.world.add_container("px-web")

    failed = run(pixels_devtools, name="web", tools=["emacs"], lock=lock)

    assert "there is no tool 'emacs'. Use core, rare" in failed["msg"]
