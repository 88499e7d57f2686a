# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the lock of devtools, and of locks that users write."""

from __future__ import annotations

import json

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import presets
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import devtools_lock

CHECKSUM = "a" * 64
FILE = {"url": "https://example.org/x.tgz", "checksum": CHECKSUM}


def test_the_lock_of_the_collection_has_each_default_tool_with_what_it_requires():
    lock = devtools_lock.load()

    tools = devtools_lock.select(lock, ["default"])

    assert {tool.name for tool in tools} >= set(devtools_lock.DEFAULT)
    assert [tool.name for tool in devtools_lock.select(lock, ["gemini-cli"])] == ["node", "gemini-cli"]
    assert devtools_lock.plan(tools).count("tool|") == len(tools)


def test_mode_agent_of_egress_policies_allows_each_host_of_the_lock():
    lines = [line.split("|") for tool in devtools_lock.load().values() for line in tool.lines]
    hosts = {line[3].split("/")[2] for line in lines if line[0] == "file"}

    assert hosts <= {host for group in presets.AGENT for host in presets.GROUPS.get(group, ())}


def test_a_tool_with_another_content_has_another_digest():
    one, other = (devtools_lock.parse("x", {"version": "1", "files": [{**FILE, "checksum": c * 64}]}) for c in "ab")

    assert one.digest != other.digest


@pytest.mark.parametrize(
    "entry",
    [
        {"files": [{**FILE, "checksum": "0"}]},
        {"files": [{**FILE, "url": "ftp://example.org/x"}]},
        {"files": [{**FILE, "url": "https://example.org/x|y"}]},
        {"files": [{**FILE, "path": "../etc"}]},
        {"files": [{**FILE, "path": "/etc"}]},
        {"files": [{**FILE, "when": "windows"}]},
        {"files": [{"url": FILE["url"]}]},
        {"links": [{"name": "../x", "target": "bin/x"}]},
        {"links": [{"name": "x", "target": "/etc/shadow"}]},
        {"links": [{"name": "x", "target": "bin/../../x"}]},
        {"texts": [{"path": "x", "line": "a\nb"}]},
        {"packages": {"apt": ["git; reboot"]}},
        {"packages": {"apt": ["-o"]}},
        {"packages": {"brew": ["git"]}},
        {"requires": ["A B"]},
        {"files": 7},
    ],
)
def test_an_entry_that_could_do_something_else_is_refused(tmp_path, entry):
    path = tmp_path / "lock.json"
    path.write_text(json.dumps({"format": 1, "tools": {"x": {"version": "1", **entry}}}))

    with pytest.raises(Invalid, match=r"lock\.json is not a lock of devtools \(.+\): update or remove the lock"):
        devtools_lock.load(str(path))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "is not a lock of devtools"),
        ("{", "is not a lock of devtools"),
        ('{"format": 2, "tools": {}}', "has the format 2, and this version reads 1"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_lock_is_refused(tmp_path, text, problem):
    path = tmp_path / "lock.json"
    if text is not None:
        path.write_text(text)

    with pytest.raises(Invalid, match=problem):
        devtools_lock.load(str(path))


def test_an_unknown_tool_is_refused_with_those_that_there_are():
    with pytest.raises(Invalid, match=r"there is no tool 'emacs'\. Use build-tools, claude-code"):
        devtools_lock.select(devtools_lock.load(), ["emacs"])


def test_tools_that_require_each_other_are_installed_once():
    lock = {name: devtools_lock.parse(name, {"version": "1", "requires": [other]}) for name, other in ("ab", "ba")}

    assert [tool.name for tool in devtools_lock.select(lock, ["a", "b"])] == ["b", "a"]
