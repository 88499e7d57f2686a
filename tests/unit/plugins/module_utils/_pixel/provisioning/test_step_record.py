# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the record of the steps of provisioning, which a pixel can change."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import step_record
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.step_record import Record, Step
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.unit.plugins.conftest import put, read

WEB = PixelName("px-web")


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


def states(text):
    return {step.name: step.state for step in step_record.parse(text).steps}


def test_steps_are_pending_running_done_or_failed_with_the_last_lines_of_output():
    lines = [f"out b line {number}" for number in range(9)]

    found = step_record.parse(
        "\n".join(
            [
                "now 50",
                "plan a b c d",
                "start a 1 until:90",
                "end a 0 3",
                "start b 3 until:90",
                "end b 7 5",
                *lines,
                "start c 6 until:90",
            ]
        )
    )

    a, b, c, d = found.steps
    assert (a.state, a.started, a.ended, a.rc) == ("done", 1, 3, 0)
    assert (b.state, b.rc, b.output[-1], len(b.output)) == ("failed", 7, "line 8", step_record.OUTPUT_LINES)
    assert (c.state, d) == ("running", Step("d"))
    assert found.state == "failed"
    assert found.unfinished == (b, c, d)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("now 50\nstart a 1 until:90", "running"),
        ("now 91\nstart a 1 until:90", "interrupted"),
        ("now 50\nstart a 1 pid:7\nalive 7", "running"),
        ("now 50\nstart a 1 pid:7\nalive 8", "interrupted"),
        ("now 50\nstart a 1 pid:7", "interrupted"),
        ("now 50\nplan a b\nstart a 1 pid:7\nend a 0 2", "interrupted"),
        ("now 50\nplan a\nend a 0 2", "done"),
        ("marker done", "done"),
        ("marker made-up", None),
        ("", None),
    ],
)
def test_what_nothing_works_on_any_more_is_interrupted(text, state):
    assert step_record.parse(text).state == state


def test_a_later_run_starts_its_steps_again_and_keeps_the_others():
    text = "plan a b\nstart a 1 pid:1\nend a 0 2\nstart b 2 pid:1\nend b 1 3\nout b no space\nplan b\n"

    assert states(text) == {"a": "done", "b": "pending"}


def test_nonsense_and_floods_of_a_pixel_are_ignored_or_made_safe():
    flood = " ".join(f"s{number}" for number in range(1000))

    found = step_record.parse(
        f"plan a ../x \x1b[31m A\nstart a x y\nend a 0\nend a 9999 1\nstart\nout a \x1b[2J{'x' * 999}\nplan {flood}\n"
    )

    assert len(found.steps) == step_record.STEPS_LIMIT
    assert found.steps[0].state == "pending"
    (line,) = found.steps[0].output
    assert line.isprintable()
    assert len(line) <= step_record.OUTPUT_WIDTH


def test_what_a_controller_runs_is_recorded_in_the_pixel(pixels, truenas):
    truenas.world.add_container("px-web")
    with WebShellClient(pixels, WEB) as shell:
        assert step_record.read(shell) == Record()
        recorder = step_record.Recorder(shell, ["user", "keys", "dns"], timeout=60)
        with recorder.step("user"):
            assert [step.state for step in step_record.read(shell).steps] == ["running", "pending", "pending"]
        with pytest.raises(Refused), recorder.step("keys"):
            raise Refused("the disk\x1b is full")

        user, keys, dns = step_record.read(shell).steps

    assert (user.state, user.rc, dns.state) == ("done", 0, "pending")
    assert (keys.state, keys.rc, keys.output) == ("failed", 1, (r"the disk\x1b is full",))
    assert read(truenas, step_record.PATH).startswith("plan user keys dns\nstart user ")


def test_a_record_that_grew_too_large_is_started_anew(pixels, truenas):
    truenas.world.add_container("px-web")
    put(truenas, step_record.PATH, "plan old\n" * 5000)

    with WebShellClient(pixels, WEB) as shell:
        step_record.Recorder(shell, ["new"], timeout=60).flush()

        assert [step.name for step in step_record.read(shell).steps] == ["new"]


def test_recording_fails_nothing(pixels, truenas):
    truenas.world.add_container("px-web")
    put(truenas, step_record.DIRECTORY, "a file in its place")
    done = []

    with WebShellClient(pixels, WEB) as shell:
        with step_record.Recorder(shell, ["user"], timeout=60).step("user"):
            done.append("user")

        assert step_record.read(shell) == Record()
    assert done
