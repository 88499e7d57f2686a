# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the errors for logins that OpenSSH could not complete."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionFailed, NotPermitted
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import login_errors
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import SshTarget
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import KnownHosts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

LOGIN = SshTarget(PixelName("px-web"), "nas", "10.0.0.1", key_file="~/k")


@pytest.fixture
def keys(tmp_path):
    return KnownHosts(tmp_path / "known hosts")


@pytest.mark.parametrize(
    ("output", "kind", "text"),
    [
        ("ssh: connect to host 10.0.0.1 port 22: No route to host\n", ConnectionFailed, "No route to host"),
        ("Host key verification failed.\n", ConnectionFailed, "remove the lines of px-web.nas.pixels from"),
        ("root@10.0.0.1: Permission denied (publickey).\n", NotPermitted, "took none of the keys"),
        ("", ConnectionFailed, "ssh printed no message"),
    ],
)
def test_a_failed_login_names_its_cause(keys, output, kind, text):
    error = login_errors.login_error(LOGIN, keys, output)

    assert isinstance(error, kind)
    assert text in str(error)
    assert "web on nas (root@10.0.0.1)" in str(error)
