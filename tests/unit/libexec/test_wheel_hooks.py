# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test what the wheel gets from the code of the command; `make test-build` builds and installs the wheel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# hatchling is installed only where a wheel is built.
PROGRAM = """
import runpy, sys, types
class Base:
    def __class_getitem__(cls, _item):
        return cls
for path, name in (
    ("hatchling.builders.hooks.plugin.interface", "BuildHookInterface"),
    ("hatchling.metadata.plugin.interface", "MetadataHookInterface"),
):
    for end in range(1, path.count(".") + 2):
        module = ".".join(path.split(".")[:end])
        sys.modules.setdefault(module, types.ModuleType(module))
    setattr(sys.modules[path], name, Base)
hooks = runpy.run_path(sys.argv[1])
print(*hooks["man_pages"]("1.0.0"), *hooks["completion_scripts"]())
"""


def test_it_makes_man_pages_and_completion_scripts_from_the_checkout():
    made = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, str(ROOT / "libexec/wheel_hooks.py")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert {"pixels.1", "pixels-create.1", "bash", "fish", "zsh"} <= set(made)
