# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what -v shows."""

from __future__ import annotations

import re

import pytest


@pytest.fixture
def engine():
    return "process"


def test_it_says_where_it_goes_and_what_it_asks(inside, truenas):
    ended = inside("-v", "list")

    first, *calls = ended.stderr.splitlines()
    assert first.startswith(f"# 127.0.0.1:{truenas.port} as {truenas.username}, from no configuration file; ")
    assert re.fullmatch(r"# virt\.instance\.query took \d+ ms", calls[-1])
    assert ended.stdout == inside("list").stdout


def test_a_failed_call_is_reported_too(inside, truenas):
    truenas.faults.add("fail_job", method="virt.instance.stop")

    ended = inside("stop", "web", "-v")

    assert re.search(r"# virt\.instance\.stop failed after \d+ ms\n", ended.stderr)


def test_it_reports_the_transport_to_a_pixel(inside, truenas):
    address = truenas.world.containers["px-web"].aliases[0]["address"]

    assert f"# px-web: at {address}, the address on the NAS\n" in inside("exec", "-v", "web", "true").stderr
    assert "# px-web: over the open connection" in inside("exec", "-v", "web", "true").stderr


def test_no_secret_is_shown(inside, truenas):
    assert truenas.api_key not in inside("-v", "status", "web").stderr
