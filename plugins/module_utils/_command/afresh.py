# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb list without any option, where no note leads to an open session: with no more loaded than that takes."""

from __future__ import annotations

import types
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._command import quick
from ansible_collections.pixels.truenas.plugins.module_utils._command.output import FAILED
from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import at_once

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output

NOTHING_ASKED = types.SimpleNamespace()


def show(output: Output) -> int | None:
    """The exit status; None where the long way has to be gone."""
    place = Place(NOTHING_ASKED, output)
    try:
        found = at_once.listing(place.session, quick.PREFIX)
    except PixelsError as error:
        output.fail(error)
        return FAILED
    if found is None:
        return None
    quick.note_the_way(place)
    if found:
        output.table(quick.HEADER, [quick.cells(*each) for each in found])
    else:
        output.say("No pixels found.")
    return 0
