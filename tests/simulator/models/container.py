# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of methods for containers of TrueNAS 26 (api/v26_0_0/container.py)."""

from __future__ import annotations

import typing as t
import uuid

import pydantic

from tests.simulator.models.base import Model, NonEmpty, Update

Environment = dict[str, str]


def version_4(text: str | None) -> str | None:
    if text is not None and uuid.UUID(text).version != 4:
        raise ValueError("UUID is not valid version 4")
    return text


Uuid = t.Annotated[str | None, pydantic.AfterValidator(version_4)]
Clock = t.Literal["LOCAL", "UTC"]
Seconds = t.Annotated[int, pydantic.Field(ge=5, le=300)]
Policy = t.Literal["DEFAULT", "ALLOW", "DENY"]


class DefaultIdmap(Model):
    type: t.Literal["DEFAULT"]


class IsolatedIdmap(Model):
    type: t.Literal["ISOLATED"]
    slice: t.Annotated[int, pydantic.Field(gt=0, lt=1000)] | None


Idmap = t.Annotated[DefaultIdmap | IsolatedIdmap, pydantic.Field(discriminator="type")]


class ContainerCreateImage(Model):
    name: str
    version: str


class NewContainer(Model):
    uuid: Uuid = None
    name: NonEmpty
    description: str = ""
    cpuset: str | None = None
    autostart: bool = True
    time: Clock = "LOCAL"
    shutdown_timeout: Seconds = 90
    init: str = "/sbin/init"
    initdir: str | None = None
    initenv: Environment = {}
    inituser: str | None = None
    initgroup: str | None = None
    idmap: Idmap | None = DefaultIdmap(type="DEFAULT")
    capabilities_policy: Policy = "DEFAULT"
    capabilities_state: dict[str, bool] = {}
    pool: str | None = None
    image: ContainerCreateImage


class ContainerChange(Update):
    """Omitted fields are not passed on, so these defaults are never used."""

    uuid: Uuid = None
    name: NonEmpty = "unsaid"
    description: str = ""
    cpuset: str | None = None
    autostart: bool = True
    time: Clock = "LOCAL"
    shutdown_timeout: Seconds = 90
    init: str = "/sbin/init"
    initdir: str | None = None
    initenv: Environment = {}
    inituser: str | None = None
    initgroup: str | None = None
    capabilities_policy: Policy = "DEFAULT"
    capabilities_state: dict[str, bool] = {}


class Create(Model):
    container_create: NewContainer


class Change(Model):
    id: int
    container_update: ContainerChange


class Id(Model):
    id: int


class StopOptions(Model):
    force: bool = False
    force_after_timeout: bool = False


class Stop(Model):
    id: int
    options: StopOptions = StopOptions()


class DeleteOptions(Model):
    force: bool = False
    recursive: bool = False


class Delete(Model):
    id: int
    options: DeleteOptions = DeleteOptions()
