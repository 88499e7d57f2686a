# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the command line of OpenSSH."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import openssh
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import SshTarget
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import KnownHosts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

LOGIN = SshTarget(PixelName("px-web"), "nas", "10.0.0.1", key_file="~/k")


@pytest.fixture
def keys(tmp_path):
    return KnownHosts(tmp_path / "known hosts")


def parsed(arguments):
    """Return the options as ssh itself parses them."""
    values = subprocess.run(
        ["ssh", "-F", "none", "-G", *arguments, "10.0.0.1"], capture_output=True, text=True, check=True
    )
    return dict(line.split(" ", 1) for line in values.stdout.splitlines() if " " in line)


def test_ssh_accepts_the_options(keys):
    values = parsed(openssh.options(LOGIN, keys))

    assert values["hostkeyalias"] == "px-web.nas.pixels"
    assert values["stricthostkeychecking"] == "accept-new"
    assert values["hashknownhosts"] == "no"
    assert values["userknownhostsfile"].strip('"') == str(keys.path)
    assert values["passwordauthentication"] == "no"
    assert values["identitiesonly"] == "yes"


def test_an_address_that_may_be_outdated_needs_a_pinned_key(keys):
    assert parsed(openssh.options(LOGIN, keys, only_pinned=True))["stricthostkeychecking"] in ("yes", "true")
