# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the choice between the routes of a listing; the routes have their own tests."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_quickly


def test_without_a_note_another_route_lists(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert list_quickly.run() is None


def test_without_a_session_and_without_an_address_another_route_lists():
    assert list_quickly.listing({"daemon": None, "nas": None}) == (None, None)


def test_a_daemon_that_has_ended_is_no_session(tmp_path):
    note = {"daemon": {"socket": str(tmp_path / "none")}, "nas": None}

    assert list_quickly.listing(note) == (None, None)
