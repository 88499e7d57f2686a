# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs session status and session stop: the logins that are held open for the next command."""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import overview
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.rendezvous import NoRendezvous

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output

HEADER = ("NAS", "USER", "PID", "AGE", "CALLS", "ENDS AFTER")


def status(_asked: argparse.Namespace, output: Output) -> int:
    try:
        found = overview.status()
    except NoRendezvous as error:
        found = []
        output.complain(f"No session can be shared here: {error}")
    if output.json:
        output.give([asdict(each) for each in found])
    elif found:
        output.table(
            HEADER,
            [
                (each.nas, each.username, str(each.pid), f"{each.age:.0f}s", str(each.calls), f"{each.idle:.0f}s idle")
                for each in found
            ],
        )
    else:
        output.say("No session is open.")
    return 0


def stop(_asked: argparse.Namespace, output: Output) -> int:
    try:
        ended = overview.stop()
    except NoRendezvous:
        ended = []
    if output.json:
        output.give(ended)
    elif ended:
        output.say(f"Ended {len(ended)} session{'s' if len(ended) > 1 else ''}.")
    else:
        output.say("No session is open.")
    return 0
