# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the configuration file: TOML whose keys and types are validated, with the line of each value."""

from __future__ import annotations

import errno
import os
import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.env_table import NAME, NO_NAME
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import ALLOWED

Value = t.Any
Table = t.Mapping[str, t.Any]
Read = t.Callable[[Value], Value]

PROFILES = "nas"
NAS_TABLE = "truenas"
"""Table whose keys a profile has without a table of its own."""

ANY = "*"
"""Stands for any key, in a table whose keys are names that the user chooses."""

NAMES = {"bases": (ALLOWED, "is not the name of a base: use letters, digits and dashes")}
"""The rule for keys of such a table, and the problem of others. Without an entry, they are names of variables."""

HEADER = r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?"
ASSIGNMENT = r"\s*([\w.\"' -]+?)\s*="


class Line(t.NamedTuple):
    """One value of the file."""

    value: Value
    location: str
    """Such as `/home/me/.config/pixels/config.toml line 3`."""


class Stamp(t.NamedTuple):
    """Identifies the version of a file that was read."""

    changed: int
    """Modification time in nanoseconds since 1970."""
    inode: int
    size: int


class ConfigFile(t.NamedTuple):
    """A file that was read. A file that does not exist has no values and no profiles."""

    path: str
    text: str | None
    tables: Table
    stamp: Stamp | None = None

    @property
    def exists(self) -> bool:
        """Whether the file exists."""
        return self.text is not None

    @property
    def profiles(self) -> list[str]:
        """Names of all profiles, sorted."""
        return sorted(self.tables.get(PROFILES, {}))

    def values(self, keys: t.Mapping[str, Read], profile: str | None = None) -> dict[str, Line]:
        """Return the values that `profile`, or the file without profiles, sets, by `table.key`.

        `keys` maps each valid key to a reader, which raises ValueError for an invalid value. Raises `Invalid` for an
        unknown key, an invalid value and an unknown profile.
        """
        self._reject_unknown(keys)
        if profile is None:
            return self._read(keys, self.tables, "")
        if profile not in self.profiles:
            others = f"{self.path} has {', '.join(self.profiles) or 'no profiles'}"
            raise Invalid(f"unknown profile [{PROFILES}.{profile}]: {others}")
        own: Table = self.tables[PROFILES][profile]
        shared = {name: table for name, table in self.tables.items() if name not in (PROFILES, NAS_TABLE)}
        found = self._read(keys, shared, "")
        inside = {name: value for name, value in own.items() if isinstance(value, dict)}
        nas = {NAS_TABLE: {name: value for name, value in own.items() if name not in inside}}
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
            path = ".".join(filter(None, [within, "" if within and table == NAS_TABLE else table]))
            location = self._location(path, name)
            try:
                found[key] = Line(read(value), location)
            except ValueError as error:
                # Without the value, which may be a misplaced secret.
                raise Invalid(f"{location}: {path}.{name} {error}", fields=((f"{path}.{name}", str(error)),)) from None
        return found

    def _read_all(self, read: Read, tables: Table, table: str, within: str) -> dict[str, Line]:
        """Return the values of a table whose keys the user chooses."""
        found: dict[str, Line] = {}
        path = ".".join(filter(None, [within, table]))
        for name, value in tables.get(table, {}).items():
            location = self._location(path, name)
            try:
                rule, problem = NAMES.get(table, (NAME, NO_NAME))
                if not rule.fullmatch(name):
                    raise ValueError(problem)
                found[f"{table}.{name}"] = Line(read(value), location)
            except ValueError as error:
                raise Invalid.in_field(f"{path}.{name}", f'{location}: {path} "{name}"', str(error)) from None
        return found

    def _reject_unknown(self, keys: t.Mapping[str, Read]) -> None:
        tables = {key.partition(".")[0] for key in keys}
        for name, table in self.tables.items():
            if name not in tables | {PROFILES}:
                raise self._unknown("", name, {*tables, PROFILES})
            if not isinstance(table, dict):
                raise Invalid(f"{self._location('', name)}: {name} must be a table: write [{name}]")
        for table in tables:
            self._reject_unknown_in(keys, self.tables.get(table, {}), table, table)
        for profile, own in self.tables.get(PROFILES, {}).items():
            where = f"{PROFILES}.{profile}"
            if not isinstance(own, dict):
                raise Invalid(f"{self._location(PROFILES, profile)}: {where} must be a table: write [{where}]")
            inside = {name: value for name, value in own.items() if isinstance(value, dict) and name in tables}
            plain = {name: value for name, value in own.items() if name not in inside}
            self._reject_unknown_in(keys, plain, NAS_TABLE, where)
            for name, value in inside.items():
                self._reject_unknown_in(keys, value, name, f"{where}.{name}")

    def _reject_unknown_in(self, keys: t.Mapping[str, Read], table: Table, kind: str, where: str) -> None:
        known = {key.partition(".")[2] for key in keys if key.startswith(f"{kind}.")}
        for name in table:
            if name not in known and ANY not in known:
                raise self._unknown(where, name, known)

    def _unknown(self, table: str, name: str, known: t.Iterable[str]) -> Invalid:
        import difflib

        known = sorted(known)
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(known)}"
        full = f"{table}.{name}" if table else name
        return Invalid(f"{self._location(table, name)}: unknown key {full}: {hint}", fields=((full, "unknown"),))

    def _location(self, table: str, name: str) -> str:
        """Return the path of the file, with the line if it is found."""
        line = line_of(self.text or "", table, name)
        return f"{self.path} line {line}" if line else self.path


def default_path(environ: t.Mapping[str, str]) -> str:
    """Return `$XDG_CONFIG_HOME/pixels/config.toml`, or the same under `~/.config`."""
    base = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".config")
    return os.path.join(base, "pixels", "config.toml")


def load(path: str, *, must_exist: bool = False) -> ConfigFile:
    """Read a file. Raises `Invalid` if it cannot be read, is not TOML, or does not exist and `must_exist`."""
    path = os.path.expanduser(path)
    try:
        if path.startswith("~"):
            # For a user without a home, the path is relative to the working directory, which others may write to.
            raise FileNotFoundError(errno.ENOENT, "this user has no home directory: set HOME")
        # Without a byte order mark, which editors on Windows write.
        with open(path, encoding="utf-8-sig") as file:
            found = os.fstat(file.fileno())
            text = file.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        if must_exist:
            raise Invalid(f"cannot read the configuration file {path}: {error.strerror}") from error
        return ConfigFile(path, None, {})
    except OSError as error:
        raise Invalid(f"cannot read the configuration file {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise Invalid(f"cannot read the configuration file {path}: it is not UTF-8 text") from None
    # Imported here, because the import is slow and most users have no file.
    import tomllib

    try:
        return ConfigFile(path, text, tomllib.loads(text), Stamp(found.st_mtime_ns, found.st_ino, found.st_size))
    except RecursionError:
        raise Invalid(f"cannot read the configuration file {path}: its values are nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, or a number with more digits than Python converts.
        raise Invalid(f"cannot read the configuration file {path}: {error}") from None


def line_of(text: str, table: str, name: str) -> int | None:
    """Return the number of the line that sets a key, from 1; None if no line starts with it."""
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
    """Return a dotted name without quotes and blanks: `nas.home` for `nas."home"`."""
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
