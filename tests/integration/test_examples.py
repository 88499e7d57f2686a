# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the examples against a simulated NAS."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.integration.conftest import COMMAND_SECONDS, ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture
def release() -> str:
    return "25.10"


@pytest.fixture
def engine() -> str:
    return "process"


def test_the_example_of_nightly_checkpoints_keeps_the_newest(ansible, truenas, tmp_path):
    truenas.world.add_container("px-web")
    inventory = tmp_path / "demo.pixels.yml"
    inventory.write_text("plugin: pixels.truenas.pixels\n")
    playbook = str(EXAMPLES / "nightly-checkpoints/nightly.yml")

    for day in ("2026-01-01", "2026-01-02", "2026-01-03"):
        ansible.playbook(playbook, "-i", str(inventory), "-e", f"nightly_date={day} nightly_keep=2")

    ended = ansible.run("ansible", "localhost", "-m", "pixels.truenas.pixels_checkpoint_info", "-a", "name=web")
    assert "nightly-2026-01-01" not in ended.stdout
    assert "nightly-2026-01-02" in ended.stdout
    assert "nightly-2026-01-03" in ended.stdout


def test_the_example_of_pull_requests_runs_the_tests_in_a_pixel_and_destroys_it(ansible, truenas, tmp_path):
    job = yaml.safe_load((EXAMPLES / "pull-request/workflow.yml").read_text())["jobs"]["tests"]
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "run-tests").write_text("uname -n\npwd\n")
    environment = {
        **ansible.environment,
        "PATH": f"{ROOT / 'bin'}{os.pathsep}{ansible.environment['PATH']}",
        "PIXELS_PYTHON": sys.executable,
        "PIXEL": "pr-17",
    }

    shown = {}
    for step in job["steps"]:
        if "run" in step:
            ended = subprocess.run(
                ["bash", "-e", "-c", step["run"]],
                env=environment,
                cwd=Path(checkout),
                capture_output=True,
                text=True,
                check=False,
                timeout=COMMAND_SECONDS,
            )
            assert ended.returncode == 0, f"{step['name']}: {ended.stdout}{ended.stderr}"
            shown[step["name"]] = ended.stdout

    assert shown["Run the tests"] == "px-pr-17\n/root/checkout\n"
    assert "px-pr-17" not in truenas.world.containers
