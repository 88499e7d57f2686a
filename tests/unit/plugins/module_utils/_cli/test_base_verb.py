# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb bases, and of what other verbs do with bases."""

from __future__ import annotations

import pytest


@pytest.fixture
def configured(pixels, home):
    """The command, with the bases root and child in its configuration file."""
    path = home / ".config" / "pixels"
    path.mkdir(parents=True)
    text = '[bases.root]\nimage = "debian/12"\ndescription = "what all need"\n[bases.child]\nfrom = "root"\n'
    (path / "config.toml").write_text(text)
    return pixels


@pytest.mark.wide
def test_a_base_is_built_cloned_listed_and_destroyed(configured, truenas):
    built = configured("bases", "build", "child")
    again = configured("bases", "build", "--all")
    created = configured("create", "web", "--from", "base:child", "--no-provision", "--wait", "running")
    listed = configured("bases", "list")
    refused = configured("bases", "delete", "-f", "child")

    assert built.stdout.startswith("Built child (base-child-1) in ")
    assert again.stdout == "root is up to date (base-root-1)\nchild is up to date (base-child-1)\n"
    assert created.returncode == 0
    assert listed.stdout.splitlines()[0].split() == ["NAME", "FROM", "STATUS", "VERSION", "CREATED", "DESCRIPTION"]
    rows = {line.split()[0]: line.split()[1:4] for line in listed.stdout.splitlines()}
    assert rows["root"] == ["debian/12", "ready", "base-root-1"]
    assert rows["child"] == ["root", "ready", "base-child-1"]
    assert rows["node"] == ["dev", "missing", "—"]
    assert refused.returncode == 1
    assert "there are web (from ready)" in refused.stderr

    configured("destroy", "-f", "web")
    assert configured("bases", "delete", "child", stdin="y\n").stdout.endswith("Destroyed the base child\n")
    assert set(truenas.world.containers) == {"px-base-root-1"}
    assert "there is no base named child" in configured("bases", "delete", "-f", "child").stderr


@pytest.mark.wide
def test_a_base_that_is_cloned_while_the_question_is_open_is_kept(configured, truenas):
    configured("bases", "build", "root")
    asking = configured.at_terminal("bases", "delete", "root")
    asking.see("[y/N]")

    configured("create", "web", "--from", "base:root", "--no-provision", "--wait", "running")
    asking.type("y\n")

    assert asking.end() == 1
    assert "base-root-1 was not destroyed" in asking.shown
    assert set(truenas.world.containers) == {"px-base-root-1", "px-web"}


def test_bases_are_listed_as_such_and_verbs_for_all_pixels_leave_them(configured, truenas):
    configured("bases", "build", "root")
    truenas.world.add_container("px-web", status="STOPPED")

    listed = configured("list").stdout.splitlines()
    configured("start", "--all")
    destroyed = configured("destroy", "--all", "--force")
    refused = configured("destroy", "base-root-1", stdin="y\n")

    assert [line.split()[:2] for line in listed[1:]] == [["base-root-1", "BASE"], ["web", "STOPPED"]]
    assert destroyed.stdout == "Destroyed web\n"
    assert "it is a version of the base root. Destroy the base with" in refused.stderr
    assert truenas.world.containers["px-base-root-1"].status == "STOPPED"


def test_unknown_and_missing_names_are_errors(configured):
    assert "unknown base 'nope'" in configured("bases", "build", "nope").stderr
    assert "no base is named" in configured("bases", "build").stderr


def test_results_are_printed_as_json(configured):
    built = configured.json("bases", "build", "root")
    listed = configured.json("bases", "list")

    assert (built[0]["name"], built[0]["changed"], built[0]["version"]) == ("root", True, "base-root-1")
    assert [each["name"] for each in listed] == ["child", "dev", "node", "python", "root"]
