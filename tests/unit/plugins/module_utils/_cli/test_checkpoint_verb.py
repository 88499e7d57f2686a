# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb checkpoint; tests/unit/plugins/modules has what it does on the NAS."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli.checkpoint_verb import size
from tests.unit.plugins.conftest import wait_until_asked


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (1536, "1.5 KiB"),
        (12.5 * 1024**2, "12.5 MiB"),
        (1024**3, "1.0 GiB"),
        (5e18, "4440.9 PiB"),
    ],
)
def test_sizes_are_shown_as_upstream_shows_them(amount, shown):
    assert size(amount) == shown


class TestWithPixels:
    @pytest.fixture
    def pixels(self, pixels, truenas):
        truenas.world.add_container("px-web")
        truenas.world.add_container("px-db")
        return pixels

    def test_several_are_saved_at_the_same_time(self, pixels):
        ended = pixels("cp", "create", "--all", "--label", "ready")

        assert ended.stdout.splitlines() == [
            'Checkpoint "ready" created for db',
            'Checkpoint "ready" created for web',
        ]

    def test_an_existing_label_is_reported(self, pixels):
        pixels("cp", "create", "web", "--label", "ready")

        assert pixels("cp", "create", "web", "--label", "ready").stdout == 'web already has a checkpoint "ready"\n'

    @pytest.mark.parametrize(
        ("label", "output"),
        [
            ("new", 'Checkpoint "new" created for web\n'),
            ("ready", 'web already has a checkpoint "ready" and was started\n'),
        ],
    )
    @pytest.mark.wide
    def test_one_that_a_broken_off_checkpoint_stopped_is_started(self, pixels, truenas, label, output):
        pixels("cp", "create", "web", "--label", "ready")
        pixels("stop", "web")
        web = truenas.world.containers["px-web"]
        web.environment = {"PIXELS/stopped_by": "checkpoint"}

        ended = pixels("cp", "create", "web", "--label", label)

        assert ended.stdout == output
        assert (web.status, web.environment) == ("RUNNING", {})

    def test_an_error_reports_the_state_of_the_pixel_and_the_command_to_run(self, pixels, truenas):
        pixels("cp", "create", "web", "--label", "ready")
        truenas.faults.add("fail_job", method="virt.instance.start", errno=14, text="no room", times=2)

        ended = pixels("cp", "restore", "web", "ready", "--wait", "none")

        assert ended.returncode == 1
        assert "web is now stopped, and ran before" in ended.stderr
        assert "Run the same command again to start it as well, or run pixels start web" in ended.stderr

    def test_a_label_that_cannot_be_is_refused(self, pixels):
        ended = pixels("cp", "create", "web", "--label", "a b")

        assert ended.returncode == 1
        assert "invalid checkpoint label" in ended.stderr

    @pytest.mark.wide
    def test_programs_get_json(self, pixels):
        assert pixels.json("cp", "create", "web", "gone", "--label", "ready")[0] == {
            "name": "web",
            "label": "ready",
            "changed": True,
        }
        (only,) = pixels.json("cp", "list", "web")
        assert (only["label"], only["order"]) == ("ready", 1)
        restored = pixels.json("cp", "restore", "web", "ready")
        assert (restored["label"], restored["discarded"]) == ("ready", [])
        assert pixels.json("cp", "delete", "web", "ready")["changed"]

    @pytest.mark.parametrize("verb", ["restore", "delete"])
    def test_a_label_that_is_not_there_is_reported_with_those_that_are(self, pixels, verb):
        pixels("cp", "create", "web", "--label", "ready")

        ended = pixels("cp", verb, "web", "gone")

        assert ended.returncode == 1
        assert "has no checkpoint gone; it has ready" in ended.stderr

    @pytest.mark.wide
    def test_newer_checkpoints_are_not_lost_unasked(self, pixels, truenas):
        for label in ("one", "two"):
            pixels("cp", "create", "web", "--label", label)

        refused = pixels("cp", "restore", "web", "one")
        assert refused.returncode == 1
        assert "two" in refused.stderr
        assert truenas.world.containers["px-web"].status == "RUNNING"

        done = pixels("cp", "restore", "web", "one", "--discard-newer")
        assert "Deleted newer checkpoints: two" in done.stdout
        assert [each["label"] for each in pixels.json("cp", "list", "web")] == ["one"]

    @pytest.mark.wide
    def test_the_state_before_can_be_kept(self, pixels):
        pixels("cp", "create", "web", "--label", "one")

        assert 'The previous state is kept as "px-safety-' in pixels("cp", "restore", "web", "one", "--safety").stdout


class TestInterrupting:
    @pytest.fixture
    def web(self, pixels, truenas):
        truenas.world.add_container("px-web")
        pixels("cp", "create", "web", "--label", "one")
        return truenas.world.containers["px-web"]

    def test_ctrl_c_while_it_stops_says_how_things_are_and_how_to_go_on(self, pixels, truenas, web):
        truenas.world.options.stop_seconds = 5
        terminal = pixels.at_terminal("cp", "restore", "web", "one", "--safety")
        wait_until_asked(truenas, "virt.instance.stop")

        terminal.press_ctrl_c()

        terminal.see("Interrupted. 127.0.0.1")
        terminal.see("web is running")
        terminal.see("To continue: pixels checkpoint restore web one --safety")
        terminal.see("To start it as it is: pixels start web")
        assert terminal.end() == 130

    @pytest.mark.wide
    def test_ctrl_c_while_its_files_change_places_loses_nothing(self, pixels, truenas, web):
        truenas.faults.add("delay", method="zfs.dataset.rename", after=1, seconds=2.0)
        terminal = pixels.at_terminal("cp", "restore", "web", "one", "--safety")
        wait_until_asked(truenas, "zfs.dataset.rename", times=2)

        terminal.press_ctrl_c()

        terminal.see("web is stopped")
        terminal.see("Nothing is lost")
        assert terminal.end() == 130
        labels = [each["label"] for each in pixels.json("cp", "list", "web")]
        assert labels[0] == "one"
        assert labels[1].startswith("px-safety-")
        assert pixels("start", "web").returncode == 0
        assert [each["label"] for each in pixels.json("cp", "list", "web")] == labels
        assert pixels("cp", "restore", "web", labels[1], "--safety").returncode == 0
        assert web.status == "RUNNING"

    def test_ctrl_c_while_saving_says_which_are_saved(self, pixels, truenas, web):
        truenas.world.add_container("px-db")
        truenas.faults.add("delay", method="pool.snapshot.create", seconds=5.0)
        terminal = pixels.at_terminal("cp", "create", "web", "db", "--label", "two")
        wait_until_asked(truenas, "pool.snapshot.create", times=3)

        terminal.press_ctrl_c()

        terminal.see("Interrupted. 127.0.0.1")
        terminal.see("unknown yet, see pixels checkpoint list")
        terminal.see("To continue: run the same command again")
        assert terminal.end() == 130


class TestClones:
    @pytest.fixture
    def engine(self):
        return "process"

    @pytest.mark.wide
    def test_a_clone_is_a_new_pixel(self, inside, truenas):
        inside("cp", "create", "web", "--label", "ready")

        ended = inside("cp", "clone", "web:ready", "copy")

        assert ended.stdout.startswith("Created px-copy in ")
        assert inside("exec", "copy", "uname", "-n").stdout == "px-copy\n"
