# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb list without options over a regular session, without a command line parser and without the backends."""

from __future__ import annotations

import types
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_via_daemon
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import FAILED
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import quick_list

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output


def show(output: Output) -> int | None:
    """List all pixels. Return the exit status, or None if list_verb.py has to do it."""
    context = CliContext(types.SimpleNamespace(), output)
    try:
        found = quick_list.list_containers(context.session, list_via_daemon.PREFIX)
    except PixelsError as error:
        output.fail(error)
        return FAILED
    if found is None:
        return None
    list_via_daemon.write_note(context)
    if found:
        output.table(*list_via_daemon.table(found))
    else:
        output.say("No pixels found.")
    return 0
