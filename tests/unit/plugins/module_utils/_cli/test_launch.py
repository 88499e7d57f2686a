# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how the code of the command is found, and what it does without."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.unit.command import PIXELS
from tests.unit.plugins.conftest import wait_until_asked

LAUNCH = PIXELS.parents[1] / "plugins/module_utils/_cli/launch.py"

LOADED = """
import os, runpy, sys
os._exit = sys.exit
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


@pytest.mark.wide
def test_ansible_is_never_loaded(pixels, truenas):
    truenas.world.add_container("px-web")

    for words in (["--help"], ["list"], ["stop", "web"]):
        found = loaded(pixels, *words)
        assert "'ansible'" not in found
        assert "'paramiko'" not in found


def test_what_connects_to_no_nas_loads_no_library(command):
    for words in (["--help"], ["config", "show"], ["config", "path"]):
        assert "'websocket'" not in loaded(command, *words)


def test_a_warm_listing_loads_next_to_nothing(shared, truenas):
    truenas.world.add_container("px-web")
    shared("list")

    found = loaded(shared, "list")

    for name in ("argparse", "dataclasses", "ssl", "websocket", "subprocess"):
        assert f"'{name}'" not in found


def in_a_shell(command, line):
    """Run a line of sh in which `pixels` is the command of this checkout."""
    return subprocess.run(
        ["sh", "-c", line.replace("pixels", str(PIXELS))],
        env=command.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(params=["pixels list", "pixels list --no-color"], ids=["by the short way", "by the long way"])
def listing(request, shared, truenas):
    """Both ways to list, with a session that is open."""
    truenas.world.add_container("px-web")
    shared("list")
    return request.param


def test_a_reader_that_has_enough_is_no_error_to_talk_about(shared, listing):
    assert in_a_shell(shared, f"{listing} | true").stderr == ""


def test_a_disk_that_is_full_is_an_error_in_one_sentence(shared, listing):
    ended = in_a_shell(shared, f"{listing} >/dev/full")

    assert (ended.returncode, ended.stderr) == (1, "Error: standard output: No space left on device\n")


def test_an_output_that_is_closed_is_an_error_in_one_sentence(shared, listing):
    ended = in_a_shell(shared, f"{listing} >&-")

    assert (ended.returncode, ended.stderr) == (1, "Error: standard output: Bad file descriptor\n")


def test_an_input_or_an_error_output_that_is_closed_is_no_obstacle(shared, listing):
    ended = in_a_shell(shared, f"{listing} <&- 2>&-")

    assert ended.returncode == 0
    assert "web" in ended.stdout


def test_nowhere_to_complain_is_no_reason_to_fail_otherwise(shared, listing):
    assert in_a_shell(shared, f"{listing} >/dev/full 2>/dev/full").returncode == 1


def test_interrupting_the_fast_path_is_reported_in_one_line(shared, truenas):
    truenas.world.add_container("px-web")
    shared("list")
    truenas.faults.add("delay", method="virt.instance.query", seconds=20)
    truenas.stats.calls.clear()
    terminal = shared.at_terminal("list")
    wait_until_asked(truenas, "virt.instance.query")

    terminal.press_ctrl_c()

    assert terminal.end() == 130
    assert terminal.shown == "^C\nInterrupted.\n"


def test_it_runs_where_only_the_plugins_are(command, tmp_path):
    (tmp_path / "plugins").symlink_to(LAUNCH.parents[2])
    launch = tmp_path / "plugins/module_utils/_cli/launch.py"

    ended = subprocess.run(
        [sys.executable, "-P", str(launch), "config", "path"], env=command.environment, capture_output=True, check=True
    )

    assert ended.stdout.endswith(b"config.toml\n")
