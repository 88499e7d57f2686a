# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of this collection inside Ansible's worker process, on the controller.

Ansible takes about 0.4 s and a login to run a module for each item; in the worker it takes about 0.02 s. Plays with
`hosts: pixels` need no `delegate_to`: options that a task does not set come from variables of the inventory.
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
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CONNECTION, CREDENTIALS, Spec
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import (
    OWN_CREDENTIAL,
    SessionCache,
    Task,
    connected,
    missing_own_credential,
    secrets_of,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from ansible_collections.pixels.truenas.plugins.plugin_utils.background import LocalModule

MODULES = "ansible_collections.pixels.truenas.plugins.modules"

# Variables of a host in the inventory for options of a module.
SSH_VARIABLES = {
    "ssh_user": ("ansible_user", "ansible_ssh_user"),
    "ssh_port": ("ansible_port", "ansible_ssh_port"),
    "ssh_key": ("ansible_ssh_private_key_file", "ansible_private_key_file"),
}

# Attributes of the play context for options of a module. Ansible sets them from keywords, command line and settings.
SSH_SETTINGS = {"ssh_user": "remote_user", "ssh_port": "port", "ssh_key": "private_key_file"}
CONNECTION_PLUGIN = "pixels.truenas.pixels"
SSH_PLUGINS = ("ssh", "ansible.builtin.ssh", CONNECTION_PLUGIN)
"""Connection plugins for which Ansible's user, port and key are those of the pixel."""

# For the items of a loop: a worker process of Ansible runs one task.
SESSIONS = SessionCache()

Variables = t.Mapping[str, t.Any]
Result = dict[str, t.Any]


@functools.cache
def options_of(module: types.ModuleType) -> Spec:
    """Return the argument specification of a module."""
    return {**CONNECTION, **module.ARGUMENTS}


@functools.cache
def validator_of(module: types.ModuleType) -> ArgumentSpecValidator:
    """Return the validator for the arguments of a module."""
    return ArgumentSpecValidator(options_of(module), **getattr(module, "RULES", {}))


def plain(value: t.Any) -> t.Any:
    """Return a value without Ansible's tags, which modules never get. Copying tagged values is slow."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


class PixelsAction(ActionBase):
    """The action plugin of all modules; the name of the task's action selects the module."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = True
    _supports_diff = True
    supports_raw_params = True

    def run(self, tmp: str | None = None, task_vars: Variables | None = None) -> Result:
        """Run the module of the task, in this process or in the background."""
        result: Result = super().run(tmp, task_vars)
        name = self._task.action.rpartition(".")[2]
        module = importlib.import_module(f"{MODULES}.{name}")
        variables = self._variables(task_vars or {})
        arguments = self._arguments(module, variables)
        if self._task.async_val:
            return self._as_module(name, arguments, task_vars or {})
        return {**result, **self._in_process(name, module, arguments)}

    def _variables(self, variables: Variables) -> Variables:
        """Return the variables of the pixel that the task is about.

        This is the pixel that the task is delegated to. If that is another host, such as localhost, or the task is not
        delegated, it is the host of the play.
        """
        delegated: Variables = (variables.get("ansible_delegated_vars") or {}).get(self._task.delegate_to) or {}
        to_a_pixel = "pixels_name" in delegated or bool(self._task.delegate_to and self._in_a_pixel())
        return delegated if to_a_pixel else variables

    def _in_a_pixel(self) -> bool:
        """Return whether the host uses the connection plugin of this collection."""
        return getattr(self._connection, "transport", None) == CONNECTION_PLUGIN

    def _arguments(self, module: t.Any, variables: Variables) -> Result:
        """Return the task's arguments, with variables of its host as defaults."""
        arguments = dict(self._task.args)
        free_form = arguments.pop("_raw_params", None)
        if free_form is not None:
            if "cmd" not in module.ARGUMENTS:
                raise AnsibleActionFail(f"{self._task.action} takes options, not free text: {free_form}")
            arguments["cmd"] = free_form
        templar = self._templar.copy_with_new_env(available_variables=variables)
        host = self._host_pixel(module, templar, variables)
        is_host = is_same_pixel(arguments.get("name", host), host)
        if host is not None:
            arguments.setdefault("name", host)
        for option, variable in self._defaults(module, arguments, variables, with_ssh=host is not None and is_host):
            arguments[option] = templar.template(variables[variable])
        if host is not None and is_host:
            self._add_ssh_settings(module, arguments)
        if host is None or is_host:
            self._merge_variables(module, templar, arguments, variables)
        if variables.get(OWN_CREDENTIAL) and "host" not in self._task.args and not arguments.keys() & {*CREDENTIALS}:
            # The environment and the configuration file hold the credential of another NAS.
            raise AnsibleActionFail(missing_own_credential(str(variables.get("pixels_nas_host"))))
        return t.cast(Result, plain(arguments))

    def _host_pixel(self, module: t.Any, templar: t.Any, variables: Variables) -> str | None:
        """Return the name of the host's pixel, for modules with a name; None if the host is not a pixel."""
        if "name" not in module.ARGUMENTS:
            return None
        if variables.get("pixels_name") is not None:
            return str(templar.template(variables["pixels_name"]))
        return self._connection.pixel if self._in_a_pixel() else None

    def _defaults(
        self, module: t.Any, arguments: Variables, variables: Variables, *, with_ssh: bool
    ) -> t.Iterator[tuple[str, str]]:
        """Yield each option that is not set, with the variable that has a value for it.

        `with_ssh` includes the user, port and key, which do not apply to a pixel other than the host's.
        """
        sources = {name: (f"pixels_nas_{name}",) for name in CONNECTION}
        if with_ssh:
            sources.update(SSH_VARIABLES)
        if arguments.keys() & {*CREDENTIALS}:
            for name in CREDENTIALS:
                sources.pop(name)
        for option, candidates in sources.items():
            if option in arguments or option not in options_of(module):
                continue
            for name in candidates:
                if variables.get(name) is not None:
                    yield option, name
                    break

    def _add_ssh_settings(self, module: t.Any, arguments: Result) -> None:
        """Add the user, port and key from keywords, the command line and settings, as the ssh plugin uses them."""
        if getattr(self._connection, "transport", None) not in SSH_PLUGINS:
            return
        for option, attribute in SSH_SETTINGS.items():
            value = getattr(self._play_context, attribute, None)
            if option not in arguments and option in options_of(module) and value is not None:
                arguments[option] = value

    def _merge_variables(self, module: t.Any, templar: t.Any, arguments: Result, variables: Variables) -> None:
        """Merge dictionaries in variables of the host into the task's, which override them, for options of a module."""
        for option, variable in getattr(module, "MERGED_VARIABLES", {}).items():
            value = templar.template(variables.get(variable))
            if isinstance(value, dict):
                arguments[option] = {**value, **(arguments.get(option) or {})}

    def _in_process(self, name: str, module: t.Any, arguments: Result) -> Result:
        libraries = {**LIBRARIES, **getattr(module, "LIBRARIES", {})}
        for library, trace in libraries.items():
            if trace:
                return {"failed": True, "msg": missing_required_lib(library), "exception": trace}
        checked = validator_of(module).validate(arguments)
        if checked.error_messages:
            return {"failed": True, "msg": message_of(name, checked.errors[0])}
        warnings: list[str] = []
        secrets = set(checked._no_log_values)
        result = self._run_module(module, checked.validated_parameters, warnings, secrets)
        if warnings:
            result["warnings"] = warnings
        # As `exit_json` of a module does: no secret argument is part of the result.
        return remove_values(result, secrets) if secrets else result

    def _run_module(self, module: t.Any, params: Result, warnings: list[str], secrets: set[str]) -> Result:
        try:
            with connected(
                params.get,
                notice=self._display.display,
                environ=self._environment(),
                cache=SESSIONS,
                warn=self._display.warning,
            ) as (pixels, settled):
                secrets |= secrets_of(settled)
                notices = {"warn": warnings.append, "say": self._display.v}
                return module.run(Task(params, self._task.check_mode, pixels, settled.ssh, **notices))
        except PixelsError as error:
            return {"failed": True, **failure(error)}

    def _environment(self) -> t.Mapping[str, str]:
        """Return the environment that a module would have: the one of this process with the task's `environment`."""
        added: dict[str, t.Any] = {}
        self._compute_environment_string(added)
        return {**os.environ, **{name: str(value) for name, value in added.items()}} if added else os.environ

    def _as_module(self, name: str, arguments: Result, variables: Variables) -> Result:
        """Run a task in the background, which needs another process."""
        module = LocalModule.of(self)
        started = module.start(f"pixels.truenas.{name}", arguments, variables)
        if not self._task.poll:
            return started
        ended = module.result(started, variables)
        # Otherwise Ansible would look for the job on the host.
        self._task.async_val = 0
        return ended


def message_of(name: str, error: Exception) -> str:
    """Return the message of a validation error as `AnsibleModule` words it."""
    if isinstance(error, UnsupportedError):
        return f"Unsupported parameters for (pixels.truenas.{name}) module: {error}"
    return str(error)


def is_same_pixel(name: t.Any, host: t.Any) -> bool:
    """Return whether two names, with or without the prefix, denote the same pixel."""
    try:
        return PixelName.parse(str(name)) == PixelName.parse(str(host))
    except PixelsError:
        return False
