# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the listing that starts afresh: it tells what the long way tells."""

from __future__ import annotations

import pytest


@pytest.fixture
def both(pixels):
    """What is told in both ways."""

    def tell(**variables):
        ways = [pixels("list", **variables), pixels("list", "--no-color", **variables)]
        afresh, long_way = ((each.returncode, each.stdout, each.stderr) for each in ways)
        assert afresh == long_way
        return afresh

    return tell


def test_pixels_are_listed(both, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-db", status="STOPPED")

    status, out, err = both()

    assert (status, [line.split()[0] for line in out.splitlines()], err) == (0, ["NAME", "db", "web"], "")


def test_none_are_none(both):
    assert both() == (0, "No pixels found.\n", "")


def test_a_nas_without_containers_says_so(both, truenas):
    truenas.world.state = "NO_POOL"

    status, _out, err = both()

    assert status == 1
    assert "choose a storage pool" in err


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"PIXELS_TRUENAS_API_KEY": "1-wrong"}, "refused the login"),
        ({"PIXELS_TRUENAS_API_KEY": None}, "api_key"),
        ({"PIXELS_TRUENAS_HOST": None}, "host"),
        ({"PIXELS_TRUENAS_CA_PATH": None}, "certificate"),
        ({"PIXELS_TRUENAS_PORT": "1"}, "refused"),
    ],
)
def test_errors_are_the_same(both, variables, text):
    status, out, err = both(**variables)

    assert (status, out) == (1, "")
    assert err.startswith("Error: ")
    assert text in err


def test_two_answers_are_waited_for_at_the_same_time_and_one_login_is_made(pixels, truenas):
    pixels("list")

    assert truenas.stats.calls["auth.login_ex"] == 1
    assert truenas.stats.calls["virt.instance.query"] == 1
