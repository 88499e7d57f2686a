# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module of this collection, and report its errors to Ansible."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CONNECTION, Spec
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Run, Task, connected, secrets_of
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import MissingLibrary, PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._api.transport import WEBSOCKET_IMPORT_ERROR

LIBRARIES: dict[str, str | None] = {"websocket-client": WEBSOCKET_IMPORT_ERROR}
"""Required libraries, each with the traceback of its failed import; None if it is installed."""


class PixelsModule(AnsibleModule):
    """A module with the connection options and check mode."""

    def __init__(self, argument_spec: Spec, **rules: t.Any) -> None:
        super().__init__(argument_spec={**CONNECTION, **argument_spec}, supports_check_mode=True, **rules)

    def execute(self, run: Run, *, libraries: t.Mapping[str, str | None] | None = None) -> t.NoReturn:
        """Connect to the NAS, run the module, and exit with its result.

        `libraries` are required in addition to `LIBRARIES`.
        """
        for library, trace in {**LIBRARIES, **(libraries or {})}.items():
            if trace:
                self.fail_json(msg=missing_required_lib(library), exception=trace)
        try:
            with connected(self.params.get, notice=self.warn) as (pixels, used):
                # Credentials from variables or files are masked in results, like those of options.
                self.no_log_values.update(secrets_of(used))
                result = run(Task(self.params, self.check_mode, pixels, used.ssh, self.warn, self.debug))
        except PixelsError as error:
            # Without a traceback, which may show a secret.
            self.fail_json(**failure(error))
        if result.get("failed"):
            self.fail_json(**result)
        self.exit_json(**result)


def failure(error: PixelsError) -> dict[str, t.Any]:
    """Return an error as the result of a task: its message, its class and its attributes."""
    if isinstance(error, MissingLibrary):
        return {"msg": f"{missing_required_lib(error.library)} {error}", "exception": error.trace}
    details: dict[str, t.Any] = {"kind": type(error).__name__}
    for name in ("errno", "errname", "method", "response_type"):
        if getattr(error, name, None):
            details[name] = getattr(error, name)
    if getattr(error, "fields", None):
        details["fields"] = [{"field": field, "problem": problem} for field, problem in getattr(error, "fields", ())]
    return {"msg": str(error), "error": details}
