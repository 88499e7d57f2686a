# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the configuration that a session daemon starts with."""

from __future__ import annotations

import json

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.startup_config import DaemonConfig, decode
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint, Timeouts

ORDER = DaemonConfig(
    Endpoint("nas", 8443, ca_path="/etc/ca.pem"),
    Credential("root", api_key="1-secret", mechanism="scram"),
    Timeouts(login_wait=5),
    60.0,
    "/run/user/1000/pixels",
    "0123456789abcdef",
    "version",
    listener=7,
    inode=42,
    library_path=("/usr/lib/python3",),
)


def test_an_order_is_read_as_it_was_written():
    text = ORDER.encode()

    assert text.count(b"\n") == 1
    assert decode(json.loads(text)) == ORDER


def test_an_order_shows_no_secret():
    assert "secret" not in repr(ORDER)
