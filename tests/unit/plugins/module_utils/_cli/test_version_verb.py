# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb version and of --version."""

from __future__ import annotations

import json
import platform
import sys
import venv

import pytest
import yaml

from ansible_collections.pixels.truenas.plugins.module_utils._cli import version_verb
from tests.unit.command import PIXELS

VERSION = yaml.safe_load((PIXELS.parents[1] / "galaxy.yml").read_text())["version"]


def test_the_option_prints_the_version_of_galaxy_yml(command):
    ended = command("--version")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"pixels {VERSION}\n", "")


def test_the_verb_shows_every_part_that_can_differ(pixels, truenas):
    found = pixels.json("version")

    assert (found["version"], found["collection"]["version"]) == (VERSION, VERSION)
    assert found["python"] == {"version": platform.python_version(), "path": sys.executable}
    assert set(found["libraries"]) == {"websocket-client", "paramiko", "PyYAML"}
    assert found["nas"] == {"name": f"127.0.0.1:{truenas.port}", "release": "25.10.6", "error": None}
    lines = pixels("version").stdout.splitlines()
    assert lines[0] == f"pixels:     {VERSION}"
    assert lines[-1] == f"NAS:        127.0.0.1:{truenas.port}, TrueNAS 25.10.6"


def test_without_a_nas_the_reason_takes_its_place(command):
    ended = command("version")

    assert ended.returncode == 0
    assert "truenas.host" in ended.stdout.splitlines()[-1]


def test_an_installed_collection_has_the_version_in_its_manifest(tmp_path, monkeypatch):
    (tmp_path / "MANIFEST.json").write_text(json.dumps({"collection_info": {"version": "9.8.7"}}))
    monkeypatch.setattr(version_verb, "ROOT", tmp_path)

    assert version_verb.version() == "9.8.7"


@pytest.mark.parametrize("name", ["no-such-library"])
def test_a_library_that_is_not_installed_has_no_version(name):
    assert version_verb.library_version(name) is None


@pytest.fixture
def bare_python(tmp_path):
    """A Python without any library."""
    venv.create(tmp_path / "bare", with_pip=False)
    return tmp_path / "bare" / "bin" / "python"


def test_a_missing_library_is_reported_for_its_python_with_both_remedies(pixels, bare_python):
    ended = pixels("stop", "web", PIXELS_PYTHON=str(bare_python))

    assert ended.returncode == 1
    assert f"websocket-client is not installed for {bare_python}. Install it with {bare_python} -m pip" in ended.stderr
    assert ended.stderr.rstrip().endswith("or set PIXELS_PYTHON to a Python that has it")
