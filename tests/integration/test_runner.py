# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs under ansible-runner, which reads a terminal to its end: what stays behind must not hold it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.integration.conftest import COMMAND_SECONDS

PROGRAM = """
import sys, ansible_runner
ended = ansible_runner.run(private_data_dir=sys.argv[1], playbook=sys.argv[2], quiet=True)
print(ended.status, ended.rc)
"""

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_container_info:
"""


@pytest.fixture
def release() -> str:
    return "25.10"


def test_a_run_ends_while_the_daemon_of_its_session_lives_on(ansible, truenas, tmp_path):
    (tmp_path / "play.yml").write_text(PLAY)

    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(tmp_path / "play.yml")],
        env=ansible.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        # Less than the daemon lives: a run that waited for it would not end in time.
        timeout=COMMAND_SECONDS,
    )

    assert ended.stdout.split() == ["successful", "0"], ended.stderr
    assert truenas.stats.open_connections == 1
    ansible.run("ansible", "localhost", "-m", "pixels.truenas.pixels_container_info")
    assert truenas.stats.logins == 1
