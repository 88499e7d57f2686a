# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of our errors a refusal of the NAS is, and how it is put to the user."""

from __future__ import annotations

import errno
import re

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    AlreadyExists,
    Invalid,
    LoginRefused,
    NotFound,
    NotPermitted,
    PixelsError,
    RateLimited,
    Refused,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.jsonrpc import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    Problem,
    ServerError,
)

# utils of the middleware (service_exception.py) add their own numbers from 201 on.
ENOMETHOD = 201
ENOTAUTHENTICATED = 207
NOT_AUTHENTICATED = "ENOTAUTHENTICATED"


def refusal(error: ServerError, *, method: str, nas: str) -> PixelsError:
    """Our error for one of the server's, for calls and failed jobs alike."""
    text = _without_errname(error.reason)
    if error.code == METHOD_NOT_FOUND or error.errno == ENOMETHOD:
        return Unsupported(f"{nas} does not know {method}: its release of TrueNAS does not offer it")
    if error.code == INVALID_PARAMS:
        return _rejected_arguments(error, text, method, nas)
    if error.errno == errno.ENOENT:
        return NotFound(f"{nas} did not find what {method} is about: {text}")
    if error.errno == errno.EEXIST:
        return AlreadyExists(f"{nas} has it already, says {method}: {text}")
    if error.errno in (errno.EACCES, errno.EPERM):
        return NotPermitted(
            f"the account may not call {method} on {nas} ({text}): give its user a role that allows it, "
            "or use an account with full administrator rights",
            method=method,
        )
    if error.errno == ENOTAUTHENTICATED:
        return LoginRefused(f"{nas} no longer takes this login for valid ({method})", response_type=NOT_AUTHENTICATED)
    if _reads_as_rate_limit(error):
        return RateLimited(f"{nas} allows 20 logins a minute from one address, and they are used up")
    return Refused(
        f"{nas} refused {method}: {text}" + (f" [{error.errname}]" if error.errname else ""),
        errno=error.errno,
        errname=error.errname,
    )


def errname(number: int | None) -> str:
    """The name of an errno where only the number travels, as in failed jobs."""
    return {ENOMETHOD: "ENOMETHOD", ENOTAUTHENTICATED: NOT_AUTHENTICATED}.get(number or 0) or errno.errorcode.get(
        number or 0, ""
    )


def _rejected_arguments(error: ServerError, text: str, method: str, nas: str) -> PixelsError:
    numbers = {number for _attribute, _message, number in error.problems}
    said = "; ".join(_sentence(problem) for problem in error.problems) or text
    # get_instance reports a missing row as a validation error whose own errno stays EINVAL: the triple tells.
    if errno.ENOENT in numbers:
        return NotFound(f"{nas} did not find what {method} is about: {said}")
    if errno.EEXIST in numbers or _reads_as_already_exists(error.problems):
        return AlreadyExists(f"{nas} has it already, says {method}: {said}")
    return Invalid(
        f"{nas} does not accept the arguments of {method}: {said}",
        fields=[(attribute, message) for attribute, message, _number in error.problems],
    )


def _reads_as_already_exists(problems: tuple[Problem, ...]) -> bool:
    """A guess from the text: creating a taken name gives errno EINVAL and C(Name 'x' already exists)."""
    return len(problems) == 1 and "already exists" in problems[0][1]


def _reads_as_rate_limit(error: ServerError) -> bool:
    """A guess from the text: EBUSY alone also means that an object is in use."""
    return error.errno == errno.EBUSY and "Rate Limit Exceeded" in error.reason


def _sentence(problem: Problem) -> str:
    attribute, message, _number = problem
    return f"{attribute}: {message}" if attribute else message


def _without_errname(reason: str) -> str:
    """C([EFAULT] text) without the name in front."""
    return re.sub(r"^\[E[A-Z0-9_]+\] ", "", reason).strip() or "it gave no reason"
