# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the program that updates a lock of devtools, with registries that are dictionaries."""

from __future__ import annotations

import base64
import json
import runpy
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "roles/devtools/files/update_lock.py"
UPDATE = runpy.run_path(str(PROGRAM))


def package(latest, *versions, **manifest):
    """The metadata of a package, in which the checksum of a version consists of its first digit."""

    def dist(version):
        digest = base64.b64encode(bytes.fromhex(version[0] * 128)).decode()
        return {"tarball": f"https://npm.example/{version}.tgz", "integrity": f"sha512-{digest}"}

    return {"dist-tags": {"latest": latest}, "versions": {each: {"dist": dist(each), **manifest} for each in versions}}


WHEEL = {"filename": "uv-9-manylinux.whl", "url": "https://pypi.example/uv-9.whl", "digests": {"sha256": "b" * 64}}
REGISTRY = {
    "https://registry.npmjs.org/tool": package("3.0.0", "2.9.0", "2.10.0", "3.0.0", "4.0.0-beta"),
    "https://registry.npmjs.org/@scope%2Fbuild": package("2.10.0", "2.9.0", "2.10.0"),
    "https://registry.npmjs.org/needy": package("1.0.0", "1.0.0", dependencies={"left-pad": "1"}),
    "https://registry.npmjs.org/whole": package("1.0.0", "1.0.0", dependencies={"a": "1"}, bundleDependencies=["a"]),
    "https://pypi.org/pypi/uv/json": {"info": {"version": "9"}, "releases": {"9": []}},
    "https://pypi.org/pypi/uv/9/json": {"urls": [{"filename": "uv-9.tar.gz"}, WHEEL]},
}


def registry(url):
    try:
        return REGISTRY[url]
    except KeyError:
        raise UPDATE["LockError"](f"{url}: HTTP Error 404") from None


@pytest.fixture
def update(tmp_path, capsys):
    path = tmp_path / "lock.json"

    def run(tool, *options):
        path.write_text(json.dumps({"format": 1, "tools": {"x": tool, "git": {"version": "distribution"}}}))
        rc = UPDATE["main"]([*options, str(path)], registry)
        shown = capsys.readouterr()
        return rc, json.loads(path.read_text())["tools"]["x"], shown.out + shown.err

    return run


@pytest.mark.parametrize(("follow", "version"), [("latest", "3.0.0"), ("2", "2.10.0"), ("2.9", "2.9.0")])
def test_a_tool_gets_the_version_that_it_follows_with_its_checksum(update, follow, version):
    rc, tool, shown = update({"follow": follow, "files": [{"npm": "tool"}]})

    assert (rc, tool["version"], shown) == (0, version, f"x: new -> {version}\n")
    assert tool["files"] == [{"npm": "tool", "url": f"https://npm.example/{version}.tgz", "checksum": version[0] * 128}]


def test_all_builds_of_a_tool_get_the_newest_version_that_all_of_them_have(update):
    _rc, tool, _shown = update({"files": [{"npm": "tool"}, {"npm": "@scope/build"}]})

    assert tool["version"] == "2.10.0"


def test_a_wheel_is_found_by_its_platform(update):
    rc, tool, _shown = update({"files": [{"pypi": "uv", "wheel": "manylinux"}]})

    assert (rc, tool["version"], tool["files"][0]["checksum"]) == (0, "9", "b" * 64)


def test_a_package_that_contains_what_it_needs_is_enough(update):
    assert update({"files": [{"npm": "whole"}]})[0] == 0


@pytest.mark.parametrize(
    ("tool", "problem"),
    [
        ({"files": [{"npm": "gone"}]}, "x: https://registry.npmjs.org/gone: HTTP Error 404"),
        ({"files": [{"npm": "needy"}]}, "x: needy 1.0.0 needs other packages: left-pad"),
        ({"follow": "7", "files": [{"npm": "tool"}]}, "x: there is no version 7"),
        ({"files": [{"pypi": "uv", "wheel": "windows"}]}, "x: uv 9 has no wheel for windows"),
        ({"files": [{}]}, "x: "),
    ],
)
def test_a_tool_that_cannot_be_resolved_leaves_the_lock_as_it_was(update, tool, problem):
    rc, after, shown = update(tool)

    assert (rc, after) == (1, tool)
    assert problem in shown
    assert "Nothing was changed" in shown


def test_check_writes_nothing_and_tells_that_there_is_an_update(update):
    tool = {"files": [{"npm": "tool"}]}

    rc, after, _shown = update(tool, "--check")
    _rc, current, _shown = update(tool)

    assert (rc, after) == (1, tool)
    assert update(current, "--check")[::2] == (0, "The lock is current.\n")
