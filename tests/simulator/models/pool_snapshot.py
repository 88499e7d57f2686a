# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of `pool.snapshot.*` since TrueNAS 26, where they differ from those of 25.10."""

from __future__ import annotations

from tests.simulator.models import snapshot
from tests.simulator.models.base import Model

# the names of the two ways to create are part of the error texts


class PoolSnapshotCreateWithName(snapshot.PoolSnapshotCreateWithName):
    suspend_vms: bool = False


class PoolSnapshotCreateWithSchema(snapshot.PoolSnapshotCreateWithSchema):
    suspend_vms: bool = False


class Create(Model):
    data: PoolSnapshotCreateWithName | PoolSnapshotCreateWithSchema
