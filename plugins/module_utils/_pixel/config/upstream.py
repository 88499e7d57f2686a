# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accept a configuration file of upstream pixels: find the keys in it that the collection does not use."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import config_file

BACKEND = "backend"
TRUENAS = "truenas"

# Keys of v0.6.2 (sandbox/ and internal/config of deevus/pixels, commit 66a9981).
UNUSED: dict[str, frozenset[str]] = {
    "incus": frozenset({"client_cert", "client_key", "project", "remote", "server_cert", "socket"}),
    "mcp": frozenset(
        {
            *("base_prefix", "bases", "default_image", "endpoint_path", "exec_timeout_max", "hard_destroy_after"),
            *("idle_stop_after", "listen_addr", "pid_file", "prefix", "reap_interval", "state_file"),
        }
    ),
    "ssh": frozenset({"strict_host_keys"}),
}
"""Keys that have no effect in the collection, by table."""


def separate(file: config_file.ConfigFile) -> tuple[config_file.ConfigFile, list[str]]:
    """Return the file without the keys that are not used, and these keys. Raises `Invalid` for another backend."""
    backend = file.tables.get(BACKEND, TRUENAS)
    if backend != TRUENAS:
        line = config_file.line_of(file.text or "", "", BACKEND)
        raise Invalid(
            f"cannot use {file.path} line {line}: its backend is {backend!r}, and the collection manages pixels on "
            f"TrueNAS only. Remove the line, and set the table [{TRUENAS}]",
            fields=((BACKEND, "unsupported"),),
        )
    unused = [BACKEND] if BACKEND in file.tables else []
    tables: dict[str, t.Any] = {name: table for name, table in file.tables.items() if name != BACKEND}
    for name, keys in UNUSED.items():
        table = tables.get(name)
        if isinstance(table, dict) and keys.intersection(table):
            unused += sorted(f"{name}.{key}" for key in keys.intersection(table))
            tables[name] = {key: value for key, value in table.items() if key not in keys}
            if not tables[name]:
                del tables[name]
    return file._replace(tables=tables), unused
