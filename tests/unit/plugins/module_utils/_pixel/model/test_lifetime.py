# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of lifetimes as texts and times."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import lifetime
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Metadata

NOON = datetime.datetime(2026, 11, 29, 12, 0, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("4h", 14400), ("7d", 604800), ("2w", 1209600), ("1d12h", 129600), (" 1H30M ", 5400)],
)
def test_a_duration_is_a_sum_of_its_units(text, seconds):
    assert lifetime.parse_duration("ttl", text) == seconds


@pytest.mark.parametrize(
    "text", ["", "4", "h", "-4h", "4 h", "0m", "4h7d", "1.5h", "4s", "99999d", "٤h", "4h\n;", "9" * 400]
)
def test_other_texts_are_no_durations(text):
    with pytest.raises(Invalid, match=r"invalid duration"):
        lifetime.parse_duration("ttl", text)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0m"), (59, "0m"), (60, "1m"), (86400, "1d"), (95_430, "1d2h30m")])
def test_a_duration_is_shown_in_whole_minutes(seconds, text):
    assert lifetime.format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("24h", "1d"),
        ("NEVER", "never"),
        ("2026-12-01", "2026-12-01T00:00:00Z"),
        ("2026-12-01T18:00Z", "2026-12-01T18:00:00Z"),
        ("2026-12-01T18:00+02:00", "2026-12-01T16:00:00Z"),
        # As YAML passes an unquoted time.
        ("2026-12-01 18:00:00+00:00", "2026-12-01T18:00:00Z"),
    ],
)
def test_a_lifetime_has_a_normal_form(text, normal):
    assert lifetime.parse_ttl(text) == normal
    assert lifetime.parse_ttl(normal) == normal


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "2026-12-01T18:00", "18:00Z", "2026-12-01T18:00Zx", "0001-01-01T00:00+14:00"]
)
def test_other_texts_are_no_lifetimes(text):
    with pytest.raises(Invalid):
        lifetime.parse_ttl(text)


@pytest.mark.parametrize(
    ("ttl", "end"),
    [("4h", "2026-11-29T16:00:00Z"), ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z"), ("never", None)],
)
def test_a_pixel_expires_after_a_duration_or_at_a_time(ttl, end):
    assert lifetime.expiry(ttl, NOON) == end


@pytest.mark.parametrize(
    "stored", [None, "", "soon", "2026-12-01", "2026-12-01T00:00:00", "0", "0001-01-01T00:00:00+14:00"]
)
def test_a_stored_text_that_is_no_time_never_expires(stored):
    assert lifetime.parse_time(stored) is None
    assert lifetime.kept_until(Metadata(expires=stored, ttl_keep="1d")) is None
    assert lifetime.describe_stored(stored) is None


def test_an_expired_pixel_is_kept_for_its_time():
    expired = Metadata(expires="2026-11-29T12:00:00Z")

    assert lifetime.kept_until(expired) == NOON
    assert lifetime.kept_until(Metadata(expires=expired.expires, ttl_keep="3d")) == NOON + datetime.timedelta(days=3)
    assert lifetime.kept_until(Metadata(expires=expired.expires, ttl_keep="for ever")) is None


def test_what_is_left_is_shown_or_that_it_is_over():
    now = datetime.datetime.now(datetime.UTC)

    assert lifetime.describe_stored(lifetime.format_time(now + datetime.timedelta(hours=3, seconds=30))) == "3h"
    assert lifetime.describe_stored(lifetime.format_time(now - datetime.timedelta(seconds=1))) == "expired"
