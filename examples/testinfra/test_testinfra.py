# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test each pixel with testinfra."""

from __future__ import annotations

testinfra_hosts = ["ansible://pixels"]


def test_the_host_name_is_that_of_the_pixel(host):
    assert host.check_output("uname -n") == f"px-{host.backend.host}"


def test_the_user_database_is_there(host):
    assert host.file("/etc/passwd").is_file
