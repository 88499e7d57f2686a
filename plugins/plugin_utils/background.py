# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of this collection in the background: in a process of its own, on this machine whatever the host is.

Its arguments hold the credential of the NAS, which is nothing for the pixel that is the host of the task.
"""

from __future__ import annotations

import sys
import time
import typing as t

from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader

from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import identity

Result = dict[str, t.Any]
STATUS = "ansible.legacy.async_status"

# Neither how to get to the host nor what is there plays a part.
HERE = {"ansible_connection": "ansible.builtin.local", "ansible_python_interpreter": sys.executable}


class ModuleHere(ActionBase):
    """An action on this machine, as its user, for the task of another action; nobody asks it to C(run)."""

    @classmethod
    def of(cls, action: ActionBase) -> ModuleHere:
        task = action._task.copy()
        task.delegate_to, task.become = None, False
        # What a module is packed into is gone when it ends: a shared session is run from where the code lies.
        task.environment = [*(task.environment or ()), {identity.CODE: identity.code()}]
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
        """Have the module begin, for the time that the task says; what names the job."""
        return self._execute_module(
            module_name=name, module_args=arguments, task_vars={**variables, **HERE}, wrap_async=True
        )

    def result(self, started: Result, variables: t.Mapping[str, t.Any]) -> Result:
        """Look at the job as often as the task says until it has ended; what came of it.

        Ansible would look for it on the host.
        """
        if started.get("failed") or not started.get("ansible_job_id"):
            return started
        limit, pause = self._task.async_val, self._task.poll
        until = time.monotonic() + limit
        found: Result = {}
        while not found.get("finished"):
            if time.monotonic() > until:
                return {
                    "failed": True,
                    "msg": f"async task did not complete within the requested time - {limit}s",
                    "async_result": found,
                }
            time.sleep(pause)
            found = self._ask(started, "status", variables)
        self._ask(started, "cleanup", variables)
        return found

    def _ask(self, started: Result, mode: str, variables: t.Mapping[str, t.Any]) -> Result:
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
            found: Result = handler.run(task_vars={**variables, **HERE})
        finally:
            handler.cleanup()
        return found

    def run(self, tmp: str | None = None, task_vars: t.Any = None) -> Result:
        raise NotImplementedError
