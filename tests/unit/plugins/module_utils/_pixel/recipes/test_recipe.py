# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of recipes and their digests."""

from __future__ import annotations

import dataclasses
import json

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.recipe import Recipe, shown

ROOT = Recipe("root", image="debian/12", setup="true")


@pytest.mark.parametrize(
    "other",
    [
        {"image": "debian/13"},
        {"setup": "false"},
        {"version": "2"},
        {"egress": EgressPolicy("none")},
        {"provision": ProvisionSpec(("key",))},
        {"provision": ProvisionSpec(("key",), devtools=("git",))},
    ],
)
def test_whatever_changes_the_files_changes_the_digest(other):
    assert dataclasses.replace(ROOT, **other).digest(None) != ROOT.digest(None)


def test_other_tools_and_other_versions_in_the_lock_change_the_digest(tmp_path):
    def digest(*tools, version="1"):
        file = {"url": f"https://registry.example/{version}.tgz", "checksum": version * 64}
        path = tmp_path / "lock.json"
        locked = {name: {"version": version, "files": [file]} for name in "ab"}
        path.write_text(json.dumps({"format": 1, "tools": locked}))
        provision = ProvisionSpec(("key",), devtools=tools, devtools_lock=str(path))
        return dataclasses.replace(ROOT, provision=provision).digest(None)

    assert len({digest(), digest("a"), digest("a", "b"), digest("a", version="2")}) == 4
    assert digest("a") == digest("a")


def test_the_base_below_changes_the_digest_and_the_name_and_description_do_not():
    assert ROOT.digest("0" * 64) != ROOT.digest(None)
    assert dataclasses.replace(ROOT, name="other", description="d").digest(None) == ROOT.digest(None)


def test_the_digest_is_the_same_in_every_process_and_release():
    # Another one builds all bases of all users again.
    assert shown(ROOT.digest(None)) == "27cd30ae2881"
    assert shown(None) is None


def test_the_order_of_keys_does_not_matter():
    one, other = (dataclasses.replace(ROOT, provision=ProvisionSpec(keys)) for keys in (("a", "b"), ("b", "a")))

    assert one.digest(None) == other.digest(None)


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({}, "set either image or from"),
        ({"image": "x", "source": "y"}, "set either image or from"),
        ({"source": "tools"}, "a base cannot be built from itself"),
        ({"source": "no_name"}, "invalid name of a base 'no_name'"),
        ({"image": "x", "setup": "a\0b"}, "a script cannot contain a zero byte"),
        ({"image": "x", "description": "d" * 1025}, "description"),
    ],
)
def test_a_recipe_that_cannot_be_built_is_refused(params, problem):
    with pytest.raises(Invalid, match=problem):
        Recipe("tools", **params)
