# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Use the collection with ansible-navigator, without an execution environment."""

from __future__ import annotations

import json

import pytest

from tests.examples.conftest import COMMAND_SECONDS

pytestmark = pytest.mark.timeout(2 * COMMAND_SECONDS)
OPTIONS = "--execution-environment false --mode stdout"
# Otherwise it writes a file next to the playbook, which is in the checkout.
NO_ARTIFACT = "--playbook-artifact-enable false"


def test_it_runs_a_playbook_and_lists_the_inventory(run, truenas, tmp_path):
    (tmp_path / "demo.pixels.yml").write_text("plugin: pixels.truenas.pixels\nconnect_with: shell\n")
    pixels = json.dumps({"fleet_pixels": ["web"], "fleet_defaults": {"wait": "running"}})

    played = run(f"ansible-navigator run pixels.truenas.fleet {OPTIONS} {NO_ARTIFACT} -e '{pixels}'", tmp_path)
    listed = run(f"ansible-navigator inventory {OPTIONS} -i demo.pixels.yml --list", tmp_path)

    assert played.returncode == 0, played.stdout + played.stderr
    assert "changed=1" in played.stdout
    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert json.loads(listed.stdout)["pixels"]["hosts"] == ["web"]
    assert truenas.world.containers["px-web"].status == "RUNNING"
    assert truenas.stats.logins == 1
