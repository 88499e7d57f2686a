# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the notes for bin/pixels; test_running.py has that it follows them, and when it does not."""

from __future__ import annotations

import os

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import config_file, warm
from tests.unit.command import PIXELS


@pytest.fixture
def socket(tmp_path):
    return str(tmp_path / "px-web-123")


def read(config):
    return config_file.load(str(config))


def test_a_note_has_what_it_depends_on_and_the_socket(tmp_path, socket):
    config = tmp_path / "config.toml"

    warm.note("px-web", socket, read(config), {"PIXELS_TRUENAS_HOST": "nas", "PIXELS_SSH_USER": "me"})

    context, file, leads_to, where = (tmp_path / "web.warm").read_text().splitlines()
    assert context == "nas||||me|||||"
    assert (file, leads_to, where) == (f"-{config}", str(config), socket)
    config.symlink_to(tmp_path / "real.toml")
    (tmp_path / "real.toml").write_text("")
    warm.note("px-web", socket, read(config), {})
    assert f"\n+{config}\n{tmp_path}/real.toml\n" in (tmp_path / "web.warm").read_text()


def test_a_note_is_as_old_as_the_configuration_that_was_read(tmp_path, socket):
    config = tmp_path / "config.toml"
    config.write_text("")
    os.utime(config, ns=(5_000_000_007, 5_000_000_007))
    found = read(config)
    config.write_text("# changed since")

    warm.note("px-web", socket, found, {})

    assert (tmp_path / "web.warm").stat().st_mtime_ns == 5_000_000_007


def test_what_a_relative_path_leads_to_is_not_noted(tmp_path, socket):
    warm.note("px-web", socket, read("config.toml"), {})

    assert list(tmp_path.iterdir()) == []


def test_the_shell_puts_the_variables_together_in_the_same_order():
    together = "|".join(f"${name}" for name in warm.VARIABLES)

    assert f'"{together}"' in PIXELS.read_text()


def test_what_has_lines_in_it_is_not_noted(tmp_path, socket):
    warm.note("px-web", socket, read("/c"), {"PIXELS_TRUENAS_HOST": "a\nb"})

    assert list(tmp_path.iterdir()) == []


def test_a_note_that_says_the_same_is_left_alone(tmp_path, socket):
    warm.note("px-web", socket, read("/nonexistent"), {})
    before = (tmp_path / "web.warm").stat().st_ino

    warm.note("px-web", socket, read("/nonexistent"), {})

    assert (tmp_path / "web.warm").stat().st_ino == before


def test_a_note_of_another_time_than_the_configuration_is_renewed(tmp_path, socket):
    config = tmp_path / "config.toml"
    config.write_text("")
    warm.note("px-web", socket, read(config), {})
    os.utime(config, (1, 1))

    warm.note("px-web", socket, read(config), {})

    assert (tmp_path / "web.warm").stat().st_mtime == 1


def test_where_it_cannot_be_written_nothing_happens():
    warm.note("px-web", "/nonexistent/px-web-1", read("/c"), {})
