# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which pixels are meant."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._cli.targets import find
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels


@pytest.fixture
def there(session, truenas):
    for name in ("agent-1", "agent-2", "web"):
        truenas.world.add_container(f"px-{name}")
    truenas.world.add_container("agent-3")
    return Pixels(session)


def names(found):
    return [each.name.removeprefix("px-") for each in found]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["web"], ["web"]),
        (["px-web"], ["web"]),
        (["web", "agent-1"], ["web", "agent-1"]),
        (["agent-*"], ["agent-1", "agent-2"]),
        (["px-agent-[2-9]"], ["agent-2"]),
        (["agent-?", "agent-1", "web"], ["agent-1", "agent-2", "web"]),
    ],
)
def test_names_and_patterns_are_found_once_each(there, words, found):
    chosen = find(there, words)

    assert names(chosen.found) == found
    assert chosen.missing == []


def test_all_are_all_pixels_and_nothing_else(there):
    assert names(find(there, [], everything=True).found) == ["agent-1", "agent-2", "web"]


def test_a_gateway_is_found_by_its_name_only(there, truenas):
    truenas.world.add_container("px-gateway", environment={"PIXELS/gateway": "br77"})

    assert names(find(there, [], everything=True).found) == ["agent-1", "agent-2", "web"]
    assert names(find(there, ["*a*"]).found) == ["agent-1", "agent-2"]
    assert names(find(there, ["gateway"]).found) == ["gateway"]
    assert "gateway" in names(find(there, [], everything=True, with_bases=True).found)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["gone"], "there is no pixel named gone on"),
        (["web", "gone"], "there is no pixel named gone on"),
        (["x*"], r"no pixel on .* matches 'x\*'"),
    ],
)
def test_what_is_not_there_is_reported(there, words, problem):
    (missing,) = find(there, words).missing

    with pytest.raises(type(missing), match=problem):
        raise missing


def test_a_name_that_can_be_none_is_refused(there):
    with pytest.raises(Invalid, match="invalid pixel name"):
        find(there, ["web", "we_b"])


def test_one_name_is_one_question(there, truenas):
    truenas.stats.calls.clear()

    find(there, ["web"])

    assert truenas.stats.calls["virt.instance.query"] == 1
