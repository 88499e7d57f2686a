# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that garbage collection is switched off and on again."""

from __future__ import annotations

import gc

import pytest

from ansible_collections.pixels.truenas.plugins.plugin_utils.garbage_collection import without_garbage_collection


def test_garbage_collection_is_off_inside_and_on_again_after_an_error():
    with pytest.raises(ValueError, match="inside"), without_garbage_collection():
        assert not gc.isenabled()
        raise ValueError("inside")

    assert gc.isenabled()
