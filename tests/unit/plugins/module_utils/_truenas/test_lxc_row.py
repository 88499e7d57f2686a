# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what rows of `container.query` mean."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Image, Metadata
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.lxc_row import container

ROW = {
    "id": 7,
    "uuid": "3f0c3c1e-6d55-4c8e-9a55-0f1f3f7a9a10",
    "name": "px-web",
    "description": 'Ask Ann\npixels.truenas: {"image": "debian/12/cloud", "owner": "ann"}',
    "devices": [],
    "cpuset": "0-3",
    "autostart": True,
    "shutdown_timeout": 90,
    "dataset": "fast/.truenas_containers/containers/px-web",
    "initenv": {"GREETING": "hello"},
    "default_network": "truenasbr0",
    "status": {"state": "RUNNING", "pid": 12345, "domain_state": "RUNNING"},
}


def test_a_row_becomes_a_container():
    found = container(ROW)

    assert (found.name, found.status, found.cpu, found.memory) == ("px-web", "running", "0-3", None)
    assert found.image == Image("Debian", "bookworm", "cloud")
    assert found.environment == {"GREETING": "hello"}
    assert found.metadata == Metadata(image="debian/12/cloud", owner="ann")
    assert (found.pool, found.dataset) == ("fast", "fast/.truenas_containers/containers/px-web")
    assert found.autostart


def test_what_a_user_made_by_hand_is_a_container_as_well():
    found = container(
        {**ROW, "description": "Ask Ann", "cpuset": None, "initenv": {}, "status": {"state": "SUSPENDED"}}
    )

    assert (found.status, found.cpu, found.image, found.metadata) == ("suspended", None, Image(), Metadata())


def test_an_image_that_was_named_as_in_the_registry_is_reported_by_its_parts():
    found = container({**ROW, "description": 'pixels.truenas: {"image": "debian:bookworm:amd64:cloud"}'})

    assert found.image == Image("Debian", "bookworm", "cloud")
