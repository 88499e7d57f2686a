# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb list without options over an open session, with few imports: the session daemon in the note is queried."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._cli import light_client, list_table, nas_note
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import summary_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

RESPONSE_TIMEOUT_S = 2.0
"""The daemon sends a keepalive every 0.5 s while it waits for the NAS."""


class NoDaemon(Exception):
    """No session is open."""


def listing(note: nas_note.Note) -> list[list_table.Row] | None:
    """Return the pixels by their full names, or None if another route has to list them.

    Raises `TimedOut`, and `NoDaemon` if no session is open.
    """
    if not note["daemon"]:
        raise NoDaemon
    try:
        return list_table.summarize(query(note))
    except (FileNotFoundError, ConnectionRefusedError):
        raise NoDaemon from None
    except (*nas_note.UNUSABLE, light_client.UnexpectedAnswer):
        return None


def query(note: nas_note.Note) -> list[dict[str, t.Any]]:
    """Return the rows of the NAS. Raises `TimedOut`, `UnexpectedAnswer`, and any error of a malformed answer."""
    method, params = summary_row.query(list_table.PREFIX)
    with light_client.Daemon(note["daemon"]["socket"]) as daemon:
        daemon.authenticate(note)
        daemon.set_timeout(RESPONSE_TIMEOUT_S)
        timeout = note["call_timeout"]
        daemon.send({"do": "read", "method": method, "params": params, "timeout": timeout, "progress": False})
        while "result" not in (answer := daemon.receive()):
            if "error" in answer:
                reject(answer["error"])
        rows: list[dict[str, t.Any]] = answer["result"]
        return rows


def reject(error: dict[str, t.Any]) -> t.NoReturn:
    """Raise a `TimedOut`, since another route would wait as long again, and `UnexpectedAnswer` for other errors."""
    if error["class"] != "TimedOut":
        raise light_client.UnexpectedAnswer
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol

    raise protocol.error_from_frame(error)
