# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verbs extend, protect and reap, and of lifetimes in the list."""

from __future__ import annotations

import json

import pytest

OLD = {"PIXELS/expires": "2020-01-01T00:00:00Z", "PIXELS/ttl": "4h"}


@pytest.fixture
def release():
    """One is enough: nothing here depends on it."""
    return "25.10"


def test_a_pixel_gets_a_lifetime_and_more_time(pixels):
    pixels("create", "web", "--no-provision", "--ttl", "4h", "--protected")
    created = pixels.json("list")[0]

    extended = pixels("extend", "web", "2h")
    ended = pixels("extend", "we*", "never")

    assert (created["ttl"], created["protected"]) == ("4h", True)
    assert extended.stdout.startswith("web expires at 20")
    assert ended.stdout == "web does not expire\n"


def test_what_cannot_be_extended_is_reported_beside_what_is(pixels, truenas):
    truenas.world.add_container("px-a", environment=OLD)
    truenas.world.add_container("px-b")

    ended = pixels("extend", "a", "b", "c", "2h")

    assert ended.returncode == 1
    assert ended.stdout.startswith("a expires at")
    assert "has no lifetime to extend" in ended.stderr
    assert "there is no pixel named c" in ended.stderr


def test_a_protected_pixel_is_destroyed_by_force_only(pixels, truenas):
    truenas.world.add_container("px-web")

    assert pixels("protect", "web").stdout == "web is protected\n"
    refused = pixels("destroy", "web", stdin="y\n")
    assert "it is protected. Use --force to destroy it anyway" in refused.stderr
    assert pixels("protect", "--off", "web").stdout == "web is not protected\n"
    pixels("protect", "web")
    assert pixels("destroy", "--force", "web").returncode == 0
    assert truenas.world.containers == {}


def test_the_list_shows_what_is_left_if_a_pixel_expires(pixels, truenas):
    truenas.world.add_container("px-new", status="STOPPED")
    plain = pixels("list").stdout
    truenas.world.add_container("px-old", status="STOPPED", environment=OLD)

    quick, slow = pixels("list").stdout, pixels("list", "*").stdout

    assert plain.splitlines()[0].split() == ["NAME", "STATUS", "IP"]
    assert [line.split() for line in quick.splitlines()] == [
        ["NAME", "STATUS", "IP", "EXPIRES", "IN"],
        ["new", "STOPPED", "—", "—"],
        ["old", "STOPPED", "—", "expired"],
    ]
    assert slow == quick


def test_expired_pixels_are_shown_and_then_destroyed(pixels, truenas):
    truenas.world.add_container("px-old", environment=OLD)
    truenas.world.add_container("px-kept", environment=OLD | {"PIXELS/protected": "yes"})
    truenas.world.add_container("px-new")

    shown = pixels("reap", "--dry-run")
    before = set(truenas.world.containers)
    reaped = json.loads(pixels("reap", "--json").stdout)

    assert shown.stdout.splitlines()[0] == "kept: kept: it is protected"
    assert shown.stdout.splitlines()[1].startswith("old: would be destroyed: it expired ")
    assert before == {"px-old", "px-kept", "px-new"}
    assert [(each["name"], each["action"], each["changed"]) for each in reaped] == [
        ("kept", "keep", False),
        ("old", "destroy", True),
    ]
    assert set(truenas.world.containers) == {"px-kept", "px-new"}


def test_without_expired_pixels_it_says_so(pixels, truenas):
    truenas.world.add_container("px-web")

    ended = pixels("reap")

    assert (ended.returncode, ended.stdout) == (0, "No pixel has expired or is idle.\n")


def test_a_pixel_that_cannot_be_destroyed_is_an_error(pixels, truenas):
    truenas.world.add_container("px-old", environment=OLD)
    truenas.faults.add("fail_job", method="virt.instance.delete", errno=14, text="bad luck", times=9)

    ended = pixels("reap")

    assert ended.returncode == 1
    assert "bad luck" in ended.stderr
