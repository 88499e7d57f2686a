# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the information about a NAS."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.modules import pixels_nas_info


def test_says_what_the_nas_is(run, truenas):
    nas = run(pixels_nas_info)["nas"]

    assert nas["host"] == f"{truenas.host}:{truenas.port}"
    assert nas["release"].startswith(("25.04", "25.10"))
    assert nas["generation"] == "virt"
    assert nas["ready"]
    assert nas["problem"] is None


def test_says_where_pixels_would_live(run, truenas):
    nas = run(pixels_nas_info)["nas"]

    assert nas["pool"] == truenas.world.default_pool
    assert nas["pools"][0] == truenas.world.default_pool
    assert nas["dataset"] == f"{truenas.world.default_pool}/.ix-virt"


def test_reports_the_default_interface_of_new_pixels(run, truenas):
    nics = run(pixels_nas_info)["nas"]["nics"]

    assert [nic["default"] for nic in nics].count(True) == 1
    assert all(nic["addresses"] for nic in nics)


def test_a_full_administrator_lacks_nothing(run, truenas):
    nas = run(pixels_nas_info)["nas"]

    assert nas["account"]["username"] == truenas.username
    assert all(right["allowed"] for right in nas["rights"].values())


def test_what_an_account_lacks_is_named(run, truenas, nas):
    nas.update(
        username="lister", api_key=truenas.add_account("lister", roles=["VIRT_GLOBAL_READ", "VIRT_INSTANCE_READ"])
    )

    found = run(pixels_nas_info)["nas"]

    assert found["rights"]["list"]["allowed"]
    assert found["rights"]["manage"] == {"allowed": False, "missing": ["VIRT_INSTANCE_WRITE"]}
    assert found["nics"] is None


def test_a_nas_without_containers_is_described_rather_than_an_error(run, truenas):
    truenas.world.state = "NO_POOL"

    nas = run(pixels_nas_info)["nas"]

    assert not nas["ready"]
    assert "NO_POOL" in nas["problem"]


def test_check_mode_reads_as_well(run, truenas):
    assert run(pixels_nas_info, check_mode=True)["nas"] == run(pixels_nas_info)["nas"]
