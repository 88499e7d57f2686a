# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how the control groups of a lab are found and removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import namespaces


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with two hierarchies; this process is not at the root of one of them."""
    for folder in ("memory/user/me", "systemd", "unified"):
        (tmp_path / folder).mkdir(parents=True)
    own = tmp_path / "own"
    own.write_text("4:memory:/user/me\n1:name=systemd:/\n0::/\n")
    monkeypatch.setattr(namespaces, "CGROUPS", tmp_path)
    monkeypatch.setattr(namespaces, "OWN_GROUPS", own)
    return tmp_path


def test_groups_are_found_at_the_root_and_below_our_own_the_innermost_first(groups: Path) -> None:
    for folder in ("memory/user/me/lab/px-web", "systemd/lab", "memory/other/lab"):
        (groups / folder).mkdir(parents=True)

    found = namespaces.groups("lab")

    assert found[0] == groups / "memory/user/me/lab/px-web"
    assert set(found[1:]) == {groups / "memory/user/me/lab", groups / "systemd/lab"}


def test_groups_are_removed_with_what_is_in_them(groups: Path) -> None:
    (groups / "memory/user/me/lab/px-web/system.slice").mkdir(parents=True)
    (groups / "systemd/lab").mkdir()

    assert namespaces.sweep("lab")

    assert namespaces.groups("lab") == []
    assert (groups / "memory/user/me").is_dir()
