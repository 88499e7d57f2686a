# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate the options of an inventory file."""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CONNECTION, SSH
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import schema

Options = dict[str, t.Any]

SUFFIXES = (".pixels.yml", ".pixels.yaml")

PLUGIN_LINE = re.compile(r"^plugin:\s*[\"']?(pixels\.truenas\.)?pixels[\"']?\s*(#.*)?$", re.MULTILINE)
PLUGIN_LINE_WITHIN = 65536
"""Characters."""

NAS_OPTIONS = {"jump_host": {"type": "str"}}
"""Options of this plugin that an entry of `nas` can have too."""


def names_plugin(path: str) -> bool:
    """Return whether a YAML file has a `plugin` line with the name of the inventory plugin."""
    if not path.endswith((".yml", ".yaml")):
        return False
    try:
        with open(path, encoding="utf-8") as file:
            return PLUGIN_LINE.search(file.read(PLUGIN_LINE_WITHIN)) is not None
    except (OSError, ValueError):
        return False


def with_lower_case_statuses(options: Options) -> Options:
    """Return the options with statuses in lower case, as in the choices; the NAS has them in capitals."""
    status = options.get("status")
    if isinstance(status, str):
        return {**options, "status": status.lower()}
    if isinstance(status, list):
        return {**options, "status": [item.lower() if isinstance(item, str) else item for item in status]}
    return options


def validated(entry: Options) -> Options:
    """Return the options of an entry of `nas` with their types. Raises `Invalid` for an unknown one."""
    result = ArgumentSpecValidator({**CONNECTION, **SSH, **NAS_OPTIONS}).validate(entry)
    if result.error_messages:
        raise Invalid.in_field("nas", "nas", "; ".join(result.error_messages))
    return {name: value for name, value in result.validated_parameters.items() if value is not None}


def merged(entry: Options, shared: Options) -> Options:
    """Return the options of an entry, then those of the file; credentials of the file only if the entry has none."""
    ignored = schema.CREDENTIALS if any(entry.get(name) for name in schema.CREDENTIALS) else ()
    return {**{name: value for name, value in shared.items() if name not in ignored}, **entry}
