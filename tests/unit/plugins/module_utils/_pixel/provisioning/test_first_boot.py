# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the first-boot script; tests of `pixels_container` run it."""

from __future__ import annotations

import subprocess

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import first_boot


def test_a_shell_can_parse_the_script():
    subprocess.run(["/bin/sh", "-n"], input=first_boot.SCRIPT, text=True, check=True)
