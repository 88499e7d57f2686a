# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Map errors of the NAS to exceptions and messages."""

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
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import QUOTE_LIMIT, safe_text

# Error numbers of the middleware (service_exception.py) start at 201.
ENOMETHOD = 201
ENOTAUTHENTICATED = 207
NOT_AUTHENTICATED = "ENOTAUTHENTICATED"

ERRNAME_LIMIT = 64
"""Characters of the name of an error number. The longest of Linux has 15, the longest of the middleware 16."""

PROBLEMS_LIMIT = 100
"""Invalid arguments in one message. No method of TrueNAS has more."""


def refusal(error: ServerError, *, method: str, nas: str) -> PixelsError:
    """Return the exception for an error of a call or of a failed job."""
    text = _without_errname(error.reason)
    if error.code == METHOD_NOT_FOUND or error.errno == ENOMETHOD:
        return Unsupported(f"{nas} has no method {method}: its release of TrueNAS does not support this")
    if error.code == INVALID_PARAMS:
        return _rejected_arguments(error, text, method, nas)
    if error.errno == errno.ENOENT:
        return NotFound(f"{method} on {nas} failed, the object does not exist: {text}")
    if error.errno == errno.EEXIST:
        return AlreadyExists(f"{method} on {nas} failed, the object already exists: {text}")
    if error.errno in (errno.EACCES, errno.EPERM):
        return NotPermitted(
            f"the account may not call {method} on {nas} ({text}): give its user a role that allows it, "
            "or use an account with full administrator rights",
            method=method,
        )
    if error.errno == ENOTAUTHENTICATED:
        return LoginRefused(f"the login to {nas} is no longer valid ({method})", response_type=NOT_AUTHENTICATED)
    if _reads_as_rate_limit(error):
        return RateLimited(f"{nas} allows 20 logins a minute from one address, and they are used up")
    name = safe_text(error.errname, limit=ERRNAME_LIMIT)
    return Refused(f"{nas} refused {method}: {text}" + (f" [{name}]" if name else ""), errno=error.errno, errname=name)


def errname(number: int | None) -> str:
    """Return the name of an error number: failed jobs have the number only."""
    return {ENOMETHOD: "ENOMETHOD", ENOTAUTHENTICATED: NOT_AUTHENTICATED}.get(number or 0) or errno.errorcode.get(
        number or 0, ""
    )


def _rejected_arguments(error: ServerError, text: str, method: str, nas: str) -> PixelsError:
    numbers = {number for _attribute, _message, number in error.problems}
    said = "; ".join(_sentence(problem) for problem in error.problems[:PROBLEMS_LIMIT]) or text
    # get_instance reports a missing row as a validation error with EINVAL; only the number in the triple is ENOENT.
    if errno.ENOENT in numbers:
        return NotFound(f"{method} on {nas} failed, the object does not exist: {said}")
    if errno.EEXIST in numbers or _reads_as_already_exists(error.problems):
        return AlreadyExists(f"{method} on {nas} failed, the object already exists: {said}")
    return Invalid(
        f"{nas} rejected the arguments of {method}: {said}",
        fields=[
            (None if attribute is None else quoted(attribute), quoted(message))
            for attribute, message, _number in error.problems[:PROBLEMS_LIMIT]
        ],
    )


def _reads_as_already_exists(problems: tuple[Problem, ...]) -> bool:
    """Guess from the text: creating an existing name fails with EINVAL and `Name 'x' already exists`."""
    return len(problems) == 1 and "already exists" in problems[0][1]


def _reads_as_rate_limit(error: ServerError) -> bool:
    """Guess from the text: EBUSY alone can also mean that an object is in use."""
    return error.errno == errno.EBUSY and "Rate Limit Exceeded" in error.reason


def _sentence(problem: Problem) -> str:
    attribute, message = (quoted(each or "") for each in problem[:2])
    return f"{attribute}: {message}" if attribute else message


def _without_errname(reason: str) -> str:
    """Return `[EFAULT] text` without the name of the error."""
    return quoted(re.sub(r"^\[E[A-Z0-9_]+\] ", "", reason).strip()) or "no reason given"


def quoted(text: str) -> str:
    """Return a text of the NAS for a message, bounded so that the end of the message is shown as well."""
    return safe_text(text, limit=QUOTE_LIMIT)
