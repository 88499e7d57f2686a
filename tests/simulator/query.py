# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Select, sort and shape rows as a query of the middleware does.

Follows middleware utils/filter_list.py: filters are `[field, op, value]` or `["OR", [...]]`, fields are dotted paths.
"""

from __future__ import annotations

import functools
import operator
import re
import typing as t

from tests.simulator.errors import GenericError, MatchNotFound

Row = dict[str, t.Any]
Filters = t.Sequence[t.Any]

MISSING = object()
MAX_DEPTH = 3

OPERATORS: dict[str, t.Callable[[t.Any, t.Any], t.Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "~": lambda found, wanted: re.match(wanted, found),
    "in": lambda found, wanted: found in wanted,
    "nin": lambda found, wanted: found not in wanted,
    "rin": lambda found, wanted: found is not None and wanted in found,
    "rnin": lambda found, wanted: found is not None and wanted not in found,
    "^": lambda found, wanted: found is not None and found.startswith(wanted),
    "!^": lambda found, wanted: found is not None and not found.startswith(wanted),
    "$": lambda found, wanted: found is not None and found.endswith(wanted),
    "!$": lambda found, wanted: found is not None and not found.endswith(wanted),
}


def apply(rows: t.Iterable[Row], filters: Filters = (), options: t.Mapping[str, t.Any] | None = None) -> t.Any:
    """The rows that match, or one row (`get`), or their number (`count`).

    Raises MatchNotFound for `get` without a match, GenericError for what is a Python error in the middleware.
    """
    options = options or {}
    try:
        check(filters)
        found = [row for row in rows if all(matches(row, condition) for condition in filters)]
        if options.get("select"):
            found = [selected(row, options["select"]) for row in found]
        if options.get("count"):
            return len(found)
        found = ordered(found, options.get("order_by") or [])
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        raise GenericError(str(error), type(error).__name__) from error
    if options.get("get"):
        if not found:
            raise MatchNotFound
        return found[0]
    found = found[options.get("offset") or 0 :]
    return found[: options["limit"]] if options.get("limit") else found


def check(filters: Filters, depth: int = 0) -> None:
    """Raise ValueError, with the middleware's text, for filters that are not filters."""
    if depth > MAX_DEPTH:
        raise ValueError("query-filters max recursion depth exceeded")
    for condition in filters:
        if len(condition) == 2:
            check_alternatives(condition[0], condition[1], depth)
        elif len(condition) != 3:
            raise ValueError(f"Invalid filter {condition}")
        elif str(condition[1]).removeprefix("C") not in OPERATORS:
            raise ValueError(f"Invalid operation: {condition[1]}")


def check_alternatives(keyword: t.Any, branches: t.Any, depth: int) -> None:
    if keyword != "OR":
        raise ValueError(f"Invalid operation: {keyword}")
    if not branches:
        raise ValueError("OR filter requires at least one branch.")
    for branch in branches:
        check(branch if is_conjunction(branch) else [branch], depth + 1)


def is_conjunction(branch: t.Any) -> bool:
    """Inside OR a list of conditions must hold together."""
    return bool(branch) and isinstance(branch[0], (list, tuple))


def matches(row: t.Any, condition: t.Any) -> bool:
    if len(condition) == 2:
        return any(
            all(matches(row, part) for part in branch) if is_conjunction(branch) else matches(row, branch)
            for branch in condition[1]
        )
    field, op, wanted = condition
    return compare(row, path_of(field), str(op), wanted)


def compare(found: t.Any, path: tuple[str, ...], op: str, wanted: t.Any) -> bool:
    """Follow the path; `*` is any element of a list, a key that is not there never matches."""
    for position, key in enumerate(path):
        if isinstance(found, dict):
            found = found.get(key, MISSING)
        elif isinstance(found, (list, tuple)):
            if key == "*":
                return any(compare(element, path[position + 1 :], op, wanted) for element in found)
            found = element_of(found, key)
        if found is MISSING:
            return False
    if op.startswith("C"):
        return bool(OPERATORS[op[1:]](casefold(found), casefold(wanted)))
    return bool(OPERATORS[op](found, wanted))


def element_of(found: t.Sequence[t.Any], key: str) -> t.Any:
    if not key.isdigit():
        raise ValueError(f"{key}: must be array index or wildcard character")
    return found[int(key)] if int(key) < len(found) else None


@functools.lru_cache
def path_of(field: str) -> tuple[str, ...]:
    """`a.b` is two steps, `a\\.b` is one; a query asks for the same in every row."""
    return tuple(part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", field))


def casefold(value: t.Any) -> t.Any:
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, (list, tuple)):
        return [element.casefold() for element in value]
    return value


def value_at(row: t.Any, path: tuple[str, ...]) -> t.Any:
    for key in path:
        if not isinstance(row, dict) or key not in row:
            return MISSING
        row = row[key]
    return row


def selected(row: Row, fields: t.Sequence[t.Any]) -> Row:
    """Select fields; `[path, name]` renames, a nested path keeps its nesting, missing fields are omitted."""
    result: Row = {}
    for field in fields:
        path = path_of(field[0] if isinstance(field, (list, tuple)) else field)
        value = value_at(row, path)
        if value is MISSING:
            continue
        if isinstance(field, (list, tuple)):
            result[field[1]] = value
            continue
        place = result
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = value
    return result


def ordered(rows: list[Row], order_by: t.Sequence[str]) -> list[Row]:
    for order in order_by:
        nulls, _separator, rest = order.rpartition(":")
        field = rest.removeprefix("-")
        path, reverse = path_of(field), rest.startswith("-")

        def key(row: Row, path: tuple[str, ...] = path) -> t.Any:
            found = value_at(row, path)
            return None if found is MISSING else found

        if nulls in ("nulls_first", "nulls_last"):
            empty = [row for row in rows if key(row) is None]
            full = sorted((row for row in rows if key(row) is not None), key=key, reverse=reverse)
            rows = empty + full if nulls == "nulls_first" else full + empty
        else:
            rows = sorted(rows, key=key, reverse=reverse)
    return rows
