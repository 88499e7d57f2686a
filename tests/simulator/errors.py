# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as the middleware puts them on the wire."""

from __future__ import annotations

import errno as errnos
import typing as t

CUSTOM_ERRNOS = {201: "ENOMETHOD", 205: "EDATASETISLOCKED", 207: "ENOTAUTHENTICATED", errnos.EOPNOTSUPP: "EOPNOTSUPP"}
"""Middleware's own, and one number that Python calls by its other name."""

ENOMETHOD = 201
ENOTAUTHENTICATED = 207

Triple = tuple[str | None, str, int]


def errname(number: int) -> str:
    return CUSTOM_ERRNOS.get(number) or errnos.errorcode.get(number, "EUNKNOWN")


class SimulatedError(Exception):
    """Anything a method may raise on purpose; all else is a bug of the simulator or a generic middleware failure."""


class CallError(SimulatedError):
    """middleware service_exception.py CallError: `-32001`, reason `[ERRNAME] text`."""

    def __init__(self, text: str, errno: int = errnos.EFAULT, extra: t.Any = None) -> None:
        self.text = text
        self.errno = errno
        self.extra = extra
        super().__init__(f"[{errname(errno)}] {text}")


class ValidationErrors(SimulatedError):
    """Errors of several fields: `-32602`, one line per error, each with a newline."""

    def __init__(self, triples: t.Iterable[Triple]) -> None:
        self.triples: list[Triple] = list(triples)
        super().__init__(
            "".join(f"[{errname(number)}] {attribute}: {text}\n" for attribute, text, number in self.triples)
        )


class ValidationError(SimulatedError):
    """One field: as `ValidationErrors` but without the trailing newline, and a job keeps its errno."""

    def __init__(self, attribute: str | None, text: str, errno: int = errnos.EINVAL) -> None:
        self.triples = [(attribute, text, errno)]
        self.errno = errno
        super().__init__(f"[{errname(errno)}] {attribute}: {text}")


class InstanceNotFound(ValidationError):
    """What `get_instance` raises: null attribute, ENOENT in the triple only."""

    def __init__(self, text: str) -> None:
        super().__init__(None, text, errnos.ENOENT)


class MatchNotFound(SimulatedError):
    """`get: true` without a match: `-32001`, errno 22, reason `MatchNotFound()`."""

    def __init__(self) -> None:
        super().__init__("MatchNotFound()")


class GenericError(SimulatedError):
    """An unexpected exception inside the middleware: `-32001`, errno 22, its bare text; `kind` is its class name."""

    def __init__(self, text: str, kind: str = "Exception") -> None:
        self.kind = kind
        super().__init__(text)
