# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the error messages and exit statuses of the command, also for invalid command lines."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from tests.unit.command import PIXELS
from tests.unit.plugins.conftest import wait_until_asked


def test_an_error_is_one_sentence_and_never_a_traceback(pixels):
    ended = pixels("create", "we_b")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Error: invalid pixel name 'we_b'")
    assert "Traceback" not in ended.stderr


def test_an_error_is_json_where_that_is_asked_for(pixels):
    ended = pixels("--json", "create", "we_b")

    assert json.loads(ended.stdout)["error"]["kind"] == "Invalid"


@pytest.mark.parametrize(
    "words", [[], ["nonsense"], ["list", "--nonsense"], ["exec", "web"], ["stop"], ["list", "--", "x"]]
)
def test_invalid_arguments_end_with_2_and_the_valid_ones(pixels, words):
    ended = pixels(*words)

    assert ended.returncode == 2
    assert "usage: pixels" in ended.stderr


def test_a_reader_that_has_enough_is_no_error_to_talk_about(pixels):
    for shell in ("bash", "fish"):
        line = f"{PIXELS} completion {shell} | true"
        ended = subprocess.run(["sh", "-c", line], env=pixels.environment, capture_output=True, text=True, check=True)
        assert ended.stderr == ""


def test_interrupting_it_is_reported_in_one_line(pixels, truenas):
    truenas.faults.add("delay", method="virt.instance.query", seconds=20)
    terminal = pixels.at_terminal("list", "--status", "running")
    wait_until_asked(truenas, "virt.instance.query")

    terminal.press_ctrl_c()

    terminal.see("Interrupted.")
    assert terminal.end() == 130


def test_interrupting_it_is_reported_to_programs_too(pixels, truenas):
    truenas.faults.add("delay", method="virt.instance.query", seconds=20)
    process = pixels.start("--json", "list")
    wait_until_asked(truenas, "virt.instance.query")

    process.send_signal(signal.SIGINT)

    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, b"Interrupted.\n")
    assert json.loads(out) == {"error": {"kind": "Interrupted", "message": "Interrupted."}}


def in_a_shell(command, line):
    return subprocess.run(
        ["sh", "-c", line.replace("pixels", str(PIXELS))],
        env=command.environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", ["--help", "config path", "--json config path", "completion bash"])
def test_an_output_that_cannot_be_written_is_an_error_in_one_sentence(command, words):
    ended = in_a_shell(command, f"pixels {words} >/dev/full")

    assert ended.returncode == 1
    assert ended.stderr.endswith("No space left on device\n")
    assert ended.stderr.count("\n") == 1


def test_a_directory_that_cannot_be_made_is_an_error_that_names_it(pixels, home):
    (home / ".ssh").write_text("")

    ended = pixels("ssh-config", "--install")

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Error: cannot read {home}/.ssh/config: Not a directory. Nothing was installed: ")
    assert ended.stderr.count("\n") == 1
    assert "error" in json.loads(pixels("--json", "ssh-config", "--install").stdout)


def test_a_file_where_ansible_has_its_plugins_is_an_error_that_names_it(command, home):
    (home / ".ansible").write_text("")

    ended = command("setup", "ad-hoc")

    assert ended.returncode == 1
    assert ended.stderr == (
        f"Error: cannot write {home}/.ansible/plugins/modules/pixels_authorize.py: Not a directory. Set ANSIBLE_HOME "
        "to a directory that can be written\n"
    )


def test_it_continues_where_it_cannot_report_anything(pixels, truenas):
    ended = in_a_shell(pixels, "pixels create web --no-provision 2>/dev/full")

    assert ended.returncode == 0
    assert truenas.world.containers["px-web"].status == "RUNNING"
