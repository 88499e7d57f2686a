# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the built-in recipes."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes import builtin


@pytest.mark.parametrize("name", ["dev", "python", "node"])
def test_scripts_are_valid_and_run_nothing_that_comes_from_the_network(name):
    script = builtin.RECIPES[name].setup

    subprocess.run(["/bin/sh", "-n"], input=script, text=True, check=True)
    if shellcheck := shutil.which("shellcheck"):
        subprocess.run([shellcheck, "-s", "sh", "-"], input=script, text=True, check=True)
    assert script.startswith("#!/bin/sh\nset -eu\n")
    assert "| sh" not in script
    assert "| bash" not in script


def test_packages_of_another_signer_are_verified_with_a_pinned_key():
    script = builtin.RECIPES["node"].setup

    assert script.index(builtin.NODESOURCE_KEY) < script.index("install_packages nodejs")
    assert "signed-by=/etc/apt/keyrings/nodesource.gpg" in script
