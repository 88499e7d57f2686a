# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the configuration file says: TOML, every key known and of the right type, each with the line it is in."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.environment import NAME, NO_NAME

Value = t.Any
Table = t.Mapping[str, t.Any]
Read = t.Callable[[Value], Value]

PROFILES = "nas"
HOME_OF_THE_NAS = "truenas"

ANY = "*"
"""In place of a key: a table with one value for each variable that is named there."""

HEADER = r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?"
ASSIGNMENT = r"\s*([\w.\"' -]+?)\s*="


class Line(t.NamedTuple):
    """One value of the file."""

    value: Value
    place: str
    """C(/home/me/.config/pixels/config.toml line 3)."""


class Stamp(t.NamedTuple):
    """Tells a file that was read from what may be at its place later, be it newer, older or a link to another."""

    changed: int
    """Nanoseconds since 1970."""
    inode: int
    size: int


class ConfigFile(t.NamedTuple):
    """A file that was read; one that is not there has no values and no profiles."""

    path: str
    text: str | None
    tables: Table
    stamp: Stamp | None = None

    @property
    def exists(self) -> bool:
        return self.text is not None

    @property
    def profiles(self) -> list[str]:
        return sorted(self.tables.get(PROFILES, {}))

    def values(self, keys: t.Mapping[str, Read], profile: str | None = None) -> dict[str, Line]:
        """The values that are set, by C(table.key); of C(profile), or of the file's own tables.

        C(keys) has all there are, each with what reads its value and raises ValueError for a wrong type. Raises
        C(Invalid) for a key that does not exist, and for a profile that does not.
        """
        self._refuse_unknown(keys)
        if profile is None:
            return self._read(keys, self.tables, "")
        if profile not in self.profiles:
            others = f"it has {', '.join(self.profiles)}" if self.profiles else "it has none"
            raise Invalid(f"there is no profile [{PROFILES}.{profile}] in {self.path}: {others}")
        own: Table = self.tables[PROFILES][profile]
        shared = {name: table for name, table in self.tables.items() if name not in (PROFILES, HOME_OF_THE_NAS)}
        found = self._read(keys, shared, "")
        inside = {name: value for name, value in own.items() if isinstance(value, dict)}
        nas = {HOME_OF_THE_NAS: {name: value for name, value in own.items() if name not in inside}}
        found.update(self._read(keys, {**nas, **inside}, f"{PROFILES}.{profile}"))
        return found

    def _read(self, keys: t.Mapping[str, Read], tables: Table, within: str) -> dict[str, Line]:
        found: dict[str, Line] = {}
        for key, read in keys.items():
            table, _dot, name = key.partition(".")
            if name == ANY:
                found.update(self._read_all(read, tables, table, within))
                continue
            value = tables.get(table, {}).get(name)
            if value is None or value in ("", []):
                continue
            path = ".".join(filter(None, [within, "" if within and table == HOME_OF_THE_NAS else table]))
            place = self._place(path, name)
            try:
                found[key] = Line(read(value), place)
            except ValueError as error:
                # What was written is not shown: it could be a secret in the wrong place.
                raise Invalid(f"{place}: {path}.{name} {error}", fields=((f"{path}.{name}", str(error)),)) from None
        return found

    def _read_all(self, read: Read, tables: Table, table: str, within: str) -> dict[str, Line]:
        """The values of a table whose keys are not ours."""
        found: dict[str, Line] = {}
        path = ".".join(filter(None, [within, table]))
        for name, value in tables.get(table, {}).items():
            place = self._place(path, name)
            try:
                if not NAME.fullmatch(name):
                    raise ValueError(NO_NAME)
                found[f"{table}.{name}"] = Line(read(value), place)
            except ValueError as error:
                raise Invalid(f'{place}: {path} "{name}": {error}', fields=((f"{path}.{name}", str(error)),)) from None
        return found

    def _refuse_unknown(self, keys: t.Mapping[str, Read]) -> None:
        tables = {key.partition(".")[0] for key in keys}
        for name, table in self.tables.items():
            if name not in tables | {PROFILES}:
                raise self._unknown("", name, {*tables, PROFILES})
            if not isinstance(table, dict):
                raise Invalid(f"{self._place('', name)}: {name} is a table: write [{name}]")
        for table in tables:
            self._refuse_unknown_in(keys, self.tables.get(table, {}), table, table)
        for profile, own in self.tables.get(PROFILES, {}).items():
            where = f"{PROFILES}.{profile}"
            if not isinstance(own, dict):
                raise Invalid(f"{self._place(PROFILES, profile)}: {where} is a table: write [{where}]")
            inside = {name: value for name, value in own.items() if isinstance(value, dict) and name in tables}
            plain = {name: value for name, value in own.items() if name not in inside}
            self._refuse_unknown_in(keys, plain, HOME_OF_THE_NAS, where)
            for name, value in inside.items():
                self._refuse_unknown_in(keys, value, name, f"{where}.{name}")

    def _refuse_unknown_in(self, keys: t.Mapping[str, Read], table: Table, kind: str, where: str) -> None:
        known = {key.partition(".")[2] for key in keys if key.startswith(f"{kind}.")}
        for name in table:
            if name not in known and ANY not in known:
                raise self._unknown(where, name, known)

    def _unknown(self, table: str, name: str, known: t.Iterable[str]) -> Invalid:
        import difflib

        known = sorted(known)
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
        full = f"{table}.{name}" if table else name
        return Invalid(f"{self._place(table, name)}: unknown key {full}: {hint}", fields=((full, "unknown"),))

    def _place(self, table: str, name: str) -> str:
        """The file, and the line where that can be told."""
        line = line_of(self.text or "", table, name)
        return f"{self.path} line {line}" if line else self.path


def default_path(environ: t.Mapping[str, str]) -> str:
    """C($XDG_CONFIG_HOME/pixels/config.toml), or the same under C(~/.config)."""
    base = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".config")
    return os.path.join(base, "pixels", "config.toml")


def load(path: str, *, must_exist: bool = False) -> ConfigFile:
    """Read a file. Raises C(Invalid) when it cannot be read, is no TOML, or is not there and C(must_exist)."""
    path = os.path.expanduser(path)
    try:
        with open(path, encoding="utf-8") as file:
            found = os.fstat(file.fileno())
            text = file.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        if must_exist:
            raise Invalid(f"the configuration file {path} cannot be read: {error.strerror}") from error
        return ConfigFile(path, None, {})
    except OSError as error:
        raise Invalid(f"the configuration file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise Invalid(f"the configuration file {path} is not text in UTF-8") from None
    # Takes longer to load than the rest of this file together, and most have no file.
    import tomllib

    try:
        return ConfigFile(path, text, tomllib.loads(text), Stamp(found.st_mtime_ns, found.st_ino, found.st_size))
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"the configuration file {path} cannot be read: {error}") from None


def line_of(text: str, table: str, name: str) -> int | None:
    """Where a key is set, counted from 1; None where it is not written in a line of its own."""
    wanted = f"{table}.{name}" if table else name
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.fullmatch(HEADER, line)
        if header:
            current = plain(header[1])
            if current == wanted or current.startswith(f"{wanted}."):
                return number
            continue
        assignment = re.match(ASSIGNMENT, line)
        if assignment and ".".join(filter(None, [current, plain(assignment[1])])) == wanted:
            return number
    return None


def plain(name: str) -> str:
    """A dotted name without quotes and blanks: C(nas."home") is C(nas.home)."""
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
