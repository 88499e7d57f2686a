# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the validation of statuses."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.statuses import STATUSES, lower_case


def test_capitals_are_accepted():
    assert lower_case(["RUNNING", "Stopped"]) == ["running", "stopped"]


@pytest.mark.parametrize("status", ["runing", "", "running "])
def test_an_unknown_status_is_refused_with_the_valid_ones(status):
    with pytest.raises(Invalid) as raised:
        lower_case(["running", status])
    assert str(raised.value) == (f"unknown status {status!r}: choose from {', '.join(STATUSES)}")
