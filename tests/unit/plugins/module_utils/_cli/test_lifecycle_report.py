# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what the lifecycle verbs print after Ctrl-C; test_lifecycle_verbs.py tests the summaries."""

from __future__ import annotations

import json
import signal

from tests.unit.plugins.conftest import wait_until, wait_until_asked
from tests.unit.plugins.module_utils._cli.test_lifecycle_verbs import statuses


class TestInterrupting:
    def test_ctrl_c_while_creating_says_what_goes_on_and_how_to_go_on(self, pixels, truenas):
        truenas.world.options.create_seconds = 5
        terminal = pixels.at_terminal("create", "web", "--no-provision")
        wait_until_asked(truenas, "virt.instance.create")

        terminal.press_ctrl_c()

        terminal.see("Interrupted. 127.0.0.1")
        terminal.see("web does not exist yet: the NAS may still be creating it")
        terminal.see("To continue: pixels create web --no-provision\n")
        terminal.see("To undo: pixels destroy web\n")
        assert terminal.end() == 130

    def test_how_to_go_on_is_all_that_was_asked_for_but_the_key(self, pixels, truenas):
        truenas.world.options.create_seconds = 5
        words = [
            "--api-key",
            truenas.api_key,
            "-u",
            truenas.username,
            "create",
            "web",
            "--cpu",
            "0-3",
            "--no-provision",
        ]
        terminal = pixels.at_terminal(*words, columns=200)
        wait_until_asked(truenas, "virt.instance.create")

        terminal.press_ctrl_c()

        shown = terminal.see("To undo: ")
        assert f"To continue: pixels --api-key KEY -u {truenas.username} create web --cpu 0-3 --no-provision\n" in shown
        terminal.see(f"pixels --username {truenas.username} --api-key KEY destroy web\n")
        assert truenas.api_key not in shown

    def test_programs_are_reported_as_well(self, pixels, truenas):
        truenas.world.options.create_seconds = 5
        process = pixels.start("create", "web", "--no-provision", "--json")
        wait_until_asked(truenas, "virt.instance.create")

        process.send_signal(signal.SIGINT)

        out, _err = process.communicate(timeout=30)
        report = json.loads(out)
        assert process.returncode == 130
        assert (report["error"]["kind"], report["pixels"]) == ("Interrupted", [{"name": "web", "status": None}])
        assert report["go_on"] == "pixels create web --no-provision --json"

    def test_the_same_command_then_goes_on(self, pixels, truenas):
        truenas.world.options.create_seconds = 1
        terminal = pixels.at_terminal("create", "web", "--no-provision")
        wait_until_asked(truenas, "virt.instance.create")
        terminal.press_ctrl_c()
        terminal.end()

        wait_until(lambda: "px-web" in truenas.world.containers)
        ended = pixels("create", "web", "--no-provision")

        assert ended.returncode == 0
        assert statuses(truenas) == {"web": "RUNNING"}

    def test_ctrl_c_while_stopping_says_how_things_are(self, pixels, truenas):
        truenas.world.add_container("px-web")
        truenas.world.options.stop_seconds = 5
        terminal = pixels.at_terminal("stop", "web")
        wait_until_asked(truenas, "virt.instance.stop")

        terminal.press_ctrl_c()

        terminal.see("web is running")
        terminal.see("To continue: pixels stop web")
        assert terminal.end() == 130
