# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of methods that create, change, start and stop containers (api/v25_*/virt_instance.py)."""

from __future__ import annotations

import re
import typing as t

import pydantic

from tests.simulator.models.base import Model, NonEmpty, Update
from tests.simulator.models.virt_device import AnyDevice, AnyDeviceWithCdrom

MIB = 1024 * 1024
LEAST_MEMORY = 32 * MIB

IoBus = t.Literal["NVME", "VIRTIO-BLK", "VIRTIO-SCSI"]
Name = t.Annotated[str, pydantic.Field(min_length=1, max_length=200)]


def environment_key(key: str) -> str:
    assert re.fullmatch(r"\w[\w/]*", key), (
        "ENV_KEY must not be empty, should start with alphanumeric characters, should not contain whitespaces, "
        "and can have _ and /"
    )
    return key


def environment_value(value: str) -> str:
    assert value.strip(), "ENV_VALUE must have at least one non-whitespace character to be considered valid"
    return value


def enough_memory(memory: int) -> int:
    if memory < LEAST_MEMORY:
        raise ValueError("Value must be 32MiB or larger")
    return memory


Environment = dict[
    t.Annotated[str, pydantic.AfterValidator(environment_key)],
    t.Annotated[str, pydantic.AfterValidator(environment_value)],
]
Memory = t.Annotated[int, pydantic.AfterValidator(enough_memory)]


class OldNewInstance(Model):
    """25.04.2 and later patches of it."""

    name: Name
    iso_volume: NonEmpty | None = None
    source_type: t.Literal["IMAGE"] = "IMAGE"
    storage_pool: NonEmpty | None = None
    image: Name
    remote: t.Literal["LINUX_CONTAINERS"] = "LINUX_CONTAINERS"
    instance_type: t.Literal["CONTAINER"] = "CONTAINER"
    environment: Environment | None = None
    autostart: bool | None = True
    cpu: str | None = None
    devices: list[AnyDevice] | None = None
    memory: Memory | None = None


class NewInstance(Model):
    name: Name
    source_type: t.Literal["IMAGE"] = "IMAGE"
    storage_pool: NonEmpty | None = None
    image: Name
    root_disk_size: t.Annotated[int, pydantic.Field(ge=5)] = 10
    root_disk_io_bus: IoBus = "NVME"
    remote: t.Literal["LINUX_CONTAINERS"] = "LINUX_CONTAINERS"
    instance_type: t.Literal["CONTAINER"] = "CONTAINER"
    environment: Environment | None = None
    autostart: bool | None = True
    cpu: str | None = None
    devices: list[AnyDeviceWithCdrom] | None = None
    memory: Memory | None = None
    privileged_mode: bool = False


class OldInstanceChange(Update):
    environment: Environment | None = None
    autostart: bool | None = None
    cpu: str | None = None
    memory: Memory | None = None
    vnc_port: t.Annotated[int, pydantic.Field(ge=5900, le=65535)] | None = None
    enable_vnc: bool = False
    vnc_password: NonEmpty | None = None
    secure_boot: bool = False
    root_disk_size: t.Annotated[int, pydantic.Field(ge=5)] | None = None
    root_disk_io_bus: t.Literal["NVME", "VIRTIO-BLK", "VIRTIO-SCSI", None] = None


class InstanceChange(OldInstanceChange):
    image_os: str | t.Literal["LINUX", "FREEBSD", "WINDOWS", "ARCHLINUX", None] = None
    privileged_mode: bool = False


class OldCreate(Model):
    virt_instance_create: OldNewInstance


class Create(Model):
    virt_instance_create: NewInstance


class OldChange(Model):
    id: str
    virt_instance_update: OldInstanceChange


class Change(Model):
    id: str
    virt_instance_update: InstanceChange


class Id(Model):
    id: str


class StopOptions(Model):
    timeout: int = -1
    force: bool = False


class Stop(Model):
    """The arguments of stop and restart."""

    id: str
    stop_args: StopOptions = StopOptions()

    @pydantic.model_validator(mode="after")
    def ends_some_time(self) -> Stop:
        if not self.stop_args.force and self.stop_args.timeout == -1:
            raise ValueError("Timeout should be set if force is disabled")
        return self


class ImageServer(Model):
    remote: t.Literal["LINUX_CONTAINERS"] = "LINUX_CONTAINERS"


class ImageChoices(Model):
    virt_instances_image_choices: ImageServer = ImageServer()
