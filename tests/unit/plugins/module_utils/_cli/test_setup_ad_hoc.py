# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb setup ad-hoc."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.command import PIXELS

COLLECTION = PIXELS.parents[1]


@pytest.fixture
def plugins(home):
    return home / ".ansible/plugins"


def test_every_module_and_its_action_are_linked(command, plugins):
    ended = command("setup", "ad-hoc")

    for kind in ("modules", "action"):
        names = sorted(path.name for path in (COLLECTION / "plugins" / kind).glob("pixels_*.py"))
        assert sorted(path.name for path in (plugins / kind).iterdir()) == names
    assert f"Linked {plugins}/modules/pixels_exec.py" in ended.stdout


def test_a_second_time_there_is_nothing_to_do(command):
    command("setup", "ad-hoc")

    assert command("setup", "ad-hoc").stdout == "All links already exist.\n"


def test_undo_takes_back_what_was_made_and_nothing_else(command, plugins):
    command("setup", "ad-hoc")
    own = plugins / "modules/pixels_of_my_own.py"
    own.write_text("")

    ended = command("setup", "ad-hoc", "--undo")

    assert all(line.startswith("Removed ") for line in ended.stdout.split("\n")[:-1])
    assert f"Removed {plugins}/action/pixels_exec.py" in ended.stdout
    assert list(plugins.rglob("*.py")) == [own]


def test_a_link_to_an_older_installation_is_renewed(command, plugins):
    old = plugins / "modules/pixels_exec.py"
    old.parent.mkdir(parents=True)
    old.symlink_to("/old/ansible_collections/pixels/truenas/plugins/modules/pixels_exec.py")

    command("setup", "ad-hoc")

    assert old.resolve() == COLLECTION / "plugins/modules/pixels_exec.py"


def test_what_another_user_made_is_left_alone(command, plugins):
    theirs = plugins / "modules/pixels_exec.py"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")

    ended = command("setup", "ad-hoc")

    assert ended.returncode == 1
    assert str(theirs) in ended.stderr
    assert not (plugins / "action").exists()


def test_a_link_that_another_user_made_is_left_alone(command, plugins):
    theirs = plugins / "modules/pixels_exec.py"
    theirs.parent.mkdir(parents=True)
    theirs.symlink_to("/home/me/my_own_exec.py")

    ended = command("setup", "ad-hoc")

    assert (ended.returncode, str(theirs) in ended.stderr) == (1, True)
    assert str(theirs.readlink()) == "/home/me/my_own_exec.py"
    assert not (plugins / "action").exists()


def test_the_bare_name_then_works_where_the_collection_is_installed(command, home):
    installed = home / ".ansible/collections/ansible_collections/pixels/truenas"
    installed.parent.mkdir(parents=True)
    installed.symlink_to(COLLECTION)
    command("setup", "ad-hoc")

    ended = subprocess.run(
        [str(Path(sys.executable).with_name("ansible")), "localhost", "-m", "pixels_nas_info", "-e", "x=1"],
        env={**command.environment, "ANSIBLE_LOCALHOST_WARNING": "0"},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "no TrueNAS host is configured" in ended.stdout, ended.stderr


def test_programs_get_json(command, plugins):
    linked = json.loads(command("setup", "ad-hoc", "--json").stdout)["linked"]

    assert json.loads(command("setup", "ad-hoc", "--undo", "--json").stdout) == {
        "removed": sorted(linked, key=lambda path: ("action" in path.split("/"), path))
    }
