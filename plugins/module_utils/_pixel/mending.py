# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finishing what a restore that was broken off left half done: nothing of a pixel is lost by it."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import OutcomeUnknown, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names, whereabouts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.trying import trying
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import datasets

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container


def mend(pixels: Pixels, container: Container) -> bool:
    """Bring home what was set aside, or let the clone at home take over; whether there was something to mend."""
    found = whereabouts.halfway(pixels, container)
    if found is None:
        return False
    with trying(f"finishing what a restore of {names.bare_name(container.name)} on {pixels.nas} left half done"):
        if found.missing:
            datasets.rename(pixels.wire, found.root, found.home)
        else:
            take_over(pixels, found.home)
    return True


def take_over(pixels: Pixels, home: str) -> None:
    """Give a clone the checkpoints it descends from, one dataset after the other: what was set aside, and no further.

    Looked at before each step, for promoted once too often it would take a snapshot from its image.
    """
    before, doubt = "", None
    while (there := datasets.find(pixels.wire, home)) and whereabouts.is_aside(home, there.origin):
        if there.origin == before:
            raise doubt or Refused(f"{home} did not take over {before}")
        before = there.origin
        try:
            datasets.promote(pixels.wire, home)
        except OutcomeUnknown as error:
            doubt = error
