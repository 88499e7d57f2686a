# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of settings of the kernel that the NAS keeps."""

from __future__ import annotations

from tests.unit.simulator.methods.test_interface import make_bridge
from tests.unit.simulator.nas import Nas

RP_FILTER = "net.ipv4.conf.br77.rp_filter"


def test_a_sysctl_is_set_and_set_back(nas: Nas) -> None:
    make_bridge(nas)

    made = nas.call("tunable.create", {"var": RP_FILTER, "value": "1"})
    assert (made["orig_value"], nas.world.network.sysctl(RP_FILTER)) == ("0", "1")
    nas.call("tunable.update", made["id"], {"enabled": False})
    assert nas.world.network.sysctl(RP_FILTER) == "0"
    nas.call("tunable.delete", made["id"])

    assert nas.call("tunable.query") == []


def test_a_sysctl_is_there_once(nas: Nas) -> None:
    make_bridge(nas)
    nas.call("tunable.create", {"var": RP_FILTER, "value": "1"})

    error = nas.refusal("tunable.create", {"var": RP_FILTER, "value": "1"})

    assert [text for _name, text, _errno in error.triples] == [f"Tunable '{RP_FILTER}' already exists in database."]


def test_names_are_those_of_the_first_look_until_the_middleware_restarts(nas: Nas) -> None:
    nas.refusal("tunable.create", {"var": RP_FILTER, "value": "1"})
    make_bridge(nas)

    error = nas.refusal("tunable.create", {"var": RP_FILTER, "value": "1"})
    assert [text for _name, text, _errno in error.triples] == [f"Sysctl '{RP_FILTER}' does not exist in kernel."]
    nas.world.network.forget()

    assert nas.call("tunable.create", {"var": RP_FILTER, "value": "1"})["value"] == "1"


def test_an_interface_gets_its_sysctls_as_it_appears(nas: Nas) -> None:
    make_bridge(nas)
    nas.call("tunable.create", {"var": RP_FILTER, "value": "1"})
    nas.call("interface.delete", "br77")
    nas.call("interface.commit", {"rollback": False})
    assert nas.world.network.sysctl(RP_FILTER) == "0"

    make_bridge(nas)

    assert nas.world.network.sysctl(RP_FILTER) == "1"
