# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of operations on a pixel: waits, retries and force."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint


@dataclass(frozen=True)
class ApplyOptions:
    """Options of an operation on a pixel."""

    stop_timeout: float = 30
    """Seconds that a graceful stop may take."""
    force: bool = False
    """Whether a container that does not stop in time is killed."""
    delete_retries: int = 3
    """Attempts to delete a container whose dataset is busy."""
    delete_delay: float = 2
    """Seconds between two attempts to delete a container."""
    wait: str = "address"
    """What to wait for: `none`, `running`, `address`, `ssh` or `ready`."""
    ssh_port: int = 22


@contextmanager
def with_stop_hint(options: ApplyOptions) -> t.Iterator[None]:
    """Add hints to a `TimedOut`: a longer timeout, or force."""
    try:
        yield
    except TimedOut as error:
        if not options.force:
            error.hints = (
                Hint.option("stop_timeout", purpose="to wait longer"),
                Hint.option("force", True, "to kill it"),
            )
        raise
