# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the recipe that the options of pixels_base describe."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.base_options import base_recipe
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.settings import SshSettings
from ansible_collections.pixels.truenas.plugins.modules.pixels_base import ARGUMENTS

SSH = SshSettings("root", None, 22)
KEY = "ssh-ed25519 AAAA me"


def recipe(**params):
    options = {name: option.get("default") for name, option in ARGUMENTS.items()}
    return base_recipe({**options, "name": "tools", **params}, SSH)


def test_all_options_become_part_of_the_recipe():
    texts = {"from": "dev", "setup": "true", "description": "d", "version": "2"}
    found = recipe(**texts, egress="none", provision={"public_keys": [KEY]})

    assert (found.source, found.image, found.setup, found.description, found.version) == ("dev", None, "true", "d", "2")
    assert found.egress.mode == "none"
    assert found.provision.public_keys == (KEY,)


def test_a_name_alone_refers_to_a_recipe_that_is_declared_elsewhere():
    assert recipe() is None
    assert recipe(state="absent", image="debian/12") is None


def test_a_part_of_a_recipe_is_no_recipe():
    with pytest.raises(Invalid, match="cannot use the option setup of the base tools: set image or from as well"):
        recipe(setup="true")
