# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verbs list and info."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def pixels(pixels, truenas):
    truenas.world.add_container("px-web", environment={"A": "1"})
    truenas.world.add_container("px-agent-1", status="STOPPED")
    return pixels


@pytest.mark.parametrize("release", ["25.10", "26"])
def test_lists_for_people_with_addresses(pixels, truenas):
    address = truenas.world.containers["px-web"].aliases[0]["address"]

    lines = [line.split() for line in pixels("list").stdout.splitlines()]

    assert lines[1:] == [["agent-1", "STOPPED", "—"], ["web", "RUNNING", address]]


def test_lists_for_programs(pixels):
    listed = pixels.json("list")

    assert [(each["name"], each["status"]) for each in listed] == [("agent-1", "stopped"), ("web", "running")]


def test_lists_by_status_and_by_pattern(pixels):
    assert pixels("list", "-q", "--status", "STOPPED").stdout == "agent-1\n"
    assert pixels("list", "-q", "agent-*").stdout == "agent-1\n"


def test_a_name_that_is_not_there_is_an_error_beside_those_that_are(pixels):
    ended = pixels("list", "-q", "web", "gone")

    assert (ended.returncode, ended.stdout) == (1, "web\n")
    assert "no pixel named gone" in ended.stderr


@pytest.mark.parametrize("verb", ["list", "info", "status"])
def test_programs_are_reported_what_is_not_there(pixels, verb):
    ended = pixels("--json", verb, "web", "gone")

    there, gone = json.loads(ended.stdout)
    assert (ended.returncode, there["name"]) == (1, "web")
    assert gone["error"]["kind"] == "NotFound"


def test_info_shows_all_that_is_known(pixels, truenas):
    lines = dict(line.split(":", 1) for line in pixels("info", "web").stdout.splitlines())

    shown = {name: value.strip() for name, value in lines.items()}
    assert shown["Status"] == "RUNNING"
    assert shown["Memory"] == "2GiB"
    assert shown["IP"] == truenas.world.containers["px-web"].aliases[0]["address"]
    assert shown["Environment"] == "A=1"


@pytest.mark.parametrize("release", ["25.10", "26"])
def test_info_shows_the_devices_as_create_accepts_them(pixels, truenas):
    for name in ("one", "two"):
        truenas.world.storage.zfs.add(f"tank/{name}")
        (truenas.world.files.root / "mnt/tank" / name).mkdir()
    devices = ["disk,source=/mnt/tank/one,path=/a", "disk,source=/mnt/tank/two,path=/b"]
    options = [word for device in devices for word in ("--device", device)]
    created = pixels("create", "new", "--no-provision", "--wait", "none", *options)
    assert created.returncode == 0, created.stderr

    shown = pixels("info", "new").stdout
    [web, new] = pixels.json("info", "web", "new")

    assert f"Devices:    {devices[0]}\n            {devices[1]}\n" in shown
    assert new["devices"] == [
        {"type": "disk", "source": "/mnt/tank/one", "path": "/a"},
        {"type": "disk", "source": "/mnt/tank/two", "path": "/b"},
    ]
    assert web["devices"] == []


def test_a_pixel_that_is_destroyed_while_info_reads_its_devices_is_shown_without_them(pixels, truenas):
    truenas.faults.add("fail_call", method="virt.instance.device_list", errno=2, reason="does not exist")

    shown = pixels.json("info", "--all")

    assert [(each["name"], each["devices"]) for each in shown] == [("agent-1", []), ("web", [])]


def test_info_of_several_has_a_line_between_them(pixels):
    assert pixels("info", "--all").stdout.count("\n\n") == 1


def test_a_nas_without_containers_says_so(pixels, truenas):
    truenas.world.state = "NO_POOL"

    assert "choose a storage pool" in pixels("list").stderr
