# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of the sweep as fault orders of the simulator, and the kinds of calls that they apply to."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from tests.sweeps.nas import CALL, DELAY_S, JOB, SHELL, Nas, StateChange

EVERY = (JOB, CALL, SHELL)


@dataclass(frozen=True)
class Fault:
    """A fault at one call."""

    name: str
    strikes: tuple[str, ...] = EVERY
    """The kinds of calls that it applies to."""
    order: str | None = None
    """The fault order of the simulator. None for a fault that is not about one call."""
    details: t.Mapping[str, t.Any] = field(default_factory=dict)
    kills: bool = False
    """Whether the controller is killed after the reply of the NAS."""
    leaves: bool = False
    """Whether the NAS does not answer from this call on."""
    unknown: bool = False
    """Whether the outcome of the call is unknown at the time of the error."""

    def strike(self, nas: Nas, change: StateChange) -> None:
        """Arm the fault for one call."""
        if self.order:
            nas.faults.add(self.order, method=change.method, after=change.number, **self.details)


FAULTS = (
    Fault("refused", (CALL,), "fail_call", {"errno": 14, "reason": "bad luck"}),
    Fault("not permitted", EVERY, "fail_call", {"errno": 13, "reason": "Not authorized"}),
    Fault("failed", (JOB,), "fail_job", {"errno": 14, "text": "bad luck"}),
    Fault("aborted", (JOB,), "abort_job"),
    Fault("cut before the call", EVERY, "drop_before_call"),
    Fault("cut before the reply", EVERY, "drop_before_reply"),
    Fault("cut after the reply", EVERY, "drop_after_reply"),
    Fault("cut while the job runs", (JOB,), "drop_mid_job"),
    Fault("middleware restarted", EVERY, "restart_middleware", {"seconds": 0.1}),
    Fault("answered too late", (JOB, CALL), "delay", {"seconds": DELAY_S}, unknown=True),
    Fault("controller killed", (JOB, CALL), kills=True),
    Fault("gone for good", EVERY, leaves=True, unknown=True),
)
