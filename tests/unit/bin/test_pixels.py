# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the command runs from wherever it lies; tests of its verbs are beside its code's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.command import PIXELS


def test_it_runs_from_the_checkout(command):
    assert "Disposable Linux containers on TrueNAS." in command("--help").stdout


@pytest.mark.parametrize("hops", [1, 2])
def test_it_runs_through_links_on_the_path(command, home, hops):
    for hop in range(hops):
        folder = home / f"bin{hop}"
        folder.mkdir()
        (folder / "pixels").symlink_to(home / f"bin{hop + 1}/pixels" if hop + 1 < hops else PIXELS)
    environment = {**command.environment, "PATH": f"{home}/bin0:{command.environment['PATH']}"}

    ended = subprocess.run(["sh", "-c", "pixels --help"], env=environment, capture_output=True, text=True, check=True)

    assert "usage: pixels" in ended.stdout


def test_it_runs_from_an_installed_collection(command, home):
    installed = home / "ansible_collections/pixels/truenas"
    installed.parent.mkdir(parents=True)
    installed.symlink_to(PIXELS.parents[1])

    ended = subprocess.run([str(installed / "bin/pixels"), "--help"], env=command.environment, check=False)

    assert ended.returncode == 0


@pytest.fixture
def telling(home):
    """An interpreter that only prints its name."""
    path = home / "python-of-ansible"
    path.write_text('#!/bin/sh\necho "$0"\n')
    path.chmod(0o755)
    return path


def test_it_runs_in_the_python_that_ansible_is_installed_in(command, home, telling):
    (home / "ansible").write_text(f"#!{telling}\n")
    (home / "ansible").chmod(0o755)

    ended = command("list", PIXELS_PYTHON=None, PATH=f"{home}:{os.environ['PATH']}")

    assert ended.stdout == f"{telling}\n"


def test_another_python_can_be_asked_for(command, telling):
    assert command("list", PIXELS_PYTHON=str(telling)).stdout == f"{telling}\n"


def test_without_ansible_any_python_will_do(command, home):
    folder = home / "bin"
    folder.mkdir()
    (folder / "python3").symlink_to(sys.executable)
    for program in ("sh", "readlink"):
        (folder / program).symlink_to(Path("/bin") / program)

    assert "usage: pixels" in command("--help", PIXELS_PYTHON=None, PATH=str(folder)).stdout


def test_words_in_front_of_the_verb_are_passed_on_as_they_are(command):
    assert "invalid choice: 'it\\'s'" in command("it's").stderr or "it's" in command("it's").stderr
