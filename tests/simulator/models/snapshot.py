# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of methods for snapshots.

25.04 checks with the older schema of plugins/zfs_/snapshot_actions.py, 25.10 with api/v25_10_*/pool_snapshot.py.
"""

from __future__ import annotations

import typing as t

import pydantic

from tests.simulator.models.base import Model, NonEmpty, OldSchema

Key = t.Annotated[str, pydantic.Field(pattern=".*:.*")]


class DeleteOptions(Model):
    defer: bool = False
    recursive: bool = False


class RollbackOptions(Model):
    recursive: bool = False
    recursive_clones: bool = False
    force: bool = False
    recursive_rollback: bool = False


class HoldOptions(Model):
    recursive: bool = False


class Delete(Model):
    id: str
    options: DeleteOptions = DeleteOptions()


class Rollback(Model):
    id: str
    options: RollbackOptions = RollbackOptions()


class Hold(Model):
    """The arguments of hold and release."""

    id: str
    options: HoldOptions = HoldOptions()


class OldDelete(Delete, OldSchema):
    pass


class OldRollback(Rollback, OldSchema):
    pass


class OldHold(Hold, OldSchema):
    pass


# since 25.10; the names of the two ways to create are part of the error texts


class NewSnapshot(Model):
    dataset: NonEmpty
    recursive: bool = False
    exclude: list[str] = []
    vmware_sync: bool = False
    properties: dict[str, t.Any] = {}


class PoolSnapshotCreateWithName(NewSnapshot):
    name: NonEmpty


class PoolSnapshotCreateWithSchema(NewSnapshot):
    naming_schema: NonEmpty


class Create(Model):
    data: PoolSnapshotCreateWithName | PoolSnapshotCreateWithSchema


class Property(Model):
    key: Key
    value: str


class Changes(Model):
    user_properties_update: list[Property] = []
    user_properties_remove: list[Key] = []


class Update(Model):
    id: str
    data: Changes


class NewClone(Model):
    snapshot: NonEmpty
    dataset_dst: NonEmpty
    dataset_properties: dict[str, t.Any] = {}


class Clone(Model):
    data: NewClone


class NewName(Model):
    new_name: NonEmpty
    recursive: bool = False
    force: bool = False


class Rename(Model):
    id: str
    options: NewName


# 25.04


class OldNewSnapshot(Model):
    dataset: NonEmpty
    name: NonEmpty | None = None
    naming_schema: NonEmpty | None = None
    recursive: bool = False
    exclude: list[str] = []
    suspend_vms: bool = False
    vmware_sync: bool = False
    properties: dict[str, t.Any] = {}


class OldCreate(OldSchema):
    snapshot_create: OldNewSnapshot


class OldProperty(Model):
    key: Key
    value: str | None = None
    remove: bool = False


class OldChanges(Model):
    user_properties_update: list[OldProperty] = []


class OldUpdate(OldSchema):
    id: str
    snapshot_update: OldChanges


class OldClone(OldSchema):
    snapshot_clone: NewClone
