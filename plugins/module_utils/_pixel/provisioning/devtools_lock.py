# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of devtools: which version of each tool is installed, from where, and with which checksum.

`roles/devtools/files/update_lock.py` updates a lock. A user can have a lock of their own, with other tools.
"""

from __future__ import annotations

import hashlib
import json
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid

FORMAT = 1
PATH = Path(__file__).parents[4] / "roles/devtools/files/lock.json"
"""The lock of this collection."""
SIZE_LIMIT = 4 * 1024 * 1024

DEFAULT = (
    *("build-tools", "claude-code", "codex", "fd", "gemini-cli", "gh", "git", "mise", "node", "opencode", "python"),
    "ripgrep",
)
"""The tools that are installed if no list is set."""

FAMILIES = ("apt", "apk", "dnf", "pacman")
CONDITIONS = ("any", "glibc", "musl", *FAMILIES)
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
CHECKSUM = re.compile(r"[0-9a-f]{64}|[0-9a-f]{128}")
URL = re.compile(r"(?:https?|file)://[!-{}~]+")
INSIDE = re.compile(r"(?!.*(?:^|/)\.\.(?:/|$))[A-Za-z0-9@_.][A-Za-z0-9@_./+-]*")
"""A path below the directory of a tool."""
TARGET = re.compile(rf"(?:/usr/bin/)?{INSIDE.pattern}")
COMMAND = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
LINE = re.compile(r"[ -{}~]*")
"""Text without the character that separates the fields of a plan."""

Entry = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Tool:
    """A tool of a lock."""

    name: str
    version: str
    requires: tuple[str, ...]
    lines: tuple[str, ...]
    """What to do, in the format of the plan that the program in the pixel reads."""

    @property
    def digest(self) -> str:
        """Identifies what is installed."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()


def load(path: str | None = None) -> dict[str, Tool]:
    """Return the tools of a lock by name: of the file at `path`, or of this collection. Raises `Invalid`."""
    file = Path(path).expanduser() if path else PATH
    try:
        with file.open("rb") as opened:
            content = json.loads(opened.read(SIZE_LIMIT))
        if content["format"] != FORMAT:
            problem = f"has the format {content['format']!r}, and this version reads {FORMAT}"
        else:
            return {name: parse(name, entry) for name, entry in content["tools"].items()}
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        problem = f"is not a lock of devtools ({error.__class__.__name__}: {error})"
    raise Invalid.in_field("devtools_lock", f"cannot install devtools: {file} {problem}", "update or remove the lock")


def parse(name: str, entry: Entry) -> Tool:
    """Return a tool. Raises `ValueError` for an entry that could do something else in a pixel than install it."""
    lines = []
    for family, packages in entry.get("packages", {}).items():
        words = [matching(PACKAGE, each) for each in packages]
        lines.append(f"packages|{one_of(FAMILIES, family)}|{' '.join(words)}||")
    for file in entry.get("files", ()):
        when, checksum = one_of(CONDITIONS, file.get("when", "any")), matching(CHECKSUM, file["checksum"])
        lines.append(f"file|{when}|{checksum}|{matching(URL, file['url'])}|{matching(INSIDE, file.get('path', '.'))}")
    for text in entry.get("texts", ()):
        when, path = one_of(CONDITIONS, text.get("when", "any")), matching(INSIDE, text["path"])
        lines.append(f"text|{when}|{path}|{matching(LINE, text['line'])}|")
    for link in entry.get("links", ()):
        when, command = one_of(CONDITIONS, link.get("when", "any")), matching(COMMAND, link["name"])
        target = link["target"].replace("{version}", entry["version"])
        lines.append(f"link|{when}|{command}|{matching(TARGET, target)}|")
    requires = tuple(matching(NAME, each) for each in entry.get("requires", ()))
    return Tool(matching(NAME, name), matching(LINE, entry["version"]), requires, tuple(lines))


def matching(pattern: re.Pattern[str], value: str) -> str:
    """Return a value that matches. Raises `ValueError` for another one."""
    if not pattern.fullmatch(value):
        raise ValueError(f"invalid value {value!r}")
    return value


def one_of(values: t.Sequence[str], value: str) -> str:
    """Return a value that is one of these. Raises `ValueError` for another one."""
    if value not in values:
        raise ValueError(f"{value!r} is not one of {', '.join(values)}")
    return value


def select(lock: t.Mapping[str, Tool], names: t.Iterable[str]) -> list[Tool]:
    """Return the tools of these names after those that they require. Raises `Invalid` for a name that is not locked."""
    selected: dict[str, Tool] = {}

    def add(name: str, path: tuple[str, ...] = ()) -> None:
        tool = lock.get(name)
        if tool is None:
            problem = f"there is no tool {name!r}. Use {', '.join(sorted(lock))}"
            raise Invalid.in_field("devtools", "cannot install devtools", problem)
        if name in selected or name in path:
            return
        for required in tool.requires:
            add(required, (*path, name))
        selected[name] = tool

    for name in names:
        for each in DEFAULT if name == "default" else (name,):
            add(each)
    return list(selected.values())


def plan(tools: t.Iterable[Tool]) -> str:
    """Return the plan that the program in the pixel reads."""
    return "".join("\n".join((f"tool|{tool.name}|{tool.digest}|||", *tool.lines, "")) for tool in tools)
