# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exceptions of this collection.

PixelsError                 any error; str(error) is the whole message for the user
├── ConnectionFailed        no connection: refused, TLS, redirect, 404, another protocol, DNS
│   └── ConnectionLost      an established connection broke
├── LoginRefused            wrong or expired key, second factor required, standby node, mechanism not allowed
├── RateLimited             the 20 logins a minute are used up
├── NotFound                the object does not exist
├── AlreadyExists           an object with that name exists
├── Invalid                 the NAS, or the collection before sending, rejects arguments; names them
├── NotPermitted            the account has no role for this
├── Unsupported             the release of TrueNAS does not support this
│   └── MissingLibrary      a Python library is not installed on this machine
├── TimedOut                no reply, or no end of a job, in time
├── OutcomeUnknown          a change was sent and no reply arrived: run it again to converge
│   └── UnexpectedReply     the NAS sent an invalid reply
└── Refused                 any other error of the NAS
    └── JobAborted          the job was stopped before its end

All of them can be pickled, and none holds the server's traceback, which can contain secrets.
"""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Describe, Hint, for_task, sentence
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import safe_text

GARBLED = "garbled"
"""The `ending` of a connection on which the NAS sent something that is not a message."""

Field = tuple[t.Optional[str], str]
Error = t.TypeVar("Error", bound="PixelsError")


class PixelsError(Exception):
    """An error of this collection; `str(error)` is the whole message for the author of a task.

    Messages quote the NAS and guests, so the message is safe to show: one line, escaped and bounded (`safe_text`).
    """

    hints: tuple[Hint, ...] = ()
    """What to do about it, as alternatives. The command words them differently than `str(error)` does (`render`)."""

    def __str__(self) -> str:
        return self.render(for_task)

    @property
    def message(self) -> str:
        """What failed and why, without the hints."""
        return safe_text(super().__str__())

    def add_prefix(self, text: str) -> None:
        """Put `text` and a colon in front of the message: what was being done when the error occurred."""
        self.args = (f"{text}: {self.message}",)

    def add_suffix(self, text: str) -> None:
        """Append `text`, a sentence without its full stop, to the message: the state now, or what to do next."""
        self.args = (f"{self.message.rstrip('.')}. {text}",)

    def render(self, describe: Describe) -> str:
        """Return the message, followed by the hints as `describe` puts them."""
        advice = safe_text(sentence(self.hints, describe))
        if not advice:
            return self.message
        text = self.message.rstrip(".")
        return f"{text} {advice}" if text.endswith("?") else f"{text}. {advice}"

    def with_hints(self: Error, *hints: Hint) -> Error:
        """Return this error with these hints instead of those it has."""
        self.hints = hints
        return self


class ConnectionFailed(PixelsError):
    """There is no connection to the NAS. `passing` means that a later attempt may succeed, as during a restart.

    `permanent` means that each attempt fails until the user changes something, such as the pinned host key.
    """

    def __init__(self, message: str, *, passing: bool = False, permanent: bool = False) -> None:
        super().__init__(message)
        self.passing = passing
        self.permanent = permanent


class ConnectionLost(ConnectionFailed):
    """An established connection broke. `sent` is whether the request was sent before that.

    If `sent` is false the NAS cannot have received the whole request, and it can be repeated. `ending` is how the
    connection ended, if known: `closed` by the NAS, `broken`, `silent` for too long, or `garbled` if the NAS sent
    something that is not a message.
    """

    def __init__(self, message: str, *, sent: bool = False, passing: bool = True, ending: str = "") -> None:
        super().__init__(message, passing=passing)
        self.sent = sent
        self.ending = ending


class LoginRefused(PixelsError):
    """The NAS refused the login; `response_type` is its reason (`AUTH_ERR`, `EXPIRED` and others)."""

    def __init__(self, message: str, *, response_type: str = "") -> None:
        super().__init__(message)
        self.response_type = response_type


class RateLimited(PixelsError):
    """The NAS allows 20 logins a minute from one address, and they are used up."""


class NotFound(PixelsError):
    """The object does not exist on the NAS."""


class AlreadyExists(PixelsError):
    """An object with that name already exists on the NAS."""


class Invalid(PixelsError):
    """Arguments are invalid; `fields` pairs each dotted field name (or None) with the problem."""

    def __init__(self, message: str, *, fields: t.Iterable[Field] = ()) -> None:
        super().__init__(message)
        self.fields = tuple(fields)

    @classmethod
    def in_field(cls, field: str | None, failure: str, problem: str) -> Invalid:
        """Return the error `failure: problem` that is about one field."""
        return cls(f"{failure}: {problem}", fields=((field, problem),))


class NotPermitted(PixelsError):
    """The account may not call `method`."""

    def __init__(self, message: str, *, method: str = "") -> None:
        super().__init__(message)
        self.method = method


class Unsupported(PixelsError):
    """This release of TrueNAS does not support it; the message names an alternative."""


class MissingLibrary(Unsupported):
    """A Python library is not installed on this machine; `trace` is the traceback of the import."""

    def __init__(self, message: str, *, library: str = "", trace: str = "") -> None:
        super().__init__(message)
        self.library = library
        self.trace = trace


class TimedOut(PixelsError):
    """No reply arrived, or a job did not end, in time. `pending` means that the NAS may still finish it."""

    def __init__(self, message: str, *, pending: bool = False) -> None:
        super().__init__(message)
        self.pending = pending


def timeout_message(method: str, nas: str, timeout: float) -> str:
    """Return the message of a call that timed out; `timeout` is in seconds."""
    return f"{method} on {nas} timed out: no reply within {timeout:g} s; it may still be running"


class OutcomeUnknown(PixelsError):
    """A change was sent and no reply arrived: it may or may not be done. The next run converges."""


class UnexpectedReply(OutcomeUnknown):
    """The NAS sent an invalid reply; after a change, its outcome is unknown."""

    @classmethod
    def about(cls, problem: str, *, method: str, nas: str, changes: bool = False) -> UnexpectedReply:
        """Return the error for an invalid reply to `method`; `problem` never quotes the reply."""
        return cls(
            f"unexpected reply of {nas} to {method}: {problem}. "
            + (f"{method} may or may not be done: run this again once the NAS replies properly. " if changes else "")
            + "Check that it runs TrueNAS 25.04 or later, and see /var/log/middlewared.log there"
        )


class Refused(PixelsError):
    """The NAS refused for a reason that has no class of its own.

    `errno` is its error number (of Linux, or from 201 of the middleware), `errname` the name of it.
    """

    def __init__(self, message: str, *, errno: int | None = None, errname: str = "") -> None:
        super().__init__(message)
        self.errno = errno
        self.errname = errname


class JobAborted(Refused):
    """The job was stopped before its end; its changes until then remain."""


def may_still_happen(error: BaseException) -> bool:
    """Return whether the NAS may have done what failed, or may still do it."""
    return isinstance(error, OutcomeUnknown) or (isinstance(error, TimedOut) and error.pending)
