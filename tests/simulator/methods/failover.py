# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""failover.*: is the NAS one of a pair? (middleware plugins/failover.py)"""

from __future__ import annotations

import typing as t

from tests.simulator.models.base import Nothing
from tests.simulator.registry import method

if t.TYPE_CHECKING:
    from tests.simulator.registry import Context


@method("failover.licensed", role_needed=False, model=Nothing)
def licensed(context: Context) -> bool:
    return context.world.network.failover
