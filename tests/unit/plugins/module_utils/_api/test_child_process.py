# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the wait for child processes."""

from __future__ import annotations

import os
import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import child_process


def test_it_returns_the_exit_status():
    with subprocess.Popen(["sh", "-c", "exit 7"]) as process:
        assert child_process.wait(process, timeout=30) == 7


def test_a_child_that_takes_too_long_goes_on():
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            child_process.wait(process, timeout=0)

        assert process.poll() is None


def test_where_the_system_has_no_handles_of_processes_it_waits_all_the_same(monkeypatch):
    def refuse(_pid):
        raise PermissionError

    monkeypatch.setattr(os, "pidfd_open", refuse)
    with subprocess.Popen(["true"]) as process:
        assert child_process.wait(process, timeout=30) == 0


def test_a_system_without_the_call_waits_all_the_same(monkeypatch):
    monkeypatch.delattr(os, "pidfd_open")
    with subprocess.Popen(["true"]) as process:
        assert child_process.wait(process, timeout=30) == 0
