# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how rows of `virt.*` become types, and types become arguments."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Address, Image, Nic
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.virt_rows import container, device

ROW = {
    "id": "px-web",
    "name": "px-web",
    "type": "CONTAINER",
    "status": "RUNNING",
    "cpu": "2",
    "memory": 1073741824,
    "autostart": True,
    "environment": {"GREETING": "hello"},
    "aliases": [
        {"type": "INET6", "address": "fd42::2233", "netmask": 64},
        {"type": "INET", "address": "10.154.81.34", "netmask": 24},
        {"type": "INET", "address": "172.17.0.1", "netmask": 16},
    ],
    "image": {
        "architecture": "amd64",
        "description": "Debian bookworm amd64",
        "os": "Debian",
        "release": "bookworm",
        "serial": None,
        "type": "squashfs",
        "variant": "default",
        "secureboot": None,
    },
    "storage_pool": "fast",
}


def test_a_row_becomes_a_container():
    found = container(ROW)

    assert (found.name, found.status, found.cpu, found.memory) == ("px-web", "running", "2", 1073741824)
    assert found.image == Image("Debian", "bookworm", "default", "Debian bookworm amd64")
    assert found.environment == {"GREETING": "hello"}
    assert found.autostart


def test_the_first_ipv4_address_is_the_address_and_all_are_kept():
    found = container(ROW)

    assert found.ipv4 == "10.154.81.34"
    assert found.addresses[0] == Address("ipv6", "fd42::2233", 64)
    assert len(found.addresses) == 3


def test_the_old_key_for_an_ipv4_address_is_understood():
    found = container({**ROW, "aliases": [{"type": "ipv4", "address": "10.0.0.5", "netmask": None}]})

    assert found.ipv4 == "10.0.0.5"


def test_an_address_that_is_empty_is_none():
    assert container({**ROW, "aliases": [{"type": "INET", "address": "", "netmask": None}]}).ipv4 is None


def test_the_dataset_is_on_the_pool_of_the_container():
    assert container(ROW).dataset == "fast/.ix-virt/containers/px-web"


def test_what_may_be_null_may_be_null():
    empty = {"cpu": None, "memory": None, "environment": None, "aliases": None, "image": None, "storage_pool": None}

    found = container({**ROW, **empty})

    assert found.ipv4 is None
    assert found.dataset is None
    assert found.image == Image()


def test_a_network_card_is_named_so_that_it_replaces_the_one_of_the_profile():
    assert device(Nic("eno1")) == {"dev_type": "NIC", "name": "eth0", "nic_type": "MACVLAN", "parent": "eno1"}


def test_an_address_that_is_none_is_omitted_with_a_warning():
    warnings = []
    aliases = [
        {"type": "INET", "address": "-oProxyCommand=touch owned", "netmask": 24},
        {"type": "INET6", "address": "fe80::1", "netmask": 64},
        {"type": "INET", "address": "10.0.0.5", "netmask": 24},
    ]

    found = container({**ROW, "aliases": aliases}, warnings.append)

    assert found.addresses == (Address("ipv4", "10.0.0.5", 24),)
    assert warnings == ["the NAS reports '-oProxyCommand=touch owned' as an address of px-web: it is ignored"]


def test_other_values_that_are_none_are_omitted_with_a_warning():
    warnings = []

    found = container(
        {
            **ROW,
            "status": "\x1b[31m",
            "cpu": "{{ 1 }}",
            "storage_pool": "a\nb",
            "environment": {"PIXELS/label/a b": "x"},
        },
        warnings.append,
    )

    assert (found.status, found.cpu, found.pool, found.dataset) == ("unknown", None, None, None)
    assert found.metadata.labels == {}
    assert len(warnings) == 4
    assert all(text.isprintable() for text in warnings)
