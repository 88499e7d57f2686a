# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the table `[bases.NAME]` of the configuration file: recipes of bases."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

TEXTS = ("image", "from", "setup", "description", "version")
KEYS = (*TEXTS, "egress", "provision")
PROVISION_KEYS = ("devtools", "devtools_lock")


@dataclass(frozen=True)
class ConfiguredBase:
    """The recipe of a base as the file has it, which `_pixel/recipes/book.py` checks further."""

    name: str = ""
    image: str | None = None
    source: str | None = None
    """The key `from`."""
    setup: str = ""
    description: str = ""
    version: str = ""
    egress: t.Any = field(default=None, hash=False)
    """A mode, or a table with the options of `pixels_egress`."""
    provision: bool = False
    devtools: tuple[str, ...] | None = None
    """Names of tools of the table `provision`, with `default` for the default list; None if it has none."""
    devtools_lock: str | None = None
    location: str = ""
    """The file and the line."""

    def named(self, name: str, location: str) -> ConfiguredBase:
        """Return it with its name and its place in the file."""
        return replace(self, name=name, location=location)


def read(value: t.Any) -> ConfiguredBase:
    """Read the table of one base. Raise ValueError with the problem."""
    if not isinstance(value, dict):
        raise ValueError("is not a table")
    unknown = [key for key in value if key not in KEYS]
    if unknown:
        raise ValueError(f"has the unknown key {unknown[0]}: use {', '.join(KEYS)}")
    wrong = [key for key in TEXTS if not isinstance(value.get(key, ""), str)]
    if wrong:
        raise ValueError(f"has a {wrong[0]} that is not a quoted string")
    if bool(value.get("image")) == bool(value.get("from")):
        raise ValueError("must have either image or from")
    provision = read_provision(value.get("provision", False))
    if not isinstance(value.get("egress", ""), (str, dict)):
        raise ValueError("has an egress that is neither a mode nor a table")
    return ConfiguredBase(
        image=value.get("image") or None,
        source=value.get("from") or None,
        setup=value.get("setup", ""),
        description=value.get("description", ""),
        version=value.get("version", ""),
        egress=value.get("egress") or None,
        **provision,
    )


def read_provision(value: t.Any) -> dict[str, t.Any]:
    """Return the fields of the key `provision`: true, false, or a table with tools. Raise ValueError."""
    if isinstance(value, bool):
        return {"provision": value}
    if not isinstance(value, dict):
        raise ValueError("has a provision that is not true, false or a table")
    unknown = [key for key in value if key not in PROVISION_KEYS]
    if unknown:
        raise ValueError(f"has a provision with the unknown key {unknown[0]}: use {', '.join(PROVISION_KEYS)}")
    tools = value.get("devtools", False)
    if isinstance(tools, bool):
        tools = ["default"] if tools else []
    if not isinstance(tools, list) or not all(isinstance(each, str) for each in tools):
        raise ValueError("has devtools that are not true, false or a list of names")
    if not isinstance(value.get("devtools_lock", ""), str):
        raise ValueError("has a devtools_lock that is not a quoted string")
    return {"provision": True, "devtools": tuple(tools) or None, "devtools_lock": value.get("devtools_lock")}
