# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb setup reaper."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest


@pytest.fixture
def units(home):
    return home / ".config/systemd/user"


def test_the_units_run_the_command_regularly_with_its_configuration(command, units, home):
    ended = command("setup", "reaper", "--every", "1h30m", "--nas", "home", "--config", str(home / "50% $x.toml"))

    service, timer = (units / f"pixels-reap.{kind}" for kind in ("service", "timer"))
    assert ended.stdout.splitlines()[:2] == [f"Wrote {service}", f"Wrote {timer}"]
    assert f'"--config" "{home}/50%% $$x.toml" "--nas" "home" "reap"\n' in service.read_text()
    assert "OnUnitInactiveSec=5400s\n" in timer.read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
def test_systemd_accepts_the_units(command, units):
    command("setup", "reaper")

    checked = subprocess.run(
        ["systemd-analyze", "verify", "--user", *map(str, units.iterdir())], capture_output=True, text=True, check=False
    )

    assert "pixels-reap" not in checked.stderr


def test_a_second_time_there_is_nothing_to_write(command):
    command("setup", "reaper")

    assert "The units are up to date." in command("setup", "reaper").stdout
    assert json.loads(command("setup", "reaper", "--every", "5m", "--json").stdout)["written"][0].endswith(".timer")


def test_undo_removes_the_units(command, units):
    command("setup", "reaper")

    ended = command("setup", "reaper", "--undo")

    assert list(units.iterdir()) == []
    assert "systemctl --user disable" in ended.stdout
    assert "There are no units to remove." in command("setup", "reaper", "--undo").stdout


@pytest.mark.parametrize("interval", ["0m", "often", "10"])
def test_an_interval_that_is_no_duration_is_refused(command, units, interval):
    ended = command("setup", "reaper", "--every", interval)

    assert ended.returncode == 1
    assert "invalid duration" in ended.stderr
    assert not units.exists()


def test_a_directory_that_cannot_be_written_is_named(command, units):
    units.parent.mkdir(parents=True)
    units.write_text("")

    ended = command("setup", "reaper")

    assert ended.returncode == 1
    assert str(units) in ended.stderr
