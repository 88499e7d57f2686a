# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how a login is called in messages."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import SshTarget
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

WEB = PixelName("px-web")


def test_a_login_names_pixel_nas_and_account():
    assert str(SshTarget(WEB, "nas", "10.0.0.1")) == "web on nas (root@10.0.0.1)"


def test_an_unusual_port_is_reported():
    assert str(SshTarget(WEB, "nas", "10.0.0.1", port=2222, user="me")) == "web on nas (me@10.0.0.1 port 2222)"
