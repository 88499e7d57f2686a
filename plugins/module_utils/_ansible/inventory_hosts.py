# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name the hosts of the inventory, so that each has a unique name that Ansible does not use for anything else."""

from __future__ import annotations

import fnmatch
import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.inventory_groups import (
    Membership,
    Pixel,
    shared_groups,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.resolver import ResolvedSettings
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.settings import Settings
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PREFIX

Warn = t.Callable[[str], None]

INVALID_CHARACTERS = re.compile(r"[^\w.-]+", re.ASCII)

RESERVED = {"all", "localhost", "pixels", "ungrouped"}
"""Names that Ansible has for the controller and for groups."""

SHOWN_VALUES = 300
"""Characters of a list of values in a warning."""


class Nas(t.NamedTuple):
    """A NAS of the inventory file."""

    options: dict[str, t.Any]
    resolved: ResolvedSettings
    settings: Settings

    @property
    def name(self) -> str:
        """The name that messages have for the NAS."""
        return self.settings.endpoint.nas


class Host(t.NamedTuple):
    """A pixel as a host."""

    name: str
    groups: list[Membership]
    variables: dict[str, t.Any]
    nas: Nas


def host_name(pixel: Pixel, style: str) -> str:
    """Return the name of a host; `style` is `name`, `full_name` or `name.nas`."""
    if style == "full_name" or is_reserved(pixel["name"]):
        return str(pixel["full_name"])
    return name_on_nas(pixel["name"], pixel["nas"]) if style == "name.nas" else str(pixel["name"])


def is_reserved(name: str) -> bool:
    """Return whether Ansible uses a name for something else, in any case."""
    return name.lower() in RESERVED


def name_on_nas(name: str, nas: str) -> str:
    """Return a host name with the name of its NAS: `web.nas.8443`. Colons and brackets are patterns to Ansible."""
    return f"{name}.{INVALID_CHARACTERS.sub('.', nas).strip('.')}"


def is_included(pixel: Pixel, statuses: t.Sequence[str], patterns: t.Sequence[str]) -> bool:
    """Return whether a pixel has one of the statuses, and a name that matches one of the patterns; empty means any.

    Bases are not included: they are stopped, except while they are built.
    """
    if pixel.get("base"):
        return False
    return (not statuses or pixel["status"] in statuses) and (
        not patterns or any(fnmatch.fnmatchcase(pixel["name"], pattern.removeprefix(PREFIX)) for pattern in patterns)
    )


def without_duplicates(hosts: t.Iterable[Host], warn: Warn) -> list[Host]:
    """Return the hosts with unique names.

    A pixel with the name of a pixel on an earlier NAS gets the name of its NAS. A NAS that is listed twice counts once.
    """
    found: dict[str, Host] = {}
    renamed = []
    for host in hosts:
        first = found.setdefault(host.name, host)
        if first.nas.name == host.nas.name:
            continue
        other = host._replace(name=name_on_nas(host.name, host.nas.name))
        if found.setdefault(other.name, other) is other:
            renamed.append(other.name)
        elif found[other.name].nas.name != other.nas.name:
            warn(f"the pixel {host.name} on {host.nas.name} is skipped: another NAS has a pixel named {other.name}")
    if renamed:
        warn(
            f"several NAS have pixels of the same name, so these have the name of their NAS: {', '.join(renamed)}. Set "
            "hostname: name.nas to name all pixels like this"
        )
    return list(found.values())


def without_group_names(hosts: t.Iterable[Host], groups: t.Container[str], style: str, warn: Warn) -> list[Host]:
    """Return the hosts, none of which has the name of a group: those that would have their full names."""
    found: dict[str, Host] = {}
    for host in hosts:
        full, bare = host.variables["pixels_full_name"], host.variables["pixels_name"]
        name = next((name for name in (host.name, full) if name not in groups and name not in found), None)
        if name is None:
            warn(f"the pixel {bare} on {host.nas.name} is skipped: a group has its name")
            continue
        if name == full and style != "full_name":
            warn(f"the pixel {bare} on {host.nas.name} is the host {name}: Ansible uses its name for something else")
        found[name] = host._replace(name=name)
    return list(found.values())


def warn_of_shared_groups(hosts: t.Iterable[Host], warn: Warn, safe: t.Callable[..., str]) -> None:
    """Warn of each group that stands for several values; `safe` returns a text of at most `limit` characters."""
    for group, values in shared_groups(membership for host in hosts for membership in host.groups).items():
        shown = safe(", ".join(values), limit=SHOWN_VALUES)
        warn(f"the group {group} has the pixels of several values with similar names: {shown}")
