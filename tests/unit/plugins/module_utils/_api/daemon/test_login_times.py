# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the file with the times of the recent login calls."""

from __future__ import annotations

import os

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import login_times


@pytest.fixture
def file(tmp_path):
    opened = os.open(tmp_path / "logins", os.O_RDWR | os.O_CREAT, 0o600)
    yield opened
    os.close(opened)


def test_calls_are_counted_by_method_within_the_window(file):
    counted = [login_times.count(file, login_times.LOGIN, now=1000.0, limit=2) for _call in range(3)]

    assert counted == [True, True, False]
    assert login_times.count(file, login_times.MECHANISMS, now=1000.0, limit=2)
    assert login_times.count(file, login_times.LOGIN, now=1000.0 + login_times.WINDOW_S, limit=2)


def test_several_calls_are_counted_together_or_not_at_all(file):
    assert not login_times.count(file, login_times.LOGIN, 3, now=1000.0, limit=2)
    assert login_times.count(file, login_times.LOGIN, 2, now=1000.0, limit=2)


def test_a_clock_that_was_set_back_blocks_no_login(file):
    assert login_times.count(file, login_times.LOGIN, now=9000.0, limit=1)
    assert login_times.count(file, login_times.LOGIN, now=1000.0, limit=1)


@pytest.mark.parametrize("content", [b"nonsense", b"[]", b'{"auth.login_ex": 1}', b'{"auth.login_ex": ["x", null]}'])
def test_invalid_content_is_ignored(file, content):
    os.pwrite(file, content, 0)

    assert login_times.count(file, login_times.LOGIN, now=1000.0, limit=1)
