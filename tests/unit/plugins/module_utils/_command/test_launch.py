# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how the code of the command is found, and what it does without."""

from __future__ import annotations

import subprocess
import sys

from tests.unit.command import PIXELS

LAUNCH = PIXELS.parents[1] / "plugins/module_utils/_command/launch.py"

LOADED = """
import runpy, sys
sys.argv = [sys.argv[1], *sys.argv[2:]]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit:
    pass
print(sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def loaded(command, *words):
    ended = subprocess.run(
        [sys.executable, "-PS", "-c", LOADED, str(LAUNCH), *words],
        env=command.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stderr.splitlines()[-1]


def test_ansible_is_never_loaded(pixels, truenas):
    truenas.world.add_container("px-web")

    for words in (["--help"], ["list"], ["stop", "web"]):
        found = loaded(pixels, *words)
        assert "'ansible'" not in found
        assert "'paramiko'" not in found


def test_what_speaks_to_nobody_loads_no_library(command):
    for words in (["--help"], ["config", "show"], ["config", "path"]):
        assert "'websocket'" not in loaded(command, *words)


def test_a_warm_listing_loads_next_to_nothing(shared, truenas):
    truenas.world.add_container("px-web")
    shared("list")

    found = loaded(shared, "list")

    for name in ("argparse", "dataclasses", "ssl", "websocket", "subprocess"):
        assert f"'{name}'" not in found


def test_it_runs_where_only_the_plugins_are(command, tmp_path):
    (tmp_path / "plugins").symlink_to(LAUNCH.parents[2])
    launch = tmp_path / "plugins/module_utils/_command/launch.py"

    ended = subprocess.run(
        [sys.executable, "-P", str(launch), "config", "path"], env=command.environment, capture_output=True, check=True
    )

    assert ended.stdout.endswith(b"config.toml\n")
