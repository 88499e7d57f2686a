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

AT_ONCE = 5.0
"""The same after an interrupt, which nobody wants to wait for; the NAS goes on by itself."""


def stop(pixels: Pixels, container: Container, *, patience: Patience, deadline: Deadline) -> None:
    if container.status == "stopped":
        return
    with naming_the_way_out(patience):
        pixels.containers.stop(
            container.name, graceful=patience.stop_timeout, force=patience.force, timeout=deadline.left
        )


def bring_back(pixels: Pixels, container: Container, error: BaseException, *, deadline: Deadline) -> bool:
    """After a failure: start what ran before, tell in the error how it is, and return whether it is as it was."""
    interrupted = not isinstance(error, PixelsError)
    bare = names.bare_name(container.name)
    try:
        if container.running:
            # No error for one that never stopped.
            pixels.containers.start(container.name, timeout=AT_ONCE if interrupted else max(deadline.left, LEAST))
        now = pixels.containers.find(container.name)
    except PixelsError as another:
        way_on = "Whatever it is then, start it with state started, or with started: true at the next restore"
        tell(error, f"{error}. Then {bare} could not be started again: {another}. It ran before. {way_on}")
        return False
    tell(error, f"{error}. {bare} is {now.status if now else 'gone'}, as it was before")
    return True


def tell(error: BaseException, told: str) -> None:
    """An interrupt has nothing to say, and goes on as it came."""
    if isinstance(error, PixelsError):
        error.args = (told, *error.args[1:])


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
        except BaseException as error:
            bring_back(pixels, container, error, deadline=deadline)
            raise
        pixels.containers.start(container.name, timeout=max(deadline.left, LEAST))
    readiness.wait_for(pixels, container.name, patience.wait, deadline=deadline, ssh_port=patience.ssh_port)
