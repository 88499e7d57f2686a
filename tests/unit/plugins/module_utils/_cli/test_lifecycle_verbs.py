# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the lifecycle verbs: several pixels at the same time, prompts and results."""

from __future__ import annotations

import json

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli.lifecycle_verbs import CONCURRENCY
from tests.simulator.faults import FOREVER
from tests.unit.plugins.conftest import wait_until


@pytest.fixture
def agents(truenas):
    for number in range(3):
        truenas.world.add_container(f"px-agent-{number}")
    truenas.world.add_container("px-web")


def statuses(truenas):
    return {name.removeprefix("px-"): each.status for name, each in truenas.world.containers.items()}


def test_several_are_changed_by_name_and_by_pattern(pixels, truenas, agents):
    ended = pixels("stop", "agent-*", "web")

    assert ended.stdout.splitlines() == ["Stopped agent-0", "Stopped agent-1", "Stopped agent-2", "Stopped web"]
    assert set(statuses(truenas).values()) == {"STOPPED"}


def test_all_are_all(pixels, truenas, agents):
    pixels("stop", "--all")

    assert set(statuses(truenas).values()) == {"STOPPED"}


def test_several_are_made_at_the_same_time(pixels, truenas):
    truenas.world.options.create_seconds = 1

    ended = pixels("create", "a", "b", "c", "--no-provision", "--json")

    assert [each["name"] for each in json.loads(ended.stdout)] == ["a", "b", "c"]
    changes = [method for method in truenas.stats.methods_called if method.endswith((".create", ".start"))]
    assert changes[:2] == ["virt.instance.create"] * 2


@pytest.mark.wide
def test_those_that_are_only_waited_for_keep_no_other_waiting(pixels, truenas):
    world = truenas.world
    world.options.address_seconds = 3600
    names = [f"agent-{number}" for number in range(CONCURRENCY + 1)]

    creating = pixels.start("create", *names, "--no-provision", "--json")
    wait_until(lambda: [each.status for each in list(world.containers.values())] == ["RUNNING"] * len(names))
    for each in world.containers.values():
        world.show_addresses(each)

    out, _err = creating.communicate(timeout=30)
    assert [each.get("warning") for each in json.loads(out)] == [None] * len(names)


def test_one_that_fails_does_not_keep_the_others_from_it(pixels, truenas, agents):
    truenas.faults.add("fail_job", method="virt.instance.stop", kind="CallError", errno=14, text="no way")

    ended = pixels("stop", "--all")

    assert ended.returncode == 1
    assert "no way" in ended.stderr
    assert sorted(statuses(truenas).values()) == ["RUNNING", "STOPPED", "STOPPED", "STOPPED"]


def test_a_name_that_is_not_there_is_an_error_beside_those_that_are(pixels, truenas, agents):
    ended = pixels("stop", "web", "gone")

    assert (ended.returncode, ended.stdout) == (1, "Stopped web\n")
    assert "there is no pixel named gone" in ended.stderr


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "destroy"])
def test_no_verb_but_create_makes_a_pixel(pixels, truenas, verb):
    ended = pixels(verb, "gone", stdin="y\n")

    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: there is no pixel named gone")
    assert truenas.world.containers == {}


def test_restart_restarts(pixels, truenas, agents):
    assert pixels("restart", "web").stdout.startswith("Restarted web\n")
    assert truenas.stats.calls["virt.instance.restart"] == 1


def test_an_existing_state_is_reported(pixels, agents):
    assert pixels("start", "web").stdout.startswith("web is already running\n")


def test_a_pixel_that_still_runs_after_it_was_stopped_causes_no_traceback(pixels, truenas, agents):
    truenas.faults.add("shows_status", method="px-web", status="RUNNING", times=FOREVER)

    for verb in ("stop", "--json stop", "stop --force"):
        assert "Traceback" not in pixels(*verb.split(), "web").stderr


def test_a_pixel_that_will_not_stop_can_be_killed(pixels, truenas, agents):
    truenas.faults.add("stop_times_out", method="virt.instance.stop")
    refused = pixels("stop", "web", "--stop-timeout", "1")

    assert "it is still running after 1 s" in refused.stderr
    assert "Use --stop-timeout to wait longer, or use --force to kill it" in refused.stderr
    assert pixels("stop", "--force", "web").returncode == 0


def test_creating_what_exists_goes_on_from_there(pixels, truenas, agents):
    truenas.world.add_container("px-half", status="STOPPED")

    assert pixels("create", "web", "--no-provision").stdout.startswith("web already exists\n")
    assert pixels("create", "half", "--no-provision").stdout.startswith("half already exists and was started\n")
    assert statuses(truenas)["half"] == "RUNNING"


