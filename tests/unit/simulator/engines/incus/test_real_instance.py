# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is read from Incus' replies, and of rows made of its records."""

from __future__ import annotations

from tests.simulator.engines.incus.agent import body_of
from tests.simulator.engines.incus.real_instance import RealInstance

RECORD = {
    "name": "px-web",
    "created_at": "2026-01-31T12:00:00Z",
    "config": {
        "environment.PIXELS/fleet": "blue",
        "limits.memory": "512MiB",
        "user.autostart": "true",
        "image.os": "Debian",
        "volatile.idmap.current": '[{"Isuid":true,"Isgid":false,"Hostid":2147000001,"Nsid":0,"Maprange":568}]',
    },
    "devices": {"root": {"type": "disk", "path": "/", "pool": "tank"}},
    "expanded_devices": {"root": {"type": "disk", "path": "/", "pool": "tank"}},
    "state": {
        "status": "Running",
        "network": {
            "docker0": {"addresses": [{"family": "inet", "address": "172.17.0.1", "netmask": "16", "scope": "global"}]},
            "eth0": {
                "addresses": [
                    {"family": "inet", "address": "10.154.81.2", "netmask": "24", "scope": "global"},
                    {"family": "inet6", "address": "fe80::1", "netmask": "64", "scope": "link"},
                ]
            },
        },
    },
}


def test_a_reply_in_chunks_is_joined_and_one_of_a_known_length_is_kept() -> None:
    chunked = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n'

    assert body_of(chunked) == b'{"a":1}'
    assert body_of(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") == b"{}"


def test_a_row_has_what_incus_says_with_the_addresses_in_its_order() -> None:
    made = RealInstance.of(RECORD)

    assert (made.status, made.memory, made.autostart, made.storage_pool) == ("RUNNING", 512 * 1024**2, True, "tank")
    assert made.environment == {"PIXELS/fleet": "blue"}
    assert made.id_map() == {"uid": {"hostid": 2147000001, "maprange": 568, "nsid": 0}, "gid": None}
    assert [each["address"] for each in made.interface_addresses("eth0")] == ["10.154.81.2"]
    assert list(made.bridges) == ["docker0"]


def test_a_container_without_a_state_is_unknown() -> None:
    assert RealInstance.of({**RECORD, "state": None}).status == "UNKNOWN"
