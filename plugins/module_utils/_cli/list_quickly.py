# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb list without options, with few imports: over an open session, or else over a short connection to the NAS.

It requires the note of an earlier listing (nas_note.py). If any condition fails, list_verb.py lists the pixels.
"""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._cli import nas_note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_table

UNDECIDED = -1


def run() -> int | None:
    """Run `pixels list`. Return the exit status, or None if another route has to do it."""
    note = nas_note.read()
    if note is None or not note.get("lists"):
        return None
    # Imported here: a first listing has no use for them.
    from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_table
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import FAILED, Output

    output = Output()

    def show() -> int:
        try:
            rows, lock = listing(note)
        except Exception as error:
            # Not imported above: a listing that succeeds has no use for it.
            from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import TimedOut

            if not isinstance(error, TimedOut):
                raise
            output.fail(error)
            return FAILED
        if not rows:
            return UNDECIDED
        output.table(*list_table.table(rows))
        if lock is not None:
            from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_from_nas

            list_from_nas.start_daemon(lock)
        return 0

    status = output.run(show)
    return None if status == UNDECIDED else status


def listing(note: nas_note.Note) -> tuple[list[list_table.Row] | None, int | None]:
    """Return the pixels, None if another route has to list them, and the lock to start the session daemon with."""
    from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_via_daemon

    try:
        return list_via_daemon.listing(note), None
    except list_via_daemon.NoDaemon:
        from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_from_nas

        return list_from_nas.listing(note)
