# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the listing over the session daemon: when it applies, and when it must not."""

from __future__ import annotations

import json
import os
import signal

import pytest


@pytest.fixture
def warm(shared, truenas):
    """A session that is open, and a note of it."""
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-db", status="STOPPED")
    shared("list")
    truenas.stats.calls.clear()
    return shared


def used_the_note(truenas):
    """Whether the listing was the only call."""
    return dict(truenas.stats.calls) == {"virt.instance.query": 1}


def test_both_routes_list_the_same(warm, truenas):
    quickly = warm("list")

    assert used_the_note(truenas)
    assert quickly.stdout == warm("list", "--no-color").stdout
    assert quickly.stderr == ""


def test_the_note_has_no_secret(warm, home, truenas):
    path = home / ".cache/pixels/nas.json"

    assert truenas.api_key not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_a_new_pixel_is_there_immediately(warm, truenas):
    truenas.world.add_container("px-new")

    assert "new" in warm("list").stdout
    assert used_the_note(truenas)


@pytest.mark.parametrize("variable", ["PIXELS_TRUENAS_HOST", "PIXELS_NAS", "PIXELS_CONFIG", "XDG_CONFIG_HOME"])
@pytest.mark.wide
def test_another_nas_may_be_meant_by_other_variables(warm, truenas, variable):
    warm("list", **{variable: "elsewhere.invalid"})

    assert not used_the_note(truenas)


@pytest.mark.wide
def test_another_nas_may_be_meant_by_a_configuration_that_has_come(warm, truenas):
    warm.configure('[ssh]\nuser = "me"\n')

    warm("list")

    assert not used_the_note(truenas)


@pytest.mark.wide
def test_another_nas_may_be_meant_by_a_configuration_that_was_moved_there(warm, truenas):
    path = warm.configure('[ssh]\nuser = "me"\n')
    warm("list")
    truenas.stats.calls.clear()
    assert warm("list").returncode == 0
    assert used_the_note(truenas)
    other = path.with_name("other.toml")
    other.write_text('[ssh]\nuser = "it"\n')
    os.utime(other, ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns))
    truenas.stats.calls.clear()

    other.replace(path)

    warm("list")
    assert not used_the_note(truenas)


@pytest.mark.wide
def test_another_key_is_rejected(warm, truenas):
    ended = warm("list", PIXELS_TRUENAS_API_KEY="1-" + "x" * 64)

    assert ended.returncode == 1
    assert "web" not in ended.stdout


@pytest.mark.wide
def test_an_invalid_note_is_ignored(warm, home):
    note = home / ".cache/pixels/nas.json"
    texts = ["", "{}", "[]", "nonsense", '{"context": 1}']

    shown = []
    for text in texts:
        note.write_text(text)
        shown.append(warm("list").stdout)

    assert [text for text, each in zip(texts, shown, strict=True) if "web" not in each] == []


@pytest.mark.wide
def test_a_daemon_that_has_ended_is_none(warm, truenas):
    warm("session", "stop")

    assert "web" in warm("list").stdout


@pytest.mark.wide
def test_a_session_that_is_stopped_is_replaced(warm, truenas):
    (stopped,) = warm.json("session", "status")
    os.kill(stopped["pid"], signal.SIGSTOP)

    assert "web" in warm("list").stdout
    truenas.stats.calls.clear()
    assert "web" in warm("list").stdout

    assert used_the_note(truenas)
    assert truenas.stats.logins == 2


@pytest.mark.wide
def test_a_daemon_of_another_version_is_not_asked(warm, home, truenas):
    path = home / ".cache/pixels/nas.json"
    note = json.loads(path.read_text())
    path.write_text(json.dumps(note | {"daemon": note["daemon"] | {"version": "older"}}))

    warm("list")

    assert not used_the_note(truenas)


def test_a_nas_that_has_no_containers_any_more_says_so(warm, truenas):
    truenas.world.containers.clear()
    truenas.world.state = "NO_POOL"

    assert "choose a storage pool" in warm("list").stderr


@pytest.mark.wide
def test_a_key_from_a_file_is_as_good(warm, truenas, home):
    (home / "key").write_text(f"{truenas.api_key}\n")
    variables = {"PIXELS_TRUENAS_API_KEY": None, "PIXELS_TRUENAS_API_KEY_FILE": str(home / "key")}
    warm("list", **variables)
    truenas.stats.calls.clear()

    assert "web" in warm("list", **variables).stdout
    assert used_the_note(truenas)


@pytest.mark.wide
def test_a_key_in_the_configuration_is_as_good(warm, truenas):
    warm.configure(f'[truenas]\napi_key = "{truenas.api_key}"\n').chmod(0o600)
    warm("list", PIXELS_TRUENAS_API_KEY=None)
    truenas.stats.calls.clear()

    assert "web" in warm("list", PIXELS_TRUENAS_API_KEY=None).stdout
    assert used_the_note(truenas)


@pytest.mark.wide
def test_a_key_that_others_can_read_is_warned_of_each_time(warm, truenas):
    path = warm.configure(f'[truenas]\napi_key = "{truenas.api_key}"\n')
    path.chmod(0o644)

    for _time in range(2):
        ended = warm("list", PIXELS_TRUENAS_API_KEY=None)
        assert ended.returncode == 0
        assert ended.stderr == f"Warning: other users can read the api_key in {path}. Run: chmod 600 {path}\n"


def test_the_time_for_a_call_is_that_of_the_settings(shared, truenas):
    truenas.world.add_container("px-web")
    shared.environment["PIXELS_CALL_TIMEOUT"] = "0.5"
    shared("list")
    truenas.faults.add("delay", method="virt.instance.query", seconds=30, times=2)
    truenas.stats.calls.clear()

    ended = shared("list")

    assert ended.returncode == 1
    # No other route waits for the same time again.
    assert used_the_note(truenas)
    assert "no reply within 0.5 s" in ended.stderr
