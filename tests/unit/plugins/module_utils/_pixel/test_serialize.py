# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test pixels and checkpoints as plain values."""

from __future__ import annotations

import json

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import checkpoints
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.serialize import checkpoint, container


def test_all_properties_are_plain_values(pixels, truenas):
    made = truenas.world.add_container("px-web", environment={"GREETING": "hello"})

    shown = container(pixels.get("web"), pixels)

    assert json.loads(json.dumps(shown)) == shown
    assert (shown["name"], shown["full_name"], shown["status"]) == ("web", "px-web", "running")
    assert shown["addresses"][0] == {
        "family": "ipv4",
        "address": made.aliases[0]["address"],
        "prefix": made.aliases[0]["netmask"],
    }
    assert shown["environment"] == {"GREETING": "hello"}


def test_a_stopped_pixel_has_no_address(pixels, truenas):
    truenas.world.add_container("px-web", status="STOPPED")

    shown = container(pixels.get("web"), pixels)

    assert shown["ipv4"] is None
    assert shown["addresses"] == []


def test_a_checkpoint_is_shown_with_its_clones(pixels, truenas):
    truenas.world.add_container("px-web")
    snapshot = truenas.world.add_snapshot("px-web", "ready")
    copy = "tank/.ix-virt/containers/px-copy"
    truenas.world.run(truenas.world.storage.clone(snapshot.id, copy))
    [found] = checkpoints.list_checkpoints(pixels, pixels.get("web"))

    shown = checkpoint(found, 1)

    assert json.loads(json.dumps(shown)) == shown
    assert (shown["label"], shown["order"], shown["set_aside"]) == ("ready", 1, False)
    assert shown["clones"] == [{"name": "copy", "dataset": copy}]


def test_a_pixel_has_the_addresses_of_its_interface_and_shows_all(pixels, truenas):
    made = truenas.world.add_container("px-web")
    own = made.aliases[0]["address"]
    made.aliases.append({"type": "INET6", "address": "fd00::5", "netmask": 64})
    made.bridges = {"docker0": [{"type": "INET", "address": "172.17.0.1", "netmask": 16}]}

    shown = container(pixels.get("web"), pixels)

    assert (shown["ipv4"], shown["ipv6"]) == (own, "fd00::5")
    assert [each["address"] for each in shown["addresses"]] == [own, "fd00::5", "172.17.0.1"]
    assert {"family": "ipv4", "address": "172.17.0.1", "prefix": 16} in shown["addresses"]
