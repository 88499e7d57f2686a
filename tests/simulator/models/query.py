# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of query methods."""

from __future__ import annotations

import typing as t

import pydantic

from tests.simulator import query
from tests.simulator.models.base import Model
from tests.simulator.releases import Release


def checked(filters: list[t.Any]) -> list[t.Any]:
    query.check(filters)
    return filters


Filters = t.Annotated[list[t.Any], pydantic.AfterValidator(checked)]


class QueryOptions(Model):
    extra: dict[str, t.Any] = {}
    order_by: list[str] = []
    select: list[str | list[t.Any]] = []
    count: bool = False
    get: bool = False
    offset: int = 0
    limit: int = 0
    force_sql_filters: bool = False


class OldQueryOptions(QueryOptions):
    """Until 25.04 what the datastore needs could be asked for from outside."""

    relationships: bool = True
    extend: str | None = None
    extend_context: str | None = None
    prefix: str | None = None


class LimitedQueryOptions(QueryOptions):
    limit: t.Annotated[int, pydantic.Field(le=10_000)] = 0


class Query(Model):
    filters: Filters = []
    options: QueryOptions = pydantic.Field(default_factory=QueryOptions)


class OldQuery(Model):
    filters: Filters = []
    options: OldQueryOptions = pydantic.Field(default_factory=OldQueryOptions)


class LimitedQuery(Model):
    filters: Filters = []
    options: LimitedQueryOptions = pydantic.Field(default_factory=LimitedQueryOptions)


def query_model(release: Release) -> type[Model]:
    """The arguments of `x.query`."""
    return OldQuery if release.query_limit is None else LimitedQuery


class GetInstance(Model):
    """The arguments of `x.get_instance` where ids are strings."""

    id: str
    options: QueryOptions = pydantic.Field(default_factory=QueryOptions)


class GetNumbered(Model):
    """The arguments of `x.get_instance` where ids are numbers."""

    id: int
    options: QueryOptions = pydantic.Field(default_factory=QueryOptions)
