# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how CPUs are sent where a container can only be pinned to some."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.cpuset import from_truenas, to_truenas


@pytest.mark.parametrize(("cpu", "cpuset"), [("0-3", "0-3"), ("0,2", "0,2"), ("2-2", "2"), ("0-1, 4", "0-1, 4")])
def test_cpus_are_sent_as_truenas_accepts_them(cpu, cpuset):
    assert to_truenas(cpu, "nas") == cpuset


@pytest.mark.parametrize(("cpu", "instead"), [("2", "cpu: 0-1"), ("1", "cpu: 0-0"), (" 16 ", "cpu: 0-15")])
def test_how_many_is_refused_with_what_to_write_instead(cpu, instead):
    with pytest.raises(Unsupported, match=f"nas cannot limit a container to .* CPUs.*{instead}"):
        to_truenas(cpu, "nas")


@pytest.mark.parametrize(("cpuset", "cpu"), [("0-3", "0-3"), ("2", "2-2"), ("0,2", "0,2"), (None, None), ("", None)])
def test_one_cpu_is_never_shown_as_a_number_of_them(cpuset, cpu):
    assert from_truenas(cpuset) == cpu


@pytest.mark.parametrize("cpu", ["0-3", "2-2", "0,2-5", "0-1, 4"])
def test_what_was_written_is_read_as_it_was_asked_for(cpu):
    assert from_truenas(to_truenas(cpu, "nas")) == cpu
