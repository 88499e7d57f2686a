# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the command does what upstream's does for bases, each named after the row of the comparison it is for."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import idle
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes import builtin
from tests.unit.plugins.conftest import put, read

RECIPES = """
[bases.root]
image = "debian/12"
setup = "echo root >>/root/built && echo log of root"
[bases.child]
from = "root"
setup = "echo child >>/root/built"
[bases.broken]
from = "root"
setup = "echo no mirror; exit 3"
"""


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def bases(pixels, home):
    path = home / ".config" / "pixels"
    path.mkdir(parents=True)
    (path / "config.toml").write_text(RECIPES)
    return pixels


@pytest.mark.wide
def test_i3_bases_are_declared_inherit_and_are_built_root_first_with_the_built_in_ones(bases, truenas):
    built = bases("bases", "build", "child", "root")
    failed = bases("bases", "build", "broken")
    listed = bases("bases", "list").stdout

    assert built.returncode == 0
    assert set(truenas.world.containers) == {"px-base-root-1", "px-base-child-1"}
    assert failed.returncode == 1
    assert "exit status 3. Its log ends with: no mirror" in failed.stderr
    for name in ("root", "child", "broken", *builtin.RECIPES):
        assert f"\n{name}" in listed


@pytest.mark.wide
def test_i4_the_newest_complete_version_is_what_clones_come_from(bases, truenas):
    bases("bases", "build", "root")
    bases("create", "old", "--from", "base:root", "--no-provision", "--wait", "running")
    bases("bases", "build", "root", "--rebuild")
    bases("create", "new", "--from", "base:root", "--no-provision", "--wait", "running")

    origins = {name: truenas.world.containers[f"px-{name}"].environment["PIXELS/origin"] for name in ("old", "new")}
    assert origins == {"old": "base-root-1@ready", "new": "base-root-2@ready"}


@pytest.mark.wide
def test_m15_idle_pixels_are_stopped_and_those_past_their_time_are_destroyed(pixels, truenas):
    # The clocks of the NAS and of this machine may differ by less than a minute.
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1, seconds=30)
    truenas.world.add_container("px-old", environment={"PIXELS/expires": f"{past:%Y-%m-%dT%H:%M:%SZ}"})
    truenas.world.add_container("px-idle", environment={"PIXELS/idle_stop": "1m"})
    truenas.world.add_container("px-kept", environment={"PIXELS/idle_stop": "2h"})
    measured = pixels("reap").stdout
    for name in ("idle", "kept"):
        now, cpu, last = map(int, read(truenas, idle.STATE_PATH, name=f"px-{name}").split())
        put(truenas, idle.STATE_PATH, f"{now - 90} {cpu} {last - 90}\n", name=f"px-{name}")

    reaped = pixels("reap").stdout

    assert measured == "old: destroyed: it expired 1h ago\n"
    assert reaped.startswith("idle: stopped: it has been idle for ")
    statuses = {name: each.status for name, each in truenas.world.containers.items()}
    assert statuses == {"px-idle": "STOPPED", "px-kept": "RUNNING"}


@pytest.mark.wide
def test_p12_the_log_of_the_setup_is_in_the_base(bases):
    bases("bases", "build", "root")
    bases("create", "web", "--from", "base:root", "--no-provision", "--wait", "running")

    shown = bases("exec", "--transport", "shell", "web", "--", "cat", "/var/log/pixels-setup.log")

    assert shown.stdout == "log of root\n"
