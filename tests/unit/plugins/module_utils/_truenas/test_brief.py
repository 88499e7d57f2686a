# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the short form of a container says what the long one says."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import brief, virt


def test_both_forms_say_the_same_of_every_container(session, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-off", status="STOPPED")
    method, params = brief.query("px-")

    rows = session.read(method, *params)

    long = [virt.container(row) for row in rows]
    assert [brief.brief(row) for row in rows] == [(each.name, each.status, each.ipv4) for each in long]


def test_both_ask_the_same(session, truenas):
    backend = virt.VirtBackend(session, None)
    truenas.world.add_container("px-web")
    truenas.world.add_container("other")
    method, params = brief.query("px-")

    assert [row["name"] for row in session.read(method, *params)] == [each.name for each in backend.list("px-")]


def test_addresses_without_text_and_of_other_families_are_passed_over():
    aliases = [
        {"type": "INET6", "address": "fe80::1"},
        {"type": "INET", "address": ""},
        {"type": "ipv4", "address": "10.0.0.1"},
    ]

    assert brief.brief({"name": "px-web", "status": "RUNNING", "aliases": aliases}) == ("px-web", "running", "10.0.0.1")
    assert brief.brief({"name": "px-web", "status": "STOPPED", "aliases": None})[2] is None
