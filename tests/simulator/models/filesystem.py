# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of methods for files on the NAS (api/v25_*/filesystem.py)."""

from __future__ import annotations

import typing as t

import pydantic
from pydantic_core import PydanticCustomError

from tests.simulator.models.base import LongNonEmpty, Model, NonEmpty
from tests.simulator.models.query import Filters, QueryOptions


class Path(Model):
    path: NonEmpty


class Listing(Model):
    path: NonEmpty
    query_filters: Filters = []
    query_options: QueryOptions = pydantic.Field(default_factory=QueryOptions)


def permissions(text: str) -> str:
    """As Python reads an octal number: `0o755` is one as well (api/base/types/filesystem.py)."""
    try:
        mode = int(text, 8)
    except ValueError:
        raise ValueError("Not a valid integer. Must be between 000 and 777") from None
    if mode & 0o777 != mode:
        raise ValueError("Please supply a value between 000 and 777")
    return text


class MakeOptions(Model):
    mode: t.Annotated[str, pydantic.AfterValidator(permissions)] = "755"
    raise_chmod_error: bool = True


class NewDirectory(Model):
    path: NonEmpty
    options: MakeOptions = MakeOptions()


class MakeDirectory(Model):
    filesystem_mkdir: NewDirectory


class PutOptions(Model):
    append: bool = False
    mode: int | None = None


class Put(Model):
    path: NonEmpty
    options: PutOptions = PutOptions()


class OldReceiveOptions(Model):
    """25.04: the mode can be omitted but not null."""

    append: bool = False
    mode: int | None = None
    uid: int = -1
    gid: int = -1

    @pydantic.field_validator("mode")
    @classmethod
    def is_not_null(cls, mode: int | None) -> int:
        if mode is None:
            raise PydanticCustomError("int_type", "Input should be a valid integer")
        return mode


class ReceiveOptions(Model):
    append: bool = False
    mode: int | None = None
    uid: int = -1
    gid: int = -1


class OldReceive(Model):
    path: NonEmpty
    content: LongNonEmpty
    options: OldReceiveOptions = OldReceiveOptions()


class Receive(Model):
    path: NonEmpty
    content: LongNonEmpty
    options: ReceiveOptions = ReceiveOptions()
