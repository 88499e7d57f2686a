# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how values are written for OpenSSH; ssh itself is the judge."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh.quoting import quote_path


@pytest.mark.parametrize(
    "path", ["/home/ann/.ssh/id", "/home/ann lee/id", '/a"b', "/a\\b", "/100%h", "/a#b", "/a'b", "/ä"]
)
def test_ssh_reads_a_path_as_it_is(path):
    output = subprocess.run(
        ["ssh", "-G", "-F", "none", "-o", f"UserKnownHostsFile={quote_path(path)}", "host"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout

    # ssh prints the value before it replaces tokens: a doubled percent sign is a single one.
    [found] = [line for line in output.splitlines() if line.startswith("userknownhostsfile ")]
    assert found.partition(" ")[2].replace("%%", "%") == path
