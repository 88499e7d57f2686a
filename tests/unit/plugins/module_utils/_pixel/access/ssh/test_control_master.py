# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of control sockets; those of the verb exec run commands over a control master."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import control_master
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import SshTarget
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

WEB = PixelName("px-web")

LOGIN = SshTarget(WEB, "nas", "10.0.0.1", key_file="~/k")


@pytest.fixture(autouse=True)
def cache(home, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home


def test_each_target_has_its_own_control_socket(cache):
    targets = [
        LOGIN,
        SshTarget(WEB, "other", "10.0.0.1"),
        SshTarget(WEB, "nas", "10.0.0.1", user="me"),
    ]

    paths = {control_master.control_path(target) for target in targets}

    assert len(paths) == 3
    assert (cache / "pixels/ssh").stat().st_mode & 0o777 == 0o700


def test_a_directory_that_other_users_can_enter_is_not_used(cache):
    control_master.control_directory()
    (cache / "pixels/ssh").chmod(0o755)

    assert control_master.control_path(LOGIN) is None


def test_a_symlink_in_place_of_the_directory_is_not_used(cache, tmp_path):
    (cache / "pixels").mkdir()
    (cache / "pixels/ssh").symlink_to(tmp_path)

    assert control_master.control_path(LOGIN) is None


def test_a_path_that_is_too_long_for_a_socket_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ("x" * 80)))

    assert control_master.control_path(LOGIN) is None


def test_closing_connections_removes_the_leftovers_of_a_crash(cache):
    directory = control_master.control_directory()
    dead = cache / "pixels/ssh/px-web-0123456789ab"
    dead.write_text("")
    (cache / "pixels/ssh/web.warm").write_text("")
    other = cache / "pixels/ssh/px-web-2-0123456789ab"
    other.write_text("")

    control_master.close_connections(WEB)

    assert directory
    assert list((cache / "pixels/ssh").iterdir()) == [other]
