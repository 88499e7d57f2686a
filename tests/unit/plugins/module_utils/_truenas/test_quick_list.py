# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a listing in one go, and of when it leaves the matter to others."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import quick_list, virt_backend
from tests.unit.plugins.conftest import both_generations


def test_it_finds_what_the_backend_finds(session, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-db", status="STOPPED")
    truenas.world.add_container("other")

    found = quick_list.list_containers(session, "px-")

    backend = virt_backend.VirtBackend(session, None)
    assert found == [(each.name, each.status, each.ipv4, None) for each in backend.list("px-")]


def test_both_questions_are_asked_once(session, truenas):
    quick_list.list_containers(session, "px-")

    assert truenas.stats.calls["virt.instance.query"] == 1
    assert truenas.stats.calls["virt.global.config"] == 1


def test_a_nas_without_containers_is_left_to_others(session, truenas):
    truenas.world.state = "NO_POOL"

    assert quick_list.list_containers(session, "px-") is None


def test_a_state_that_cannot_be_found_out_is_left_to_others(session, truenas):
    truenas.faults.add("fail_call", method="virt.global.config", kind="CallError", errno=14)

    assert quick_list.list_containers(session, "px-") is None


def test_a_query_that_is_refused_is_an_error(session, truenas):
    truenas.faults.add("fail_call", method="virt.instance.query", kind="CallError", errno=14)

    with pytest.raises(Refused, match="was told to fail"):
        quick_list.list_containers(session, "px-")


@both_generations
def test_names_alone_are_found_whichever_api_there_is(session, truenas):
    for name in ("px-web", "px-db", "other"):
        truenas.world.add_container(name)

    assert quick_list.list_names(session, "px-") == ["px-db", "px-web"]
    assert truenas.stats.calls["core.download"] == 0


@pytest.mark.parametrize("release", ["26"])
def test_a_later_release_is_left_to_others(session, truenas):
    truenas.world.add_container("px-web")

    assert quick_list.list_containers(session, "px-") is None


def test_a_nas_that_has_neither_api_has_no_names():
    class Old:
        nas = "nas"

        def read(self, method, *params, timeout=None):
            raise Unsupported("Method does not exist")

    assert quick_list.list_names(Old(), "px-") == []


def test_an_address_that_may_be_of_a_bridge_is_left_to_others(session, truenas):
    truenas.world.add_container("px-web").bridges = {
        "docker0": [{"type": "INET", "address": "172.17.0.1", "netmask": 16}]
    }

    assert quick_list.list_containers(session, "px-") is None


@both_generations
def test_a_name_that_no_pixel_can_have_is_offered_to_no_shell(session, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-bad").name = "px-$(touch owned)"

    assert quick_list.list_names(session, "px-") == ["px-web"]
    assert quick_list.list_containers(session, "px-") is None
