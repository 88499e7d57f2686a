# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Complete a restore that was interrupted. No checkpoint or state is lost."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    NotPermitted,
    OutcomeUnknown,
    PixelsError,
    Refused,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import dataset_layout
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import datasets

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.datasets import Dataset
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

RECORD_TIMEOUT_S = 60.0
"""Seconds for writing the record, at least, even if the timeout of the task has expired."""


def recover(pixels: Pixels, container: Container) -> bool:
    """Complete an interrupted restore: rename the dataset back, or promote the clone. Return whether there was one."""
    found = dataset_layout.find_interrupted_restore(pixels, container)
    if found is None:
        return False
    with trying(f"completing an interrupted restore of {container.name.bare} on {pixels.nas}"):
        if found.missing:
            datasets.rename(pixels.wire, found.root, found.dataset)
        else:
            promote_restored(pixels, found.dataset)
    return True


def update_record(pixels: Pixels, name: PixelName, *, deadline: Deadline) -> None:
    """Have the NAS write the current settings of a stopped pixel to its dataset, as each start does.

    Otherwise a NAS that sets Incus up again reads the settings from the time of the checkpoint.
    """
    try:
        pixels.containers.rewrite_record(name, timeout=max(deadline.left, RECORD_TIMEOUT_S))
    except NotPermitted:
        # The next start, which requires the same permission, writes them.
        return


def promote_restored(pixels: Pixels, dataset: str) -> None:
    """Promote a clone until it has all checkpoints that it inherits from datasets that were set aside.

    Its origin is read before each step: one promotion too many would take a snapshot from the image.
    """
    before, unknown = "", None
    while (clone := find_dataset(pixels, dataset, unknown)) and dataset_layout.is_set_aside(dataset, clone.origin):
        if clone.origin == before:
            raise unknown or Refused(f"promoting {dataset} did not move {before} to it")
        before, unknown = clone.origin, None
        try:
            datasets.promote(pixels.wire, dataset)
        except OutcomeUnknown as error:
            unknown = error


def find_dataset(pixels: Pixels, name: str, unknown: OutcomeUnknown | None) -> Dataset | None:
    """Return a dataset. If the read fails, raise `unknown`, if any: the error that the read should have resolved."""
    try:
        return datasets.find(pixels.wire, name)
    except PixelsError as error:
        raise unknown or error from None
