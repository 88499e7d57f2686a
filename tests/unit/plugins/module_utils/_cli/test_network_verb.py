# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of `network` on pixels that can have no policy; tests/integration/test_egress.py has pixels that can."""

from __future__ import annotations

import pytest

from tests.simulator import lan
from tests.unit.plugins.conftest import put


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def network(inside):
    # An init system that is not supported.
    inside("exec", "--transport", "shell", "web", "rm", "-r", "/run/systemd")

    def run(*words):
        ended = inside("network", *words)
        return ended.returncode, ended.stdout, ended.stderr

    return run


@pytest.mark.wide
def test_a_pixel_without_a_policy_is_unrestricted(network, inside):
    assert network("show", "web") == (0, "Mode: unrestricted\n", "")
    assert inside.json("network", "show", "web") == {
        "name": "web",
        "egress": {"mode": "unrestricted"},
        "drift": [],
        "enforced_by": "none",
        "refused": [],
    }


@pytest.mark.wide
def test_setting_the_mode_that_it_has_changes_nothing(network, inside):
    assert network("set", "web", "unrestricted") == (0, "Egress set to unrestricted for web\n", "")
    assert not inside.json("network", "set", "web", "unrestricted")["changed"]


@pytest.mark.wide
def test_a_pixel_that_cannot_be_restricted_is_stopped(network, truenas):
    status, _stdout, stderr = network("set", "web", "agent")

    assert status == 1
    assert "the pixel has neither systemd nor OpenRC" in stderr
    assert "web was stopped, because it would have had no rules" in stderr
    assert truenas.world.containers["px-web"].status == "STOPPED"


@pytest.mark.parametrize("verb", ["allow", "deny"])
def test_an_unrestricted_pixel_needs_a_mode_first(network, truenas, verb):
    status, _stdout, stderr = network(verb, "web", "example.com")

    assert status == 1
    assert {"allow": "pixels network set web allowlist", "deny": '"example.com" is not allowed'}[verb] in stderr
    assert truenas.world.containers["px-web"].status == "RUNNING"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("set", "web", "allowlist", "--allow", "http://a.example/x"), "Give the name alone: a.example"),
        (("set", "web", "none", "--allow", "a.example"), "mode 'none' takes no allow"),
        (("allow", "web", "192.168.1.1"), "has private addresses"),
    ],
)
def test_an_invalid_policy_is_refused_before_anything_is_done(inside, truenas, words, message):
    before = truenas.stats.logins

    ended = inside("network", *words)

    assert ended.returncode == 1
    assert message in ended.stderr
    assert truenas.stats.logins == before


def test_a_mode_that_does_not_exist_is_a_wrong_command_line(inside):
    ended = inside("network", "set", "web", "agents")

    assert ended.returncode == 2
    assert "invalid choice: 'agents'" in ended.stderr


@pytest.mark.wide
def test_check_ends_with_3_where_a_pixel_differs_from_its_policy(network, truenas):
    assert network("check", "--all") == (0, "web: unrestricted, as declared\n", "")

    put(truenas, "/etc/pixels/egress/policy.json", "{nonsense")

    assert network("check", "web") == (
        3,
        "web: unrestricted, /etc/pixels/egress/policy.json is left over\n",
        "",
    )


def test_check_names_pixels_that_do_not_exist(network):
    status, _stdout, stderr = network("check", "nope")

    assert status == 1
    assert "there is no pixel named nope" in stderr


def test_the_gateway_of_a_pixel_is_named_as_what_enforces_its_policy(network, truenas):
    truenas.world.interfaces["br77"] = lan.segment("br77")
    truenas.world.add_container("px-gateway", environment={"PIXELS/gateway": "br77"}, status="STOPPED")
    truenas.world.containers["px-web"].devices["eth0"] = {"type": "nic", "nictype": "macvlan", "parent": "br77"}

    status, stdout, _stderr = network("show", "web")

    assert status == 0
    assert stdout == (
        "Mode: unknown\nEnforced: by a gateway (root in the pixel cannot change it)\n"
        "Live: drifted: the gateway gateway is stopped\n"
    )
