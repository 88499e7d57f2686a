# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that calls are counted as they arrive."""

from __future__ import annotations

from tests.simulator.stats import Stats


def test_calls_are_counted_by_method_and_in_order() -> None:
    stats = Stats()

    for method in ("auth.login_ex", "core.ping", "core.ping"):
        stats.called(method, in_flight=2)

    assert stats.calls == {"auth.login_ex": 1, "core.ping": 2}
    assert stats.methods_called == ["auth.login_ex", "core.ping", "core.ping"]
    assert (stats.login_attempts, stats.logins, stats.most_in_flight) == (1, 0, 2)


def test_a_reset_keeps_what_is_open() -> None:
    stats = Stats(logins=3, rate_limited=1, connections=4, open_connections=2, shells=7, open_shells=1)
    stats.called("core.ping", in_flight=1)

    stats.reset()

    assert stats == Stats(open_connections=2, open_shells=1)
    assert stats.as_json()["calls"] == {}
