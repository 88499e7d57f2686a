# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command against a NAS; where a test goes inside a pixel, one that lives and lets our key in."""

from __future__ import annotations

import pytest


@pytest.fixture
def release():
    """The modules show that both are understood."""
    return "25.10"


@pytest.fixture
def pixels(pixels_command):
    return pixels_command


@pytest.fixture
def inside(guest, pixels_command):
    """The command, and a running pixel named web that can be entered."""
    return pixels_command


@pytest.fixture
def shared(pixels_command, home):
    """The command with a session that is held open between its calls."""
    (home / "run").mkdir(mode=0o700)
    pixels_command.environment |= {"PIXELS_SESSION": "auto", "XDG_RUNTIME_DIR": str(home / "run")}
    yield pixels_command
    pixels_command("session", "stop")
