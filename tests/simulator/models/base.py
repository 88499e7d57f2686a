# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of all models: it validates positional arguments as the middleware does, with its error messages."""

from __future__ import annotations

import errno as errnos
import typing as t

import pydantic

from tests.simulator.errors import ValidationErrors

LONG = 2_048_000

NonEmpty = t.Annotated[str, pydantic.Field(min_length=1)]
LongNonEmpty = t.Annotated[str, pydantic.Field(min_length=1, max_length=LONG)]


class Model(pydantic.BaseModel):
    """Strict, closed, and every string at most 1024 characters, as api/base/model.py has it."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", str_max_length=1024)


class Nothing(Model):
    """Methods without arguments."""


class Update(Model):
    """Every key is optional, and only those that were sent are handed on."""

    @pydantic.model_serializer(mode="wrap")
    def only_what_was_sent(self, dump: pydantic.SerializerFunctionWrapHandler) -> dict[str, t.Any]:
        return {key: value for key, value in dump(self).items() if key in self.model_fields_set}


class OldSchema(Model):
    """Methods that 25.04 still checks with its older schema code: the same rules in other words."""

    words: t.ClassVar[dict[str, str]] = {
        "missing": "attribute required",
        "extra_forbidden": "Field was not expected",
        "bool_type": "Not a boolean",
        "string_type": "Not a string",
        "int_type": "Not an integer",
        "dict_type": "A dict was expected",
        "model_type": "A dict was expected",
        "list_type": "Not a list",
        "string_too_short": "Empty value not allowed",
    }


def accept(model: type[pydantic.BaseModel], arguments: t.Sequence[t.Any]) -> list[t.Any]:
    """The checked arguments in order, defaults filled in, as plain values. Raises ValidationErrors."""
    fields = list(model.model_fields)
    if len(arguments) > len(fields):
        text = f"Too many arguments (expected {len(fields)}, found {len(arguments)})"
        raise ValidationErrors([("", text, errnos.EINVAL)])
    try:
        dumped = model(**dict(zip(fields, arguments, strict=False))).model_dump()
    except pydantic.ValidationError as error:
        words = model.words if issubclass(model, OldSchema) else {}
        raise ValidationErrors([triple(each, words) for each in error.errors(include_url=False)]) from error
    return [dumped[field] for field in fields]


def triple(error: t.Any, words: dict[str, str]) -> tuple[str, str, int]:
    """The middleware's words are pydantic's own, except for a union without its tag, and for the older schema code."""
    location = [str(part) for part in error["loc"]]
    text = words.get(error["type"], error["msg"])
    if error["type"] == "union_tag_not_found":
        location.append(error["ctx"]["discriminator"].strip("'"))
        text = "Field required"
    if words and error["input"] is None:
        text = "null not allowed"
    return ".".join(location), text, errnos.EINVAL
