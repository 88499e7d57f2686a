# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the table of pixels."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_table


def test_the_time_that_is_left_is_shown_if_any_pixel_expires():
    forever = ("px-web", "running", "10.0.0.5", None)
    expired = ("px-db", "stopped", None, "2001-01-01T00:00:00Z")

    assert list_table.table([forever]) == (("NAME", "STATUS", "IP"), [("web", "RUNNING", "10.0.0.5")])
    header, cells = list_table.table([forever, expired])
    assert header[-1] == "EXPIRES IN"
    assert cells[0] == ("web", "RUNNING", "10.0.0.5", "—")
    assert cells[1][:3] == ("db", "STOPPED", "—")


def test_an_empty_result_is_left_to_a_backend():
    assert list_table.summarize([]) is None


def test_a_result_of_another_form_is_an_error():
    with pytest.raises(ValueError, match="name"):
        list_table.summarize([{"name": 1}])
