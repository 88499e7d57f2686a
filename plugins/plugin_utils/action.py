# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of this collection inside Ansible's worker process: no transfer, no second interpreter, no other host.

A module run the usual way costs about 0.4 s per item and a login each; this costs about 0.02 s. It also means that
C(hosts: pixels) needs no C(delegate_to): what a task leaves out comes from the variables the inventory set.
"""

from __future__ import annotations

import functools
import importlib
import os
import types
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import LIBRARIES, failure
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CONNECTION, Spec
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import (
    CREDENTIALS,
    OWN_CREDENTIAL,
    Keeper,
    Task,
    another_credential,
    connected,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names
from ansible_collections.pixels.truenas.plugins.plugin_utils.background import ModuleHere

MODULES = "ansible_collections.pixels.truenas.plugins.modules"

# Where a pixel of the inventory says how to log in to it.
SSH_VARIABLES = {
    "ssh_user": ("ansible_user", "ansible_ssh_user"),
    "ssh_port": ("ansible_port", "ansible_ssh_port"),
    "ssh_key": ("ansible_ssh_private_key_file", "ansible_private_key_file"),
}

# A worker of Ansible lives for one task, with all the items of its loop.
KEEPER = Keeper()

Variables = t.Mapping[str, t.Any]
Result = dict[str, t.Any]


@functools.cache
def options_of(module: types.ModuleType) -> Spec:
    """All that a module takes."""
    return {**CONNECTION, **module.ARGUMENTS}


@functools.cache
def validator_of(module: types.ModuleType) -> ArgumentSpecValidator:
    return ArgumentSpecValidator(options_of(module), **getattr(module, "RULES", {}))


def plain(value: t.Any) -> t.Any:
    """What a module would be given: Ansible notes beside each text where it is from, and copies of that take long."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, dict):
        return {plain(key): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


class PixelsAction(ActionBase):
    """The action of every module here; which one is the name of the task's action."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = True
    _supports_diff = True
    supports_raw_params = True

    def run(self, tmp: str | None = None, task_vars: Variables | None = None) -> Result:
        result: Result = super().run(tmp, task_vars)
        name = self._task.action.rpartition(".")[2]
        module = importlib.import_module(f"{MODULES}.{name}")
        arguments = self._arguments(module, task_vars or {})
        if self._task.async_val:
            return self._as_module(name, arguments, task_vars or {})
        return {**result, **self._in_process(name, module, arguments)}

    def _arguments(self, module: t.Any, variables: Variables) -> Result:
        """The task's own arguments, and those its host's variables stand in for."""
        arguments = dict(self._task.args)
        free_form = arguments.pop("_raw_params", None)
        if free_form is not None:
            if "cmd" not in module.ARGUMENTS:
                raise AnsibleActionFail(f"{self._task.action} takes options, not free text: {free_form}")
            arguments["cmd"] = free_form
        for option, variable in self._defaults(module, arguments, variables):
            arguments[option] = self._templar.template(variables[variable])
        if variables.get(OWN_CREDENTIAL) and "host" not in self._task.args and not arguments.keys() & {*CREDENTIALS}:
            # Whatever the environment or the configuration file has is the credential of another NAS.
            raise AnsibleActionFail(another_credential(str(variables.get("pixels_nas_host"))))
        return t.cast(Result, plain(arguments))

    def _defaults(self, module: t.Any, arguments: Variables, variables: Variables) -> t.Iterator[tuple[str, str]]:
        """Options nobody gave, each with the variable that has a value for it."""
        places = {name: (f"pixels_nas_{name}",) for name in CONNECTION}
        if "pixels_name" in variables and "name" in module.ARGUMENTS:
            places["name"] = ("pixels_name",)
            if self._means_its_host(arguments, variables):
                places.update(SSH_VARIABLES)
        if arguments.keys() & {*CREDENTIALS}:
            for name in CREDENTIALS:
                places.pop(name)
        for option, sources in places.items():
            if option in arguments or option not in options_of(module):
                continue
            for name in sources:
                if variables.get(name) is not None:
                    yield option, name
                    break

    def _means_its_host(self, arguments: Variables, variables: Variables) -> bool:
        """Whether the pixel is that of the host: another one has another user, port and key."""
        host = self._templar.template(variables["pixels_name"])
        try:
            return names.full_name(str(arguments.get("name", host))) == names.full_name(str(host))
        except PixelsError:
            return False

    def _in_process(self, name: str, module: t.Any, arguments: Result) -> Result:
        libraries = {**LIBRARIES, **getattr(module, "LIBRARIES", {})}
        for library, trace in libraries.items():
            if trace:
                return {"failed": True, "msg": missing_required_lib(library), "exception": trace}
        checked = validator_of(module).validate(arguments)
        if checked.error_messages:
            return {"failed": True, "msg": self._told(name, checked.errors[0])}
        warnings: list[str] = []
        result = self._converse(module, checked.validated_parameters, warnings)
        if warnings:
            result["warnings"] = warnings
        # What a module's exit does: a secret that was given is in nothing that comes back.
        return remove_values(result, checked._no_log_values) if checked._no_log_values else result

    def _converse(self, module: t.Any, params: Result, warnings: list[str]) -> Result:
        try:
            with connected(params.get, notice=self._display.display, environ=self._environment(), keeper=KEEPER) as (
                pixels,
                settled,
            ):
                notices = {"warn": warnings.append, "say": self._display.v}
                return module.run(Task(params, self._task.check_mode, pixels, settled.ssh, **notices))
        except PixelsError as error:
            return {"failed": True, **failure(error)}

    def _environment(self) -> t.Mapping[str, str]:
        """What the environment would be for a module: this process's, and the task's C(environment) over it."""
        added: dict[str, t.Any] = {}
        self._compute_environment_string(added)
        return {**os.environ, **{name: str(value) for name, value in added.items()}} if added else os.environ

    def _as_module(self, name: str, arguments: Result, variables: Variables) -> Result:
        """In the background: a process of its own is just what that takes."""
        module = ModuleHere.of(self)
        started = module.start(f"pixels.truenas.{name}", arguments, variables)
        if not self._task.poll:
            return started
        ended = module.result(started, variables)
        # Or Ansible would go and look for the job on the host.
        self._task.async_val = 0
        return ended

    def _told(self, name: str, error: Exception) -> str:
        """In the words of a module."""
        if isinstance(error, UnsupportedError):
            return f"Unsupported parameters for (pixels.truenas.{name}) module: {error}"
        return str(error)
