# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the program that installs tools; tests of `devtools` run it."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import devtools_program


@pytest.mark.parametrize("script", [devtools_program.PROGRAM, devtools_program.PROFILE])
def test_a_shell_can_parse_it(script):
    subprocess.run(["/bin/sh", "-n"], input=script, text=True, check=True)


def test_nothing_from_the_network_is_piped_into_a_shell():
    assert not [line for line in devtools_program.PROGRAM.splitlines() if "curl" in line and "|" in line.split("||")[0]]
