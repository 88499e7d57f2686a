# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of `virt.volume.*` (api/v25_*/virt_volume.py)."""

from __future__ import annotations

import re
import typing as t

import pydantic

from tests.simulator.models.base import Model, NonEmpty, Update

NAME = re.compile(r"[A-Za-z][A-Za-z0-9-._]*[A-Za-z0-9]")


def is_name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError(
            "Name can contain only letters, numbers, dashes, underscores and dots. "
            "Name must start with a letter, and must not end with a dash."
        )
    return text


Name = t.Annotated[str, pydantic.Field(min_length=1, max_length=63), pydantic.AfterValidator(is_name)]
Megabytes = t.Annotated[int, pydantic.Field(ge=512)]


class NewVolume(Model):
    name: Name
    content_type: t.Literal["BLOCK"] = "BLOCK"
    size: Megabytes = 1024
    storage_pool: NonEmpty | None = None


class Create(Model):
    virt_volume_create: NewVolume


class VolumeChange(Update):
    size: Megabytes = 1024


class Change(Model):
    id: NonEmpty
    virt_volume_update: VolumeChange


class Id(Model):
    id: NonEmpty
