# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verbs of the pixels command, run as people run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PIXELS = Path(__file__).resolve().parents[5] / "bin" / "pixels"


@pytest.fixture
def release():
    """The modules show that both are understood."""
    return "25.10"


@pytest.fixture
def pixels(truenas, nas, tmp_path):
    def run(*arguments, stdin=""):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "PIXELS_TRUENAS_HOST": truenas.host,
            "PIXELS_TRUENAS_PORT": str(truenas.port),
            "PIXELS_TRUENAS_USERNAME": truenas.username,
            "PIXELS_TRUENAS_API_KEY": truenas.api_key,
            "PIXELS_TRUENAS_CA_PATH": truenas.ca_file,
            "PIXELS_SSH_PORT": str(nas.get("ssh_port", 22)),
            "PIXELS_SSH_KEY": nas.get("ssh_key", ""),
        }
        command = [sys.executable, str(PIXELS), *arguments]
        return subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False)

    return run


def test_lists_pixels_in_a_table(pixels, truenas):
    address = truenas.world.add_container("px-web").aliases[0]["address"]
    truenas.world.add_container("px-database", status="STOPPED")

    assert pixels("list").stdout.splitlines() == [
        "NAME      STATUS   IP",
        "database  STOPPED  —",
        f"web       RUNNING  {address}",
    ]


def test_no_pixels_is_said(pixels):
    assert pixels("list").stdout == "No pixels found.\n"


def test_lists_pixels_for_programs(pixels, truenas):
    truenas.world.add_container("px-web")

    assert [each["name"] for each in json.loads(pixels("--json", "list").stdout)] == ["web"]


def test_creates_a_pixel_and_says_how_to_enter_it(pixels, truenas):
    ended = pixels("create", "web", "--memory", "1GiB", "--cpu", "1")

    made = truenas.world.containers["px-web"]
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("Created web\n  IP:  ")
    assert f"ssh root@{made.aliases[0]['address']}" in ended.stdout
    assert (made.memory, made.cpu, made.status) == (1024**3, "1", "RUNNING")


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [("start", "STOPPED", "RUNNING"), ("stop", "RUNNING", "STOPPED"), ("restart", "RUNNING", "RUNNING")],
)
def test_a_verb_does_what_it_says(pixels, truenas, verb, before, after):
    truenas.world.add_container("px-web", status=before)

    assert pixels(verb, "web").returncode == 0
    assert truenas.world.containers["px-web"].status == after


def test_what_is_so_already_is_no_error(pixels, truenas):
    truenas.world.add_container("px-web")

    assert "it was so already" in pixels("start", "web").stdout


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "destroy"])
def test_no_verb_but_create_makes_a_pixel(pixels, truenas, verb):
    ended = pixels(verb, "gone", stdin="y\n")

    assert ended.returncode == 1
    assert "Error: there is no pixel named gone" in ended.stderr
    assert truenas.world.containers == {}


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("yes\n", 0), ("n\n", 1), ("", 1)])
def test_destroying_asks_first_and_no_answer_is_a_no(pixels, truenas, answer, left):
    truenas.world.add_container("px-web")

    ended = pixels("destroy", "web", stdin=answer)

    assert 'Destroy pixel "web" and all its checkpoints? [y/N]' in ended.stdout
    assert len(truenas.world.containers) == left


def test_destroying_by_force_does_not_ask(pixels, truenas):
    truenas.world.add_container("px-web")

    assert pixels("destroy", "--force", "web").stdout == "Destroyed web\n"
    assert truenas.world.containers == {}


def test_an_error_is_one_sentence_and_never_a_traceback(pixels, truenas):
    ended = pixels("create", "we_b")

    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: 'we_b' cannot be the name of a pixel")
    assert "Traceback" not in ended.stderr


def test_a_command_to_run_is_asked_for(pixels):
    assert pixels("exec", "web").returncode == 2


class TestInside:
    """With a pixel that lives."""

    @pytest.fixture
    def engine(self):
        return "process"

    def test_a_command_gives_its_output_and_its_status(self, pixels, guest):
        ended = pixels("exec", guest, "--", "sh", "-c", "echo out; echo err >&2; exit 3")

        assert (ended.returncode, ended.stdout, ended.stderr) == (3, "out\n", "err\n")

    def test_a_command_reads_what_comes_in_and_gets_its_arguments_unchanged(self, pixels, guest):
        ended = pixels("exec", guest, "--", "sh", "-c", 'cat; printf "%s|" "$@"', "sh", "a  b", "$HOME", stdin="in\n")

        assert ended.stdout == "in\na  b|$HOME|"
