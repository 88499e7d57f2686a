# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the short form of a container says what the long one says."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import summary_row, virt_backend, virt_rows


def test_both_forms_say_the_same_of_every_container(session, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-off", status="STOPPED", environment={"PIXELS/expires": "2026-12-01T00:00:00Z"})
    method, params = summary_row.query("px-")

    rows = session.read(method, *params)

    long = [virt_rows.container(row) for row in rows]
    assert [summary_row.summarize(row) for row in rows] == [
        (each.name, each.status, each.ipv4, each.metadata.expires) for each in long
    ]


def test_both_ask_the_same(session, truenas):
    backend = virt_backend.VirtBackend(session, None)
    truenas.world.add_container("px-web")
    truenas.world.add_container("other")
    method, params = summary_row.query("px-")

    assert [row["name"] for row in session.read(method, *params)] == [each.name for each in backend.list("px-")]


def test_addresses_without_text_and_of_other_families_are_passed_over():
    aliases = [
        {"type": "INET6", "address": "fe80::1"},
        {"type": "INET", "address": ""},
        {"type": "ipv4", "address": "10.0.0.1"},
    ]

    assert summary_row.summarize({"name": "px-web", "status": "RUNNING", "aliases": aliases}) == (
        "px-web",
        "running",
        "10.0.0.1",
        None,
    )
    assert summary_row.summarize({"name": "px-web", "status": "STOPPED", "aliases": None})[2] is None


@pytest.mark.parametrize(
    ("changes", "plain"),
    [
        ({}, True),
        ({"aliases": None}, True),
        ({"aliases": [{"type": "INET", "address": "-oProxyCommand=x", "netmask": 24}]}, False),
        ({"aliases": [{"type": "INET", "address": "172.17.0.1", "netmask": 16}]}, False),
        ({"aliases": [{"type": "INET", "address": f"10.0.0.{each}", "netmask": 24} for each in (5, 6)]}, False),
        ({"name": "px-a\nb"}, False),
        ({"status": "{{ 1 }}"}, False),
        ({"status": None}, False),
    ],
)
def test_a_row_that_needs_another_query_is_not_plain(changes, plain):
    row = {"name": "px-web", "status": "RUNNING", "aliases": [{"type": "INET", "address": "10.0.0.5", "netmask": 24}]}

    assert summary_row.is_plain({**row, **changes}, "px-") is plain


def test_several_addresses_of_ipv6_need_no_other_query_beside_one_of_ipv4():
    aliases = [{"type": "INET6", "address": f"fd00::{each}", "netmask": 64} for each in (5, 6)]

    assert summary_row.are_unclear(aliases, used_only=True)
    aliases.append({"type": "INET", "address": "10.0.0.5", "netmask": 24})
    assert not summary_row.are_unclear(aliases, used_only=True)
    assert summary_row.are_unclear(aliases)


def test_without_ipv4_the_address_is_that_of_ipv6():
    aliases = [{"type": "INET6", "address": "fe80::1"}, {"type": "INET6", "address": "fd00::5", "netmask": 64}]

    assert summary_row.summarize({"name": "px-web", "status": "RUNNING", "aliases": aliases})[2] == "fd00::5"
