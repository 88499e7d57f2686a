# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pixel that stands still for a moment, and is afterwards as it was."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names, readiness
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import Patience, naming_the_way_out
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.trying import trying

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

LEAST = 60.0
"""Seconds there are to bring it back, even when the time for the task is used up."""


def stop(pixels: Pixels, container: Container, *, patience: Patience, deadline: Deadline) -> None:
    if container.status == "stopped":
        return
    with naming_the_way_out(patience):
        pixels.containers.stop(
            container.name, graceful=patience.stop_timeout, force=patience.force, timeout=deadline.left
        )


def bring_back(pixels: Pixels, container: Container, error: PixelsError, *, deadline: Deadline) -> bool:
    """After a failure: start what ran before, tell in the error how it is, and return whether it is as it was."""
    bare = names.bare_name(container.name)
    try:
        if container.running:
            # No error for one that never stopped.
            pixels.containers.start(container.name, timeout=max(deadline.left, LEAST))
        now = pixels.containers.find(container.name)
    except PixelsError as another:
        error.args = (f"{error}. Then {bare} could not be started again: {another}", *error.args[1:])
        return False
    status = now.status if now else "gone"
    error.args = (f"{error}. {bare} is {status}, as it was before", *error.args[1:])
    return True


@contextmanager
def stopped(
    pixels: Pixels, container: Container, *, patience: Patience, deadline: Deadline, really: bool
) -> t.Iterator[None]:
    """Stop a running pixel for as long as the block runs, then wait until it has come back as far as asked."""
    if not (really and container.running):
        yield
        return
    with trying(f"stopping {names.bare_name(container.name)} on {pixels.nas} for a moment"):
        try:
            stop(pixels, container, patience=patience, deadline=deadline)
            yield
        except PixelsError as error:
            bring_back(pixels, container, error, deadline=deadline)
            raise
        pixels.containers.start(container.name, timeout=max(deadline.left, LEAST))
    readiness.wait_for(pixels, container.name, patience.wait, deadline=deadline, ssh_port=patience.ssh_port)
