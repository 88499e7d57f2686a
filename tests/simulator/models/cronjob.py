# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of methods for cron jobs (api/v25_*/cronjob.py)."""

from __future__ import annotations

import re

import pydantic

from tests.simulator.models.base import Model, Update

FIELD = re.compile(r"[\d*,/\-A-Za-z]+")


class Schedule(Model):
    minute: str = "00"
    hour: str = "*"
    dom: str = "*"
    month: str = "*"
    dow: str = "*"

    @pydantic.model_validator(mode="after")
    def is_cron_syntax(self) -> Schedule:
        wrong = [value for value in self.model_dump().values() if not FIELD.fullmatch(value)]
        if wrong:
            raise ValueError(f"Please ensure fields match cron syntax - {wrong[0]!r}")
        return self


class NewCronJob(Model):
    enabled: bool = True
    stderr: bool = False
    stdout: bool = True
    schedule: Schedule = Schedule()
    command: str
    description: str = ""
    user: str


class Changes(Update):
    enabled: bool = True
    stderr: bool = False
    stdout: bool = True
    schedule: Schedule = Schedule()
    command: str = ""
    description: str = ""
    user: str = ""


class Create(Model):
    data: NewCronJob


class Change(Model):
    id: int
    data: Changes


class Id(Model):
    id: int


class Run(Model):
    id: int
    skip_disabled: bool = False
