# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SSH login to a pixel that runs, and pinned host keys."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import SshTarget
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import KnownHosts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName


@pytest.fixture
def login(guest, truenas, key):
    address = truenas.world.containers["px-web"].aliases[0]["address"]
    return SshTarget(PixelName("px-web"), "nas", address, port=truenas.ssh_port, key_file=key.private)


@pytest.fixture
def keys(tmp_path):
    return KnownHosts(tmp_path / "known_hosts")
