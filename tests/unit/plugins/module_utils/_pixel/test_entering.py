# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of entering a pixel by its name."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionFailed, NotFound, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.entering import enter
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.settings import Ssh

HOW = Ssh(user="root", key=None, port=22)


def test_a_pixel_that_is_not_there_is_named(pixels):
    with pytest.raises(NotFound, match="no pixel named web"), enter(pixels, "web", HOW):
        pass


def test_one_that_does_not_run_is_to_be_started(pixels, truenas):
    truenas.world.add_container("px-web", status="STOPPED")

    with pytest.raises(Refused, match="web on .* is stopped: start it first"), enter(pixels, "px-web", HOW):
        pass


def test_one_without_an_address_cannot_be_entered(pixels, truenas):
    truenas.world.add_container("px-web").aliases.clear()

    with pytest.raises(ConnectionFailed, match="reports no IPv4 address"), enter(pixels, "web", HOW):
        pass
