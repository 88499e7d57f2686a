# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between this collection and a NAS, as one tree of exceptions.

PixelsError                 what this collection reports; str(error) is the whole sentence for the user
├── ConnectionFailed        no conversation: refused, TLS, redirect, 404, another protocol, DNS
│   └── ConnectionLost      it was there and broke off
├── LoginRefused            wrong or expired key, second factor wanted, standby node, mechanism not allowed
├── RateLimited             20 logins a minute are used up, and waiting did not help
├── NotFound                the thing named does not exist
├── AlreadyExists           a thing of that name exists
├── Invalid                 the NAS (or this side, before sending) rejects the arguments; says which
├── NotPermitted            the account may not do this
├── Unsupported             this release cannot do it
│   └── MissingLibrary      this machine cannot: it lacks a Python library
├── TimedOut                no answer, or no end of a job, in the time given
├── OutcomeUnknown          a change was sent and its answer never came: run again to converge
└── Refused                 the NAS said no for another reason
    └── JobAborted          somebody or something stopped the job before its end

All of them can be pickled, and none keeps the server's traceback, which can hold secrets.
"""

from __future__ import annotations

import typing as t

Field = tuple[t.Optional[str], str]


class PixelsError(Exception):
    """What this collection reports; C(str(error)) is the whole sentence for the user."""


class ConnectionFailed(PixelsError):
    """There is no conversation with the NAS; C(passing) when it may well come up by itself, as during a restart."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class ConnectionLost(ConnectionFailed):
    """The conversation was there and broke off; C(sent) says whether the request had left before that.

    Where C(sent) is false the NAS cannot have seen the whole request, so repeating it is safe. C(ending) says how it
    ended, where that is known: C(closed) in order by the NAS, C(broken) off, or C(silent) for too long.
    """

    def __init__(self, message: str, *, sent: bool = False, passing: bool = True, ending: str = "") -> None:
        super().__init__(message, passing=passing)
        self.sent = sent
        self.ending = ending


class LoginRefused(PixelsError):
    """The NAS does not let this account in; C(response_type) is its word for why (C(AUTH_ERR), C(EXPIRED) ...)."""

    def __init__(self, message: str, *, response_type: str = "") -> None:
        super().__init__(message)
        self.response_type = response_type


class RateLimited(PixelsError):
    """The NAS takes 20 logins a minute from one address, and they are used up."""


class NotFound(PixelsError):
    """The thing named does not exist on the NAS."""


class AlreadyExists(PixelsError):
    """A thing of that name exists on the NAS already."""


class Invalid(PixelsError):
    """Arguments are not acceptable; C(fields) pairs each dotted field name (or None) with what is wrong with it."""

    def __init__(self, message: str, *, fields: t.Iterable[Field] = ()) -> None:
        super().__init__(message)
        self.fields = tuple(fields)


class NotPermitted(PixelsError):
    """The account is logged in but may not call C(method)."""

    def __init__(self, message: str, *, method: str = "") -> None:
        super().__init__(message)
        self.method = method


class Unsupported(PixelsError):
    """This release of TrueNAS cannot do it; the message says what to do instead."""


class MissingLibrary(Unsupported):
    """A Python library is not installed here; C(trace) is what its import failed with."""

    def __init__(self, message: str, *, library: str = "", trace: str = "") -> None:
        super().__init__(message)
        self.library = library
        self.trace = trace


class TimedOut(PixelsError):
    """The answer, or the end of a job, did not come in the time given."""


class OutcomeUnknown(PixelsError):
    """A change was sent and its answer never came: it may or may not have happened; the next run converges."""


class Refused(PixelsError):
    """The NAS said no for a reason that has no class of its own.

    C(errno) is the middleware's number (Linux errno, or 201 and up for its own), C(errname) its name.
    """

    def __init__(self, message: str, *, errno: int | None = None, errname: str = "") -> None:
        super().__init__(message)
        self.errno = errno
        self.errname = errname


class JobAborted(Refused):
    """The job was stopped before its end; what it had done until then stays done."""
