# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a listing in one go, and of when it leaves the matter to others."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import quick_list
from tests.unit.plugins.conftest import both_generations


@both_generations
def test_names_alone_are_found_whichever_api_there_is(session, truenas):
    for name in ("px-web", "px-db", "other"):
        truenas.world.add_container(name)

    assert quick_list.list_names(session, "px-") == ["px-db", "px-web"]
    assert truenas.stats.calls["core.download"] == 0


def test_a_nas_that_has_neither_api_has_no_names():
    class Old:
        nas = "nas"

        def read(self, method, *params, timeout=None):
            raise Unsupported("Method does not exist")

    assert quick_list.list_names(Old(), "px-") == []
