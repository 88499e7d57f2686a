# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of `zfs.resource.*` of TrueNAS 26 (api/v26_0_0/zfs_resource_*.py)."""

from __future__ import annotations

import typing as t

import pydantic

from tests.simulator.models.base import Model, NonEmpty


def unique(paths: list[str]) -> list[str]:
    if len(set(paths)) != len(paths):
        raise ValueError("List must contain unique values.")
    return paths


Paths = t.Annotated[list[str], pydantic.AfterValidator(unique)]


class ResourceQuery(Model):
    paths: Paths = []
    properties: list[str] | None = []
    get_user_properties: bool = False
    get_source: bool = False
    nest_results: bool = False
    get_children: bool = False
    max_depth: int = 0
    get_tier: bool = False


class Query(Model):
    data: ResourceQuery = ResourceQuery()


class Resource(Model):
    path: NonEmpty
    recursive: bool = False


class Destroy(Model):
    data: Resource


class SnapshotQuery(Model):
    paths: Paths = []
    recursive: bool = False
    properties: list[str] | None = []
    get_user_properties: bool = False
    get_source: bool = False
    get_holds: bool = False
    min_txg: int = 0
    max_txg: int = 0


class QuerySnapshots(Model):
    data: SnapshotQuery = SnapshotQuery()


class SnapshotCount(Model):
    paths: Paths = []
    recursive: bool = False


class CountSnapshots(Model):
    data: SnapshotCount = SnapshotCount()


class NewSnapshot(Model):
    dataset: NonEmpty
    name: NonEmpty
    recursive: bool = False
    exclude: list[str] = []
    user_properties: dict[str, str] = {}


class CreateSnapshot(Model):
    data: NewSnapshot


class SnapshotDestruction(Model):
    path: NonEmpty
    recursive: bool = False
    all_snapshots: bool = False
    defer: bool = False


class DestroySnapshot(Model):
    data: SnapshotDestruction


class NewNames(Model):
    current_name: NonEmpty
    new_name: NonEmpty
    recursive: bool = False


class RenameSnapshot(Model):
    data: NewNames


class NewClone(Model):
    snapshot: NonEmpty
    dataset: NonEmpty
    properties: dict[str, str | int] = {}


class CloneSnapshot(Model):
    data: NewClone


class SnapshotRollback(Model):
    path: NonEmpty
    recursive: bool = False
    recursive_clones: bool = False
    force: bool = False
    recursive_rollback: bool = False


class RollbackSnapshot(Model):
    data: SnapshotRollback


class NewHold(Model):
    path: NonEmpty
    tag: str = "truenas"
    recursive: bool = False


class HoldSnapshot(Model):
    data: NewHold


class OldHold(Model):
    path: NonEmpty
    tag: str | None = None
    recursive: bool = False


class ReleaseSnapshot(Model):
    data: OldHold


class Held(Model):
    path: NonEmpty


class Holds(Model):
    data: Held
