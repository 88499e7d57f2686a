# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop a running pixel for an operation, and start it again afterwards.

Before the stop, the metadata on the NAS records that the pixel was running; the entry is removed once it runs again. So
the next run starts the pixel even if this one is interrupted or its controller is killed.
"""

from __future__ import annotations

import contextlib
import typing as t
from contextlib import contextmanager
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    NotFound,
    NotPermitted,
    PixelsError,
    may_still_happen,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import readiness
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions, with_stop_hint

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

CHECKPOINT = "checkpoint"
"""Value of `Metadata.stopped_by` for a running pixel that a checkpoint stopped."""

RESTART_TIMEOUT_S = 60.0
"""Seconds for the restart, at least, even if the timeout of the task has expired."""

INTERRUPT_TIMEOUT_S = 5.0
"""Seconds for the restart after an interrupt. The NAS completes the start even if the controller stops waiting."""


def stop(pixels: Pixels, container: Container, operation: str, *, options: ApplyOptions, deadline: Deadline) -> None:
    """Stop a pixel, and record before which operation (`checkpoint`, `restore`) stops it.

    Completes an earlier stop that was interrupted, even if the pixel is already stopped.
    """
    if container.unfinished:
        pixels.containers.finish(container.name)
    if container.status == "stopped":
        return
    if container.running:
        # Without room for the entry, the operation works, but the next run cannot know that the pixel was running.
        with contextlib.suppress(Invalid):
            record_stop(pixels, container.name, operation, timeout=max(deadline.left, RESTART_TIMEOUT_S))
    with with_stop_hint(options):
        pixels.containers.stop(
            container.name, graceful=options.stop_timeout, force=options.force, timeout=deadline.left
        )


def record_stop(pixels: Pixels, name: PixelName, operation: str | None, *, timeout: float) -> None:
    """Record in the metadata which operation stops a running pixel; None removes the entry."""
    found = pixels.containers.find(name)
    if found is None or found.metadata.stopped_by == operation:
        return
    metadata = replace(found.metadata, stopped_by=operation)
    pixels.containers.update(name, {"environment": found.environment, "metadata": metadata}, timeout=timeout)


def start_again(pixels: Pixels, name: PixelName, *, timeout: float) -> None:
    """Start a pixel unless it runs, with one retry, and remove the entry that it was running."""
    for last in (False, True):
        try:
            found = pixels.get(name)
            if found.unfinished:
                pixels.containers.finish(name)
            if not found.running:
                pixels.containers.start(name, timeout=timeout)
            break
        except PixelsError as error:
            if last or isinstance(error, (NotFound, NotPermitted)):
                raise
    record_stop(pixels, name, None, timeout=timeout)


def restore_run_state(pixels: Pixels, container: Container, error: BaseException, *, deadline: Deadline) -> None:
    """After a failure, start a pixel that ran before; if that fails too, append it to the error.

    If the NAS may still execute the stop, or after an interrupt, the entry in the metadata remains for the next run.
    """
    if not container.ran:
        return
    may_still_stop = may_still_happen(error) or not isinstance(error, PixelsError)
    timeout = max(deadline.left, RESTART_TIMEOUT_S) if isinstance(error, PixelsError) else INTERRUPT_TIMEOUT_S
    try:
        if not may_still_stop:
            start_again(pixels, container.name, timeout=timeout)
        elif not pixels.get(container.name).running:
            pixels.containers.start(container.name, timeout=timeout)
    except PixelsError as another:
        if isinstance(error, PixelsError):
            error.add_suffix(f"Then {container.name.bare} could not be started again: {another.message}")
            error.hints = start_hints(container.name)


@contextmanager
def quiesced(
    pixels: Pixels, container: Container, *, options: ApplyOptions, deadline: Deadline, enabled: bool
) -> t.Iterator[list[str]]:
    """Stop a running pixel while the block runs, then start it and wait as `options.wait` specifies.

    Also starts a pixel that an earlier, interrupted checkpoint stopped. The block appends what it has done to the list,
    which the error contains if the pixel does not start again.
    """
    done: list[str] = []
    interrupted = container.metadata.stopped_by == CHECKPOINT
    enabled = enabled and container.running
    if not (enabled or interrupted):
        yield done
        return
    with trying(f"stopping {container.name.bare} on {pixels.nas} for the checkpoint"):
        try:
            # A pixel that an interrupted run is still stopping must be stopped before it can start.
            if enabled or not container.running:
                stop(pixels, container, CHECKPOINT, options=options, deadline=deadline)
            yield done
        except BaseException as error:
            restore_run_state(pixels, container, error, deadline=deadline)
            raise
    completed = "".join(f"{step}. " for step in done)
    with trying(f"{completed}Starting {container.name.bare} on {pixels.nas} again"), with_start_hint(container.name):
        start_again(pixels, container.name, timeout=max(deadline.left, RESTART_TIMEOUT_S))
    readiness.wait_for(pixels, container.name, options.wait, deadline=deadline, ssh_port=options.ssh_port)


@contextmanager
def with_start_hint(name: PixelName) -> t.Iterator[None]:
    """Add hints to an error about a pixel that does not start."""
    try:
        yield
    except PixelsError as error:
        error.hints = start_hints(name)
        raise


def start_hints(name: PixelName) -> tuple[Hint, Hint]:
    """Return the two ways to start a pixel that ran before an operation stopped it."""
    return Hint.run_again("to start it as well"), Hint.state("started", name.bare)
