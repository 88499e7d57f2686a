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


def wheel(version, tags="py3-none-manylinux", **more):
    """A file of a project, in which the checksum consists of the first digit of the version."""
    name = f"uv-{version}-{tags}.whl"
    return {"filename": name, "url": f"https://pypi.example/{name}", "hashes": {"sha256": version[0] * 64}, **more}


REGISTRY = {
    "https://registry.npmjs.org/tool": package("3.0.0", "2.9.0", "2.10.0", "3.0.0", "4.0.0-beta"),
    "https://registry.npmjs.org/@scope%2Fbuild": package("2.10.0", "2.9.0", "2.10.0"),
    "https://registry.npmjs.org/needy": package("1.0.0", "1.0.0", dependencies={"left-pad": "1"}),
    "https://registry.npmjs.org/whole": package("1.0.0", "1.0.0", dependencies={"a": "1"}, bundleDependencies=["a"]),
    "https://pypi.org/simple/uv/": {
        "files": [
            {**wheel("9.0"), "filename": "uv-9.0.tar.gz"},
            *(wheel(version) for version in ("9.10", "9.9", "8.1", "10.0rc1")),
            wheel("11.0", yanked="broken"),
        ]
    },
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


@pytest.mark.parametrize(("follow", "version"), [("latest", "9.10"), ("8", "8.1")])
def test_a_wheel_of_the_newest_release_that_was_not_withdrawn_is_found_by_its_platform(update, follow, version):
    rc, tool, _shown = update({"follow": follow, "files": [{"pypi": "uv", "wheel": "manylinux"}]})

    assert (rc, tool["version"], tool["files"][0]["checksum"]) == (0, version, version[0] * 64)
    assert tool["files"][0]["url"] == f"https://pypi.example/uv-{version}-py3-none-manylinux.whl"


def test_a_package_that_contains_what_it_needs_is_enough(update):
    assert update({"files": [{"npm": "whole"}]})[0] == 0


@pytest.mark.parametrize(
    ("tool", "problem"),
    [
        ({"files": [{"npm": "gone"}]}, "x: https://registry.npmjs.org/gone: HTTP Error 404"),
        ({"files": [{"npm": "needy"}]}, "x: needy 1.0.0 needs other packages: left-pad"),
        ({"follow": "7", "files": [{"npm": "tool"}]}, "x: there is no version 7"),
        ({"files": [{"pypi": "uv", "wheel": "windows"}]}, "x: uv 9.10 has no wheel for windows"),
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
