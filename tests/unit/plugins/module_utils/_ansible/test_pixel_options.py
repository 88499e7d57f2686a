# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the options that describe a pixel."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.pixel_options import (
    SPECIFICATION,
    apply_options,
    pixel_spec,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.memory_size import MIB
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Nic


def options(**given):
    return ArgumentSpecValidator(SPECIFICATION).validate({"name": "web", **given}).validated_parameters


def test_omitted_options_are_unset():
    asked = pixel_spec(options(), None)

    assert (asked.name, asked.state) == ("px-web", "started")
    assert (asked.cpu, asked.memory, asked.environment, asked.autostart, asked.labels) == (None,) * 5


def test_options_are_converted():
    asked = pixel_spec(
        options(
            memory="4GiB",
            cpu=2,
            environment={"COUNT": 3},
            nic={"parent": "br0", "type": "bridged"},
            labels={"role": "builder"},
            owner="alice",
        ),
        None,
    )

    assert (asked.memory, asked.cpu, asked.environment) == (4096 * MIB, "2", {"COUNT": "3"})
    assert asked.nic == Nic("br0", "bridged")
    assert (asked.labels, asked.owner) == ({"role": "builder"}, "alice")


def test_an_empty_value_differs_from_an_omitted_one():
    asked = pixel_spec(options(environment={}, labels={}), None)

    assert (asked.environment, asked.labels) == ({}, {})


@pytest.mark.parametrize(
    "given",
    [
        {"memory": "lots"},
        {"labels": {"a-b": "c"}},
        {"owner": " "},
        {"name": "we_b"},
        {"environment": {"A B": "x"}},
        {"environment": {"PIXELS/fleet": "x"}},
    ],
)
def test_an_invalid_value_is_refused(given):
    with pytest.raises(Invalid):
        pixel_spec(options(**given), None)


def test_apply_options_are_read():
    tried = apply_options(options(stop_timeout=5, force=True, delete_retries=1, delete_delay=0, wait="ssh"), 2222)

    assert (tried.stop_timeout, tried.force, tried.delete_retries, tried.wait, tried.ssh_port) == (
        5,
        True,
        1,
        "ssh",
        2222,
    )
