# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that every module has its action, and every action its module."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.plugins.loader import action_loader

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("pixels_*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_runs_in_process(module):
    action = action_loader.get(f"pixels.truenas.{module}", class_only=True)

    assert action.__name__ == "PixelsAction"


def test_there_is_no_action_without_a_module():
    assert sorted(path.stem for path in (PLUGINS / "action").glob("*.py")) == MODULES
