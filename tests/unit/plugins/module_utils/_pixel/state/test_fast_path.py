# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the records of open connections for `bin/pixels`."""

from __future__ import annotations

import os

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import config_file, schema
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import fast_path
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.unit.command import PIXELS

WEB = PixelName("px-web")


@pytest.fixture
def socket(tmp_path):
    return str(tmp_path / "px-web-123")


def read(config):
    return config_file.load(str(config))


def test_a_record_has_its_conditions_and_the_socket(tmp_path, socket):
    config = tmp_path / "config.toml"

    fast_path.note(WEB, socket, 42, read(config), {"PIXELS_TRUENAS_HOST": "nas", "PIXELS_SSH_USER": "me"})

    context, file, leads_to, where, pid = (tmp_path / "web.warm").read_text().splitlines()
    assert context.split("|").count("") == len(fast_path.VARIABLES) - 2
    assert [name for name, value in zip(fast_path.VARIABLES, context.split("|"), strict=True) if value] == [
        "PIXELS_SSH_USER",
        "PIXELS_TRUENAS_HOST",
    ]
    assert (file, leads_to, where, pid) == (f"-{config}", str(config), socket, "42")
    config.symlink_to(tmp_path / "real.toml")
    (tmp_path / "real.toml").write_text("")
    fast_path.note(WEB, socket, 42, read(config), {})
    assert f"\n+{config}\n{tmp_path}/real.toml\n" in (tmp_path / "web.warm").read_text()


def test_a_record_has_the_time_of_the_configuration(tmp_path, socket):
    config = tmp_path / "config.toml"
    config.write_text("")
    os.utime(config, ns=(5_000_000_007, 5_000_000_007))
    found = read(config)
    config.write_text("# changed since")

    fast_path.note(WEB, socket, 42, found, {})

    assert (tmp_path / "web.warm").stat().st_mtime_ns == 5_000_000_007


def test_a_relative_path_is_not_recorded(tmp_path, socket):
    fast_path.note(WEB, socket, 42, read("config.toml"), {})

    assert list(tmp_path.iterdir()) == []


def test_the_shell_script_joins_the_variables_in_the_same_order():
    together = "|".join(f"${name}" for name in fast_path.VARIABLES)

    assert f'"{together}"' in PIXELS.read_text()


def test_no_secret_is_recorded(tmp_path, socket):
    secrets = {name: "sesame" for name in schema.VARIABLES if name.endswith(("_KEY", "_PASSWORD", "_COMMAND"))}

    fast_path.note(WEB, socket, 42, read("/nonexistent/config.toml"), secrets)

    assert "PIXELS_TRUENAS_API_KEY" in secrets
    assert (tmp_path / "web.warm").read_text().count("sesame") == 1  # where the SSH key is, which is no secret


def test_a_value_with_line_breaks_is_not_recorded(tmp_path, socket):
    fast_path.note(WEB, socket, 42, read("/c"), {"PIXELS_TRUENAS_HOST": "a\nb"})

    assert list(tmp_path.iterdir()) == []


def test_an_unchanged_record_is_not_written_again(tmp_path, socket):
    fast_path.note(WEB, socket, 42, read("/nonexistent/config.toml"), {})
    before = (tmp_path / "web.warm").stat().st_ino

    fast_path.note(WEB, socket, 42, read("/nonexistent/config.toml"), {})

    assert (tmp_path / "web.warm").stat().st_ino == before


def test_a_record_with_another_time_is_written_again(tmp_path, socket):
    config = tmp_path / "config.toml"
    config.write_text("")
    fast_path.note(WEB, socket, 42, read(config), {})
    os.utime(config, (1, 1))

    fast_path.note(WEB, socket, 42, read(config), {})

    assert (tmp_path / "web.warm").stat().st_mtime == 1


def test_a_record_that_cannot_be_written_is_skipped(tmp_path):
    # Root could create any directory.
    (tmp_path / "file").touch()

    fast_path.note(WEB, str(tmp_path / "file/px-web-1"), 42, read("/c"), {})
