# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock that skips the pauses of the code under test: each of them has passed as soon as it begins."""

from __future__ import annotations

import time


class JumpingClock:
    """Stands for the module `time` in a file that has its pauses there."""

    def __init__(self) -> None:
        self.skipped = 0.0
        """Seconds that were skipped."""

    def monotonic(self) -> float:
        return time.monotonic() + self.skipped

    def sleep(self, seconds: float) -> None:
        self.skipped += seconds
