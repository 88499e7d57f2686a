# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that a reply has the shape that the code relies on, and report the path where it does not.

A shape is a function of a value and its path that returns nothing or raises `Mismatch`. It checks only what is used,
so that a release can add fields.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Shape = Callable[[object, str], None]

LARGEST = 2**64
"""The limit of valid numbers: bytes, transaction groups, IDs."""

LAST_SECOND = 253_402_300_799
"""9999-12-31T23:59:59Z, the last moment that a datetime can hold."""

NAMES = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a fraction",
    type(None): "null",
}


class Mismatch(ValueError):
    """A value has the wrong type. The message has its type, never its content, which may be secret."""

    def __init__(self, path: str, expected: str | None, found: str) -> None:
        super().__init__(f"{path or 'the result'} is {found}{f', not {expected}' if expected else ''}")


def kind(value: object) -> str:
    """Return the type of a value for an error message."""
    return NAMES.get(type(value), type(value).__name__)


def anything(value: object, path: str) -> None:
    """Accept any value."""


def text(value: object, path: str) -> None:
    """Accept a string."""
    if not isinstance(value, str):
        raise Mismatch(path, "text", kind(value))


def flag(value: object, path: str) -> None:
    """Accept a boolean."""
    if not isinstance(value, bool):
        raise Mismatch(path, "true or false", kind(value))


def whole(value: object, path: str) -> None:
    """Accept an integer of at most 64 bits."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise Mismatch(path, "a whole number", kind(value))
    if abs(value) > LARGEST:
        raise Mismatch(path, "a whole number of at most 64 bits", "a larger number")


def digits(value: object, path: str) -> None:
    """Accept an integer of at most 64 bits, also as a string of decimal digits, as ZFS properties are."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit()) or len(value) > len(str(LARGEST)):
            raise Mismatch(path, "a whole number", "other text")
        value = int(value)
    whole(value, path)


def moment(value: object, path: str) -> None:
    """Accept seconds since 1970, as `digits` does."""
    digits(value, path)
    if not 0 <= int(str(value)) <= LAST_SECOND:
        raise Mismatch(path, "a time in seconds since 1970", "a number out of range")


def instant(value: object, path: str) -> None:
    """Accept a time, which the middleware sends as `{"$date": milliseconds}`."""
    if type(value).__name__ != "datetime":
        raise Mismatch(path, "a time", kind(value))


def optional(shape: Shape) -> Shape:
    """Return a shape that also accepts null."""

    def check(value: object, path: str) -> None:
        if value is not None:
            shape(value, path)

    return check


def list_of(shape: Shape) -> Shape:
    """Return the shape of a list of such values."""

    def check(value: object, path: str) -> None:
        if not isinstance(value, list):
            raise Mismatch(path, "a list", kind(value))
        for number, each in enumerate(value):
            shape(each, f"{path}[{number}]")

    return check


def texts(value: object, path: str) -> None:
    """Accept a list or a set of strings (extended JSON has sets), or an object, of which the keys are used."""
    if not isinstance(value, (list, set, dict)):
        raise Mismatch(path, "a list", kind(value))
    for each in value:
        text(each, f"{path}[]")


def mapping_of(shape: Shape) -> Shape:
    """Return the shape of an object with any keys and such values."""

    def check(value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise Mismatch(path, "an object", kind(value))
        for name, each in value.items():
            text(name, f"a key of {path}")
            shape(each, below(path, name))

    return check


class Record:
    """The shape of an object with certain fields, some of which may be missing."""

    def __init__(self, fields: Mapping[str, Shape], *, if_present: Mapping[str, Shape] | None = None) -> None:
        self._fields = fields
        self._if_present = if_present or {}

    def __call__(self, value: object, path: str) -> None:
        """Raise `Mismatch` unless the value is an object with these fields."""
        if not isinstance(value, dict):
            raise Mismatch(path, "an object", kind(value))
        for name, shape in self._fields.items():
            if name not in value:
                raise Mismatch(below(path, name), None, "missing")
            shape(value[name], below(path, name))
        for name, shape in self._if_present.items():
            if name in value:
                shape(value[name], below(path, name))

    def only(self, names: object) -> Record:
        """Return the shape of a row of a query that selects these columns only."""
        selected = names if isinstance(names, list) else []
        return Record(
            {name: shape for name, shape in self._fields.items() if name in selected},
            if_present={name: shape for name, shape in self._if_present.items() if name in selected},
        )


def below(path: str, name: str) -> str:
    """Return the path of a field."""
    return f"{path}.{name}" if path else name