def test_creating_what_exists_with_other_options_says_what_was_changed(pixels, truenas, agents):
    ended = pixels("create", "web", "--memory", "1GiB", "--cpu", "4", "--no-provision")

    changed = truenas.world.containers["px-web"]
    assert ended.stdout.startswith("web already exists and was changed: cpu 2 to 4, memory 2GiB to 1GiB\n")
    assert (changed.cpu, changed.memory) == ("4", 1024**3)


def test_creating_what_exists_from_another_image_is_refused(pixels, truenas, agents):
    ended = pixels("create", "web", "--image", "debian/12", "--no-provision")

    assert ended.returncode == 1
    assert "TrueNAS cannot change it to debian/12" in ended.stderr


def test_settings_decide_what_a_new_pixel_gets(pixels, truenas):
    pixels.configure('[defaults]\nimage = "debian/12"\ncpu = "1"\nmemory = 1024\n')

    pixels("create", "web", "--no-provision", PIXELS_DEFAULT_MEMORY="512")

    made = truenas.world.containers["px-web"]
    assert (made.image["os"], made.cpu, made.memory) == ("Debian", "1", 512 * 1024**2)


def test_without_a_public_key_it_is_reported_that_no_user_can_log_in(pixels, truenas):
    ended = pixels("create", "web")

    assert ended.returncode == 0
    assert "Warning: the public key ~/.ssh/id_ed25519.pub cannot be read" in ended.stderr
    assert "px-web" in truenas.world.containers


def test_only_one_console_can_be_entered(pixels, truenas):
    ended = pixels("create", "a", "b", "--console")

    assert "cannot open a console in several pixels" in ended.stderr
    assert truenas.world.containers == {}


class TestDestroying:
    def test_what_matched_is_listed_before_it_is_asked(self, pixels, truenas, agents):
        terminal = pixels.at_terminal("destroy", "agent-*")

        asked = terminal.see("Destroy these 3 pixels and all their checkpoints? [y/N] ")
        assert asked.split()[:3] == ["agent-0", "agent-1", "agent-2"]
        terminal.type("y\n")

        terminal.see("Destroyed agent-0\nDestroyed agent-1\nDestroyed agent-2\n")
        assert terminal.end() == 0
        assert set(statuses(truenas)) == {"web"}

    def test_a_no_at_the_prompt_destroys_nothing(self, pixels, truenas, agents):
        terminal = pixels.at_terminal("destroy", "web")
        terminal.see("[y/N] ")

        terminal.type("n\n")

        terminal.see("Aborted.")
        assert terminal.end() == 0
        assert len(truenas.world.containers) == 4

    def test_ctrl_c_at_the_prompt_destroys_nothing(self, pixels, truenas, agents):
        terminal = pixels.at_terminal("destroy", "web")
        terminal.see("[y/N] ")

        terminal.press_ctrl_c()

        terminal.see("Interrupted.")
        assert terminal.end() == 130
        assert len(truenas.world.containers) == 4

    def test_without_a_confirmation_nothing_is_destroyed_and_that_is_an_error(self, pixels, truenas, agents):
        ended = pixels("destroy", "web")

        assert ended.returncode == 1
        assert "Aborted: no confirmation (use --force to skip it)" in ended.stderr
        assert len(truenas.world.containers) == 4

    def test_it_is_not_asked_about_what_is_not_there(self, pixels):
        assert "[y/N]" not in pixels("destroy", "gone", stdin="y\n").stdout

    def test_with_json_the_question_is_not_in_the_output(self, pixels, agents):
        ended = pixels("destroy", "web", "--json", stdin="y\n")

        assert json.loads(ended.stdout) == [{"name": "web", "changed": True, "container": None}]
        assert "[y/N]" in ended.stderr


class TestInside:
    @pytest.fixture
    def engine(self):
        return "process"

    @pytest.mark.wide
    def test_a_clone_is_made_from_a_checkpoint_and_entered(self, inside, truenas):
        inside("checkpoint", "create", "web", "--label", "ready")

        terminal = inside.at_terminal("create", "copy", "--from", "web:ready", "--console")

        terminal.see("Created px-copy in ")
        terminal.see("# ")
        terminal.type("exit 4\n")
        assert terminal.end() == 4

    @pytest.mark.wide
    def test_a_pixel_that_was_entered_before_is_waited_for_until_it_can_be_again(self, inside, truenas):
        inside("exec", "web", "true")

        ended = inside("restart", "web")

        assert ended.returncode == 0
        assert "Warning" not in ended.stderr
        assert inside("exec", "web", "uname", "-n").stdout == "px-web\n"
