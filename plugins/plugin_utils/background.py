# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of this collection in the background, as a process on the controller, regardless of the task's host.

Its arguments contain the credential of the NAS, which must not reach the pixel that is the host of the task.
"""

from __future__ import annotations

import sys
import time
import typing as t

from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import identity

Result = dict[str, t.Any]
STATUS = "ansible.legacy.async_status"

# Variables that run a module on the controller.
LOCAL = {"ansible_connection": "ansible.builtin.local", "ansible_python_interpreter": sys.executable}


class LocalModule(ActionBase):
    """Runs a module on the controller, as its user, for the task of another action. Not an action plugin itself."""

    @classmethod
    def of(cls, action: ActionBase) -> LocalModule:
        """Build the background module of an action."""
        task = action._task.copy()
        task.delegate_to, task.become = None, False
        # The archive of a module is removed when it ends, so the session daemon runs from the collection's directory.
        task.environment = [*(task.environment or ()), {identity.CODE_VARIABLE: identity.code_reference()}]
        play_context = action._play_context.copy()
        play_context.become = False
        return cls(
            task=task,
            connection=connection_loader.get("ansible.builtin.local", play_context, None),
            play_context=play_context,
            loader=action._loader,
            templar=action._templar,
            shared_loader_obj=action._shared_loader_obj,
        )

    def start(self, name: str, arguments: Result, variables: t.Mapping[str, t.Any]) -> Result:
        """Start the module with the time limit of the task, and return the result with the job ID."""
        return self._execute_module(
            module_name=name, module_args=arguments, task_vars={**variables, **LOCAL}, wrap_async=True
        )

    def result(self, started: Result, variables: t.Mapping[str, t.Any]) -> Result:
        """Poll the job at the interval of the task until it has ended, and return its result.

        Ansible itself would look for the job on the host.
        """
        if started.get("failed") or not started.get("ansible_job_id"):
            return started
        limit, interval = self._task.async_val, self._task.poll
        until = time.monotonic() + limit
        status: Result = {}
        while not status.get("finished"):
            if time.monotonic() > until:
                return {
                    "failed": True,
                    "msg": f"async task did not complete within the requested time - {limit}s",
                    "async_result": status,
                }
            time.sleep(interval)
            status = self._async_status(started, "status", variables)
        self._async_status(started, "cleanup", variables)
        return status

    def _async_status(self, started: Result, mode: str, variables: t.Mapping[str, t.Any]) -> Result:
        task = Task.load({"action": STATUS, "args": {"jid": started["ansible_job_id"], "mode": mode}})
        handler = self._shared_loader_obj.action_loader.get(
            STATUS,
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        try:
            status: Result = handler.run(task_vars={**variables, **LOCAL})
        finally:
            handler.cleanup()
        return status

    def run(self, tmp: str | None = None, task_vars: t.Any = None) -> Result:
        """Not used."""
        raise NotImplementedError
