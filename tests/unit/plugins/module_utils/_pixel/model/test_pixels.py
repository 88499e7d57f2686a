# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test finding pixels by name."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, NotFound, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Session
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels


def test_a_pixel_is_found_with_and_without_its_prefix(pixels, truenas):
    truenas.world.add_container("px-web")

    assert pixels.find("web").name == "px-web"
    assert pixels.find("px-web").name == "px-web"


def test_a_missing_pixel_is_none_or_an_error_that_names_the_nas(pixels, truenas):
    assert pixels.find("web") is None
    with pytest.raises(NotFound, match=f"no pixel named web on {truenas.host}:{truenas.port}"):
        pixels.get("px-web")


def test_containers_without_the_prefix_are_not_found(pixels, truenas):
    truenas.world.add_container("web")
    truenas.world.add_container("pxweb")

    assert pixels.find("web") is None
    assert pixels.list() == []


def test_pixels_are_sorted_by_name(pixels, truenas):
    for name in ("px-b", "px-c", "px-a"):
        truenas.world.add_container(name)

    assert [found.name for found in pixels.list()] == ["px-a", "px-b", "px-c"]


def test_an_invalid_name_is_refused_without_a_query(pixels, truenas):
    with pytest.raises(Invalid):
        pixels.find("../web")

    assert "virt.instance.query" not in truenas.stats.methods_called


@pytest.mark.parametrize("state", ["NO_POOL", "LOCKED", "INITIALIZING", "ERROR"])
def test_a_nas_that_is_not_set_up_is_an_error(pixels, truenas, state):
    truenas.world.add_container("px-web")
    truenas.world.state = state

    with pytest.raises(Refused, match=state):
        pixels.list()


def test_a_read_only_account_lists_a_pixel_with_docker(truenas, nas):
    made = truenas.world.add_container("px-web")
    made.bridges = {"docker0": [{"type": "INET", "address": "172.17.0.1", "netmask": 16}]}
    key = truenas.add_account("reader", roles=["VIRT_GLOBAL_READ", "VIRT_INSTANCE_READ"])
    endpoint = Endpoint(nas["host"], nas["port"], ca_path=nas["ca_path"])

    with Session(endpoint, Credential("reader", api_key=key)) as session:
        (listed,) = Pixels(session).list()
        found = Pixels(session).get("web")

    assert listed.address == found.address == made.aliases[0]["address"]


def test_a_warning_is_shown_once(session, truenas):
    warnings = []
    truenas.world.add_container("px-bad").name = "px-a\nb"
    pixels = Pixels(session, warn=warnings.append)

    pixels.list()
    pixels.list()

    assert len(warnings) == 1
