# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of `core.*`."""

from __future__ import annotations

import typing as t

import pydantic

from tests.simulator.models.base import Model, Update


class OldOptions(Update):
    """25.04: keys it does not know are ignored."""

    model_config = pydantic.ConfigDict(strict=True, extra="ignore")
    py_exceptions: bool = False


class NewOptions(OldOptions):
    legacy_jobs: bool = True
    private_methods: bool = False


class OldSetOptions(Model):
    options: OldOptions


class SetOptions(Model):
    options: NewOptions


class Subscribe(Model):
    event: str


class Unsubscribe(Model):
    ident: str


class JobId(Model):
    id: int


class DownloadLogs(Model):
    id: int
    filename: str
    buffered: bool = False


Target = t.Literal["WS", "CLI", "REST"]


class GetMethods(Model):
    service: str | None = None
    target: Target = "WS"


class GetServices(Model):
    target: Target = "WS"


class ResizeShell(Model):
    id: str
    cols: int
    rows: int


class Bulk(Model):
    method: str
    params: list[list[t.Any]]
    description: str | None = None


class Download(Model):
    method: str
    args: list[t.Any]
    filename: str
    buffered: bool = False
