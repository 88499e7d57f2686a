# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of methods for settings of the kernel (api/v25_*/tunable.py)."""

from __future__ import annotations

import typing as t

from tests.simulator.models.base import Model, Update


class NewTunable(Model):
    type: t.Literal["SYSCTL", "UDEV", "ZFS"] = "SYSCTL"
    var: str
    value: str
    comment: str = ""
    enabled: bool = True
    update_initramfs: bool = True


class Changes(Update):
    value: str = ""
    comment: str = ""
    enabled: bool = True
    update_initramfs: bool = True


class Create(Model):
    data: NewTunable


class OldCreate(Model):
    tunable_create: NewTunable


class OldChange(Model):
    id: int
    tunable_update: Changes = Changes()


class Change(Model):
    id: int
    data: Changes


class Id(Model):
    id: int
