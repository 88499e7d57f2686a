# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs config show and config path."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import OPTIONS, CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.memory_size import format_memory
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import (
    config_file,
    env_table,
    exposure,
    redaction,
    schema,
)

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output


def show(args: argparse.Namespace, output: Output) -> int:
    """Show each setting and its source."""
    resolved = CliContext(args, output).resolved
    exposed = exposure.warning(resolved)
    if exposed:
        output.warn(exposed)
    rows = []
    for name, setting in schema.SETTINGS.items():
        found = resolved.values[name]
        source = f"--{OPTIONS.get(name, name).replace('_', '-')}" if found.source == "option" else found.source
        rows.append((setting.key, format_value(name, found.value), source))
    for name, found in resolved.variables.items():
        rows.append((f"{schema.ENV_TABLE}{name}", variable(found.value), found.source))
    if output.json:
        output.print_json({key: {"value": value or None, "source": source} for key, value, source in rows})
        return 0
    profile = f", profile {resolved.profile}" if resolved.profile else ""
    output.say(f"# {resolved.file.path}{'' if resolved.file.exists else ' (does not exist)'}{profile}")
    output.table(("KEY", "VALUE", "FROM"), [(key, value or "—", source) for key, value, source in rows])
    if resolved.unused:
        output.say(f"# Keys of upstream pixels that are not used: {', '.join(resolved.unused)}")
    return 0


def format_value(name: str, value: t.Any) -> str:
    """Return a value as in the file; a secret is masked."""
    if value in (None, "", ()):
        return ""
    if name in schema.SECRETS:
        return redaction.HIDDEN
    if name == "api_key_command":
        return redaction.without_arguments(value)
    if name == "default_memory":
        return format_memory(value) or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return " ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def variable(found: env_table.Variable) -> str:
    """Return the kind of a variable, without its value, which may be a secret."""
    return found.kind if found.kind == env_table.FORWARD else f"{found.kind}, {redaction.HIDDEN}"


def path(args: argparse.Namespace, output: Output) -> int:
    """Show the path of the configuration file."""
    import os

    # Without reading the file, because the path is most useful when the file is invalid.
    configured = args.config or os.environ.get(schema.CONFIG_VARIABLE)
    where = os.path.expanduser(configured or config_file.default_path(os.environ))
    if output.json:
        output.print_json({"path": where, "exists": os.path.exists(where)})
    else:
        output.say(where)
    return 0
