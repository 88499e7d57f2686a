# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Segments of a NAS whose network is configured."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.modules import pixels_segment
from tests.simulator import lan


@pytest.fixture(autouse=True)
def static_network(truenas):
    lan.configure_statically(truenas.world)


@pytest.fixture
def segment(run):
    """Run the module."""

    def run_module(**params):
        return run(pixels_segment, **{"name": "br77", **params})

    return run_module
