# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of listing pixels."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.modules import pixels_container_info


@pytest.fixture
def fleet(truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-db", status="STOPPED")
    truenas.world.add_container("other")


def names(result):
    return [container["name"] for container in result["containers"]]


def test_lists_pixels_by_name_and_nothing_else(run, fleet):
    result = run(pixels_container_info)

    assert names(result) == ["db", "web"]
    assert not result["changed"]


def test_says_all_that_is_known_of_one(run, fleet, truenas):
    web = run(pixels_container_info, names=["web"])["containers"][0]

    assert web["full_name"] == "px-web"
    assert web["status"] == "running"
    assert web["ipv4"] == truenas.world.containers["px-web"].aliases[0]["address"]
    assert web["image"]["os"] == "Ubuntu"
    assert web["generation"] == "virt"
    assert web["nas"] == f"{truenas.host}:{truenas.port}"


def test_names_may_have_the_prefix_and_missing_ones_are_reported(run, fleet):
    result = run(pixels_container_info, names=["px-web", "gone"])

    assert names(result) == ["web"]
    assert result["missing"] == ["gone"]


def test_a_status_filters(run, fleet):
    assert names(run(pixels_container_info, status=["stopped"])) == ["db"]


def test_a_status_that_does_not_exist_is_refused_with_those_that_do(run, fleet):
    result = run(pixels_container_info, status=["running", "runing"])

    assert result["failed"]
    assert "unknown status 'runing': choose from running, stopped, unknown," in result["msg"]


def test_no_pixels_is_an_empty_list(run, truenas):
    assert run(pixels_container_info)["containers"] == []


def test_any_number_takes_one_query(run, truenas):
    for number in range(30):
        truenas.world.add_container(f"px-agent-{number}")

    result = run(pixels_container_info)

    assert len(result["containers"]) == 30
    assert truenas.stats.calls["virt.instance.query"] == 1


def test_check_mode_reads_as_well(run, fleet):
    assert names(run(pixels_container_info, check_mode=True)) == ["db", "web"]


def test_a_lost_connection_is_made_again(run, fleet, truenas):
    truenas.faults.add("drop_before_reply", method="virt.instance.query")

    assert names(run(pixels_container_info)) == ["db", "web"]


def test_an_account_without_the_right_is_reported(run, fleet, truenas, nas):
    nas.update(username="nobody", api_key=truenas.add_account("nobody", roles=["VIRT_GLOBAL_READ"]))

    result = run(pixels_container_info)

    assert result["failed"]
    assert result["error"]["kind"] == "NotPermitted"
