# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that `pixels list` prints, from rows of the NAS or from pixels."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import replies, summary_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

    Row = tuple[str, str, t.Optional[str], t.Optional[str]]
    """Name, status, address and time of expiry."""

PREFIX = "px-"
HEADER = ("NAME", "STATUS", "IP")
EXPIRES = "EXPIRES IN"


def summarize(result: list[dict[str, t.Any]]) -> list[Row] | None:
    """Return the pixels in the result of `summary_row.query` by their full names; None if a backend has to read them.

    Raises `ValueError` or another error of a result that has another form.
    """
    replies.check(*summary_row.query(PREFIX), result)
    if not all(summary_row.is_plain(row, PREFIX) for row in result):
        return None
    # An empty list can also mean that containers are not set up on the NAS, which list_verb.py reports.
    return sorted((summary_row.summarize(row) for row in result), key=lambda each: each[0]) or None


def table(rows: t.Sequence[Row]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the header and the cells of a list of pixels. The time that is left is shown if any of them expires."""
    shown: list[tuple[str, ...]]
    shown = [(name.removeprefix(PREFIX), status.upper(), address or "—") for name, status, address, _expires in rows]
    if not any(expires for _name, _status, _address, expires in rows):
        return HEADER, shown
    # Not imported above: most lists have no use for it.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import lifetime

    left = [lifetime.describe_stored(expires) for _name, _status, _address, expires in rows]
    return (*HEADER, EXPIRES), [(*cells, end or "—") for cells, end in zip(shown, left, strict=True)]
