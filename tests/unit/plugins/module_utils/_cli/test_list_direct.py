# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the listing without a note of a session: it prints the same as the verb with an option."""

from __future__ import annotations

import pytest


@pytest.fixture
def both(pixels):
    """The output, which is the same by both routes."""

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


def test_a_pixel_with_docker_has_the_address_of_its_card(both, truenas):
    made = truenas.world.add_container("px-web")
    made.bridges = {"docker0": [{"type": "INET", "address": "172.17.0.1", "netmask": 16}]}

    _status, out, err = both()

    assert (out.splitlines()[1].split(), err) == (["web", "RUNNING", made.aliases[0]["address"]], "")


def test_a_pixel_that_has_ipv6_alone_is_listed_with_it(both, truenas):
    truenas.world.add_container("px-web").aliases = [{"type": "INET6", "address": "fd00::5", "netmask": 64}]

    assert both()[1].splitlines()[1].split() == ["web", "RUNNING", "fd00::5"]


def test_what_is_invalid_is_omitted_with_a_warning(both, truenas):
    truenas.world.add_container("px-web").aliases = [{"type": "INET", "address": "-oProxyCommand=x", "netmask": 24}]
    truenas.world.add_container("px-bad").name = "px-\x1b[31mbad"

    status, out, err = both()

    assert (status, [line.split() for line in out.splitlines()[1:]]) == (0, [["web", "RUNNING", "—"]])
    assert err.count("Warning:") == 2
    assert "\x1b" not in err
