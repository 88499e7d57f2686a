# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks of a gateway, up to its interfaces, which simulated pixels do not have.

`tests/unit/plugins/module_utils/_pixel/egress/test_gateway.py` sets up gateways with real packets.
"""

from __future__ import annotations

import json

import pytest

SEGMENTS = [{"name": "br77", "egress": "agent"}, {"name": "br78"}]


@pytest.fixture
def release() -> str:
    return "25.10"


@pytest.fixture
def engine() -> str:
    return "process"


@pytest.fixture
def playbook(ansible):
    """Run a playbook of the collection for the segments."""

    def run(name, *options, check=True):
        variables = json.dumps({"gateway_segments": SEGMENTS, "gateway_confirm": True})
        return ansible.playbook(f"pixels.truenas.{name}", "--extra-vars", variables, *options, check=check)

    return run


def outcomes(played):
    """Whether each task changed something, in order, by the names without that of the role."""
    return [
        (each["task"].rpartition(" : ")[2], bool(each["result"].get("changed")))
        for each in played["results"]
        if each["outcome"] != "diff" and "Validating" not in each["task"]
    ]


def test_a_gateway_and_its_segments_are_created_and_removed(playbook, truenas):
    predicted = playbook("gateway", "--check")
    assert truenas.world.containers == {}
    made = playbook("gateway", check=False)

    gateway = truenas.world.containers["px-gateway"]
    assert (gateway.status, gateway.autostart) == ("RUNNING", True)
    assert {name: device["parent"] for name, device in gateway.devices.items()} == {
        "eth0": "eno1",
        "eth1": "br77",
        "eth2": "br78",
    }
    assert outcomes(predicted)[0] == outcomes(made)[0] == ("Create the segments", True)
    assert made["results"][-1]["result"]["msg"].startswith("setting up the gateway gateway on ")

    playbook("remove_gateway")

    assert truenas.world.containers == {}
    assert {changed for _task, changed in outcomes(playbook("remove_gateway"))} == {False}
