# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs session status and session stop: the sessions that stay open for the next command."""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import status as daemon_status
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import NoRuntimeDir

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output

HEADER = ("NAS", "USER", "PID", "AGE", "CALLS", "ENDS AFTER")


def status(_args: argparse.Namespace, output: Output) -> int:
    """Show open sessions."""
    try:
        found = daemon_status.status()
    except NoRuntimeDir as error:
        found = []
        output.error(f"Sessions cannot be shared on this machine: {error}")
    if output.json:
        output.print_json([asdict(each) for each in found])
    elif found:
        output.table(HEADER, [cells(each) for each in found])
    else:
        output.say("No session is open.")
    if not output.json and not all(each.responding for each in found):
        output.warn("a session does not respond. The next command starts another one. Kill it with pixels session stop")
    return 0


def cells(found: daemon_status.DaemonStatus) -> tuple[str, ...]:
    """Return the row of a session; little is known of a daemon that does not respond."""
    known = (found.nas, found.username, found.pid, f"{found.age:.0f}s", found.calls)
    end = f"{found.idle:.0f}s idle" if found.responding else "not responding"
    return (*("—" if each is None else str(each) for each in known), end)


def stop(_args: argparse.Namespace, output: Output) -> int:
    """Close open sessions."""
    from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_from_nas

    # Otherwise a session that is being opened would stay.
    list_from_nas.wait_for_start()
    try:
        ended = daemon_status.stop()
        left = [each for each in daemon_status.status() if not each.responding]
    except NoRuntimeDir:
        ended, left = [], []
    if output.json:
        output.print_json(ended)
    elif ended:
        output.say(f"Closed {len(ended)} session{'s' if len(ended) > 1 else ''}.")
    elif not left:
        output.say("No session is open.")
    for each in left:
        output.error(f"Error: cannot close a session: it does not respond. Kill its process {each.pid or ''}".rstrip())
    return 1 if left else 0
