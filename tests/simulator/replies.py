# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an exception becomes the error of a JSON-RPC reply, with the trace that TrueNAS adds to it."""

from __future__ import annotations

import errno as errnos
import traceback
import typing as t

from tests.simulator import framing
from tests.simulator.errors import CallError, GenericError, ValidationError, ValidationErrors, errname

Data = dict[str, t.Any]


def failure(
    id: t.Any, error: BaseException, *, method: str, params: t.Sequence[t.Any], frames: bool = True
) -> dict[str, t.Any]:
    """The whole reply to a call that raised; `frames` come with it up to 25.10."""
    trace = _trace(error)
    if frames:
        trace["frames"] = [_frame(method, params)]
    data = without_trace(error) | {"trace": trace}
    if isinstance(error, (ValidationErrors, ValidationError)):
        return framing.error(id, framing.INVALID_PARAMS, "Invalid params", data)
    return framing.error(id, framing.CALL_ERROR, "Method call error", data)


def without_trace(error: BaseException) -> Data:
    """Return the error in the form that the end of an event source has."""
    if isinstance(error, (ValidationErrors, ValidationError)):
        return _data(errnos.EINVAL, str(error), [list(triple) for triple in error.triples])
    if isinstance(error, CallError):
        return _data(error.errno, str(error), error.extra)
    return _data(errnos.EINVAL, str(error) or repr(error), None)


def unserialisable(id: t.Any, error: TypeError) -> dict[str, t.Any]:
    data = _data(errnos.EFAULT, str(error), None) | {"trace": _trace(error)}
    return framing.error(id, framing.INTERNAL_ERROR, "Failed to JSON serialize server message", data)


def _data(number: int, reason: str, extra: t.Any) -> Data:
    return {"error": number, "errname": errname(number), "reason": reason, "trace": None, "extra": extra}


def _frame(method: str, params: t.Sequence[t.Any]) -> Data:
    """It holds the server's local variables: the arguments of this very call, secrets and all."""
    return {
        "filename": "/usr/lib/python3/dist-packages/middlewared/main.py",
        "lineno": 1,
        "method": "call_method",
        "line": "result = await self._call(message)",
        "argspec": ["self", "app", "method", "params"],
        "locals": {"method": repr(method), "params": repr(list(params))},
    }


def _trace(error: BaseException) -> Data:
    return {
        "class": error.kind if isinstance(error, GenericError) else type(error).__name__,
        "formatted": "Traceback (most recent call last):\n" + "".join(traceback.format_exception_only(error)),
        "repr": f"{type(error).__name__}({str(error)!r})",
    }
