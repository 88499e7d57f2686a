# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how long pixels have been idle, and of stopping them."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import idle, lifetimes
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.idle import Activity
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from ansible_collections.pixels.truenas.plugins.modules import pixels_container
from tests.unit.plugins.conftest import both_generations, put, read, wait_until

WEB = PixelName("px-web")
PYTHON = "/usr/bin/python3"


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture
def web(truenas):
    """A pixel that is stopped after a minute without activity: times are counted from the start of this machine."""
    return truenas.world.add_container("px-web", environment={"PIXELS/idle_stop": "1m"})


@pytest.fixture
def shell(pixels, web):
    with WebShellClient(pixels, WEB) as opened:
        yield opened


def now_in(truenas):
    return int(float(read(truenas, "/proc/uptime").split()[0]))


def rewind(truenas, seconds):
    """Let the last measurement, and the last activity, be so many seconds ago."""
    now, cpu, last = map(int, read(truenas, idle.STATE_PATH).split())
    put(truenas, idle.STATE_PATH, f"{now - seconds} {cpu} {last - seconds}\n")


def find(pixels, **options):
    return lifetimes.find_due(pixels, clones="refuse", options=ApplyOptions(), concurrency=4, **options)


def reap(pixels):
    found = lifetimes.reap(pixels, find(pixels), concurrency=4, say=lambda _text: None)
    assert [each.error for each in found if each.error] == []
    return [(each.name, each.action) for each in found]


def test_a_pixel_counts_as_idle_from_the_first_measurement_on(truenas, shell):
    assert idle.read(shell, keep=True) == Activity(0, 0.0)
    rewind(truenas, 60)

    found = idle.read(shell, keep=True)

    assert (found.session, 60 <= found.idle_s < 120) == ("", True)
    assert found.cpu_percent <= idle.CPU_THRESHOLD_PERCENT


def test_without_a_trace_the_next_measurement_continues_from_the_one_before(truenas, shell):
    idle.read(shell, keep=True)
    before = read(truenas, idle.STATE_PATH)

    idle.read(shell, keep=False)

    assert read(truenas, idle.STATE_PATH) == before


def test_cpu_time_since_the_measurement_before_is_activity(truenas, shell):
    idle.read(shell, keep=True)
    now, cpu, last = map(int, read(truenas, idle.STATE_PATH).split())
    # Ten seconds of a core in 100 seconds.
    put(truenas, idle.STATE_PATH, f"{now - 100} {cpu - 10_000_000} {last - 9000}\n")

    found = idle.read(shell, keep=True)

    assert found.idle_s == 0
    assert 9 < found.cpu_percent < 12
    assert found.describe(1800) == f"it uses {found.cpu_percent:g} % of a core"


INSTALLING = """
import os, time
os.makedirs("/run/pixels", exist_ok=True)
open("/run/pixels/devtools.pid", "w").write(str(os.getpid()))
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("start", "program"),
    [("import pty; pty.spawn(['sleep', '60'])", "sleep"), (INSTALLING, "devtools")],
    ids=["terminal", "devtools"],
)
def test_a_session_and_an_installation_are_activity(truenas, shell, start, program):
    idle.read(shell, keep=True)
    assert shell.run(Command((PYTHON, "-c", start), detach=True)).rc == 0
    wait_until(lambda: idle.read(shell, keep=False).session)
    rewind(truenas, 90)

    found = idle.read(shell, keep=True)

    assert found == Activity(0, found.cpu_percent, program)
    assert found.describe(1800) == f"it has a session ({program})"


@pytest.mark.parametrize("state", ["", "x y z\n", "99999999999 1 1\n", "\x1b[2J"])
def test_a_state_that_the_pixel_spoilt_starts_anew(truenas, shell, state):
    put(truenas, idle.STATE_PATH, state)

    assert idle.read(shell, keep=True).idle_s == 0


def test_an_answer_that_is_no_measurement_is_an_error(pixels, truenas, shell):
    put(truenas, "/usr/local/bin/awk", "#!/bin/sh\necho; echo '\x1b[31m'\n", mode=0o755)

    with pytest.raises(Refused, match="the pixel returned no measurement"):
        idle.read(shell, keep=True)
    (found,) = find(pixels)
    assert (found.action, found.reason) == ("keep", "its activity is unknown")
    assert "measuring the activity of web" in str(found.error)


@both_generations
@pytest.mark.wide
def test_only_a_pixel_that_was_idle_long_enough_is_stopped(pixels, truenas, run):
    for name, limit in (("web", "1m"), ("other", "2h"), ("eternal", None)):
        truenas.world.add_container(f"px-{name}")
        if limit:
            run(pixels_container, name=name, state="present", idle_stop=limit)
    assert reap(pixels) == []
    assert [each.reason for each in find(pixels, dry_run=True)] == [
        "it has been idle for 0m of 2h",
        "it has been idle for 0m of 1m",
    ]
    for name in ("web", "other"):
        now, cpu, last = map(int, read(truenas, idle.STATE_PATH, name=f"px-{name}").split())
        put(truenas, idle.STATE_PATH, f"{now - 90} {cpu} {last - 90}\n", name=f"px-{name}")

    assert reap(pixels) == [("web", "stop")]

    running = {name for name, each in truenas.world.containers.items() if each.status == "RUNNING"}
    assert running == {"px-other", "px-eternal"}
    assert reap(pixels) == []


def test_a_login_after_the_measurement_keeps_a_pixel_running(pixels, truenas, shell):
    idle.read(shell, keep=True)
    rewind(truenas, 90)
    found = find(pixels)
    assert [(each.name, each.action) for each in found] == [("web", "stop")]
    shell.run(Command((PYTHON, "-c", "import pty; pty.spawn(['sleep', '60'])"), detach=True))
    wait_until(lambda: idle.read(shell, keep=False).session)

    (kept,) = lifetimes.reap(pixels, found, concurrency=4, say=lambda _text: None)

    assert (kept.action, kept.reason) == ("keep", "it has a session (sleep)")
    assert truenas.world.containers["px-web"].status == "RUNNING"


def test_check_mode_and_the_diff_show_the_option(run, truenas):
    truenas.world.add_container("px-web")

    predicted = run(pixels_container, name="web", idle_stop="90m", check_mode=True)
    done = run(pixels_container, name="web", idle_stop="90m")
    again = run(pixels_container, name="web", idle_stop="1h30m")
    removed = run(pixels_container, name="web", idle_stop="never")

    assert predicted["diff"] == done["diff"]
    assert done["diff"]["after"]["idle_stop"] == done["container"]["idle_stop"] == "1h30m"
    assert (again["changed"], removed["container"]["idle_stop"]) == (False, None)
    assert "invalid duration 'soon'" in run(pixels_container, name="web", idle_stop="soon")["msg"]


def test_a_web_shell_that_is_kept_for_the_next_command_is_no_session_and_one_in_use_is(pixels, truenas, shell):
    with WebShellClient(pixels, WEB) as other:
        other.open()
        assert idle.read(shell, keep=True).session == ""
        began = threading.Event()
        running = threading.Thread(
            target=lambda: other.run(Command(("sh", "-c", "echo; exec sleep 60")), out=lambda _piece: began.set())
        )
        running.start()
        assert began.wait(30)

        found = idle.read(shell, keep=True)

        shell.run(Command(("pkill", "sleep")))
        running.join()
    assert found.session != ""
