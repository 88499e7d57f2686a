# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of exec through the shell of the NAS, in pixels nobody else can reach."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.unit.plugins.conftest import read


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture
def ssh_installed():
    return False


@pytest.fixture
def pixels(pixels_command, truenas):
    truenas.world.add_container("px-web")
    return pixels_command


def test_input_outputs_and_exit_status_are_as_over_ssh(pixels):
    script = 'cat; echo err >&2; printf "%s|" "$@"; exit 3'

    ended = pixels(
        "exec", "--transport", "shell", "web", "--", "sh", "-c", script, "sh", "a  b", "$HOME", "it's", stdin="in\n"
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "in\na  b|$HOME|it's|", "err\n")


def test_bytes_are_not_changed(pixels):
    content = bytes(range(256)) * 100
    process = pixels.start("exec", "--transport", "shell", "web", "cat", stdin=subprocess.PIPE)

    out, err = process.communicate(content, timeout=60)

    assert (process.returncode, out == content, err) == (0, True, b"")


def test_a_variable_chooses_it_as_well(pixels, truenas):
    assert pixels("exec", "web", "hostname", PIXELS_TRANSPORT="shell").stdout == "px-web\n"
    assert truenas.stats.shells == 1


def test_many_at_once_go_that_way_too(pixels, truenas):
    truenas.world.add_container("px-db")

    ended = pixels("exec", "--transport", "shell", "--all", "--", "hostname")

    assert sorted(ended.stdout.splitlines()) == ["db: px-db", "web: px-web"]


def test_a_terminal_takes_ssh(pixels):
    ended = pixels("exec", "-t", "--transport", "shell", "web", "--", "true")

    assert ended.returncode == 1
    assert "no terminal through the shell of the NAS" in ended.stderr


def test_ctrl_c_ends_the_command_in_the_pixel_as_well(pixels, truenas):
    terminal = pixels.at_terminal(
        "exec", "--transport", "shell", "web", "--", "sh", "-c", "echo $$ >/root/pid; echo begun; exec sleep 987"
    )
    terminal.see("begun")

    terminal.press_ctrl_c()

    assert terminal.end() == 130
    pid = read(truenas, "/root/pid").strip()
    until = time.monotonic() + 20
    while pixels("exec", "--transport", "shell", "web", "--", "test", "-e", f"/proc/{pid}").returncode == 0:
        assert time.monotonic() < until
