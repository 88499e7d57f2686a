# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs config show and config path: every setting, and where it comes from."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._command.place import OPTIONS, Place
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import environment, secrecy, settings
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.sizes import format_memory

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output


def show(asked: argparse.Namespace, output: Output) -> int:
    survey = Place(asked, output).survey
    exposed = secrecy.warning(survey)
    if exposed:
        output.warn(exposed)
    rows = []
    for name, setting in settings.SETTINGS.items():
        found = survey.values[name]
        source = f"--{OPTIONS.get(name, name).replace('_', '-')}" if found.source == "option" else found.source
        rows.append((setting.key, worded(name, found.value), source))
    for name, found in survey.variables.items():
        rows.append((f"{settings.ENVIRONMENT}{name}", variable(found.value), found.source))
    if output.json:
        output.give({key: {"value": value or None, "source": source} for key, value, source in rows})
        return 0
    profile = f", profile {survey.profile}" if survey.profile else ""
    output.say(f"# {survey.file.path}{'' if survey.file.exists else ' (there is none)'}{profile}")
    output.table(("KEY", "VALUE", "FROM"), [(key, value or "—", source) for key, value, source in rows])
    return 0


def worded(name: str, value: t.Any) -> str:
    """A value as it would be written in the file; nobody sees a secret."""
    if value in (None, "", ()):
        return ""
    if name in settings.SHOWN_TO_NOBODY:
        return secrecy.HIDDEN
    if name == "api_key_command":
        return secrecy.without_arguments(value)
    if name == "default_memory":
        return format_memory(value) or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return " ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def variable(found: environment.Variable) -> str:
    """Which kind it is; values may be secrets."""
    return found.kind if found.kind == environment.FORWARD else f"{found.kind}, {secrecy.HIDDEN}"


def path(asked: argparse.Namespace, output: Output) -> int:
    import os

    from ansible_collections.pixels.truenas.plugins.module_utils._pixel import config_file

    # Not by the survey: it is just when the file cannot be read that one wants to know where it is.
    where = os.path.expanduser(asked.config or os.environ.get(settings.CONFIG) or config_file.default_path(os.environ))
    if output.json:
        output.give({"path": where, "exists": os.path.exists(where)})
    else:
        output.say(where)
    return 0
