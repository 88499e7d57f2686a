# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of modules in the background; tests/integration/test_background.py runs whole plays over pixels."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins import loader as plugin_loader
from ansible.template import Templar

NOWHERE = {"ansible_host": "203.0.113.1", "ansible_python_interpreter": "/no/such/python", "pixels_name": "web"}


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture
def act(nas, tmp_path, monkeypatch):
    """Run a task in the background for a host that can neither be reached nor has a Python."""
    monkeypatch.setenv("ANSIBLE_ASYNC_DIR", str(tmp_path / "async"))

    def run_task(action, *, poll, limit=30):
        task = Task.load({f"pixels.truenas.{action}": dict(nas), "async": limit, "poll": poll})
        data = DataLoader()
        plugin = plugin_loader.action_loader.get(
            task.action,
            task=task,
            connection=plugin_loader.connection_loader.get("ansible.builtin.ssh", PlayContext()),
            play_context=PlayContext(),
            loader=data,
            templar=Templar(loader=data, variables=NOWHERE),
            shared_loader_obj=plugin_loader,
        )
        return plugin.run(task_vars=dict(NOWHERE)), task

    return run_task


# Ansible builds a module for each poll, which takes seconds on a busy machine.
@pytest.mark.timeout(300)
@pytest.mark.wide
def test_it_runs_here_for_any_host_and_is_waited_for(act, truenas):
    truenas.world.add_container("px-web", status="STOPPED")

    result, task = act("pixels_container", poll=1, limit=300)

    assert result["container"]["status"] == "running"
    assert truenas.world.containers["px-web"].status == "RUNNING"
    # Ansible has nothing left to look for on the host.
    assert task.async_val == 0


def test_without_waiting_the_job_is_reported(act, tmp_path):
    result, task = act("pixels_container_info", poll=0)

    assert result["started"]
    assert (tmp_path / "async" / result["ansible_job_id"]).exists()
    assert task.async_val == 30
