# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the secrets of a method are hidden, and nothing else."""

from __future__ import annotations

from tests.simulator.redact import STARS, redact, redact_arguments


def test_secret_members_are_stars_even_when_null() -> None:
    assert redact("virt.instance.create", {"id": "px-web", "raw": None}) == {"id": "px-web", "raw": STARS}


def test_environment_variables_of_that_name_are_not_secret() -> None:
    arguments = [{"name": "px-web", "environment": {"raw": "x", "vnc_password": "y"}}]

    assert redact_arguments("virt.instance.create", arguments) == arguments


def test_other_methods_and_plain_values_stay() -> None:
    assert redact("virt.instance.start", True) is True
    assert redact("pool.snapshot.create", {"raw": 1}) == {"raw": 1}
