# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the lock of a version that is being built."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.bases import lock

NOW = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.UTC)


@pytest.fixture
def held():
    made = lock.acquire(NOW, 600)
    yield made
    lock.release(made)


def later(seconds):
    return NOW + datetime.timedelta(seconds=seconds)


def test_a_lock_is_read_as_it_was_written(held):
    assert lock.parse(str(held)) == held
    assert held.description == f"{lock.owner()}, since 2026-11-29T12:00:00Z"


@pytest.mark.parametrize("text", [None, "", "ann", "ann yesterday today here run", "a 2026-01-01T00:00Z b c d e"])
def test_other_text_is_no_lock(text):
    assert lock.parse(text) is None


def test_a_lock_is_held_while_its_run_lasts(held):
    assert not held.is_stale(NOW)

    lock.release(held)

    assert held.is_stale(NOW)


def test_a_lock_ends_with_its_time_wherever_the_builder_is(held):
    elsewhere = lock.Lock(held.owner, held.since, held.until, "elsewhere:1:2", "x")

    assert not elsewhere.is_stale(later(600 + lock.GRACE_S))
    assert elsewhere.is_stale(later(601 + lock.GRACE_S))


def test_on_the_same_machine_a_lock_ends_with_its_process(held):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = f"{lock.machine_id()}:{lock.process_id(str(child.pid))}"
    of_child = lock.Lock(held.owner, held.since, held.until, process, "x")
    alive = of_child.is_stale(NOW)

    child.communicate(b"\n")

    assert (alive, of_child.is_stale(NOW)) == (False, True)


def test_without_a_way_to_tell_the_machine_only_time_counts(held, monkeypatch):
    monkeypatch.setattr(lock, "machine_id", lambda: "")
    unknown = lock.Lock(held.owner, held.since, held.until, f":{lock.process_id()}", "x")

    assert not unknown.is_stale(NOW)


def test_the_owner_is_one_word(monkeypatch):
    monkeypatch.setenv("USER", "ann b\tc")

    assert lock.owner().startswith("ann-b-c@")
    assert str(os.getpid()) in lock.process_id()
