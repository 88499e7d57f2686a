# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test how secrets in settings are hidden."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import redaction


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("pass show nas", "pass ********"),
        ("nas-key", "nas-key"),
        ("'/opt/my tools/key' x", "/opt/my tools/key ********"),
        ("unfinished 'quote", "********"),
    ],
)
def test_the_arguments_of_a_command_are_hidden(command, shown):
    assert redaction.without_arguments(command) == shown
