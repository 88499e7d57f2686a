# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log in to a NAS with an API key, a password, or SCRAM, and wait while the NAS limits the rate of logins."""

from __future__ import annotations

import errno
import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    LoginRefused,
    PixelsError,
    RateLimited,
    Refused,
    UnexpectedReply,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import QUOTE_LIMIT, safe_text

FIRST_PAUSE_S = 1.0
MAX_PAUSE_S = 15.0

SENTENCES = {
    "AUTH_ERR": "{nas} refused the login of '{user}': the username or the {secret} is wrong, or the {secret} was "
    "revoked. Check them in the TrueNAS web interface (Credentials)",
    "EXPIRED": "{nas} refused the login of '{user}': the {secret} has expired or was revoked. Create a new one in the "
    "TrueNAS web interface (Credentials)",
    "DENIED": "{nas} refused the login of '{user}': the {secret} is correct, but the user is locked or has no API "
    "access. Give the user a privilege in the TrueNAS web interface (Credentials > Groups)",
    "OTP_REQUIRED": "{nas} refused the login of '{user}': it requires a one-time password. Use an API key, which needs "
    "no second factor",
    "REDIRECT": "{nas} refused the login of '{user}': it is the standby node of a pair. Connect to the active node",
}
"""The error message for each `response_type` of `auth.login_ex`."""
NOT_ALLOWED = (
    "{nas} refused the login: its security level (STIG mode) does not allow it by {secret}. Use another credential"
)


RESPONSE_TYPE_LIMIT = 100
"""Characters of a `response_type` that are kept; the longest of TrueNAS has 14."""


class _NotSuccess(Exception):
    """A login had another result than success."""

    def __init__(self, answer: t.Any) -> None:
        super().__init__("the login did not succeed")
        self.answer = answer


class Ask(t.Protocol):
    """Calls a method on the connection that is to be logged in."""

    def __call__(self, method: str, *params: t.Any) -> t.Any: ...


def refuse_unsafe(endpoint: Endpoint, credential: Credential) -> None:
    """Raise `LoginRefused` before the key is sent without TLS: TrueNAS revokes keys that were."""
    if endpoint.plain and credential.api_key and credential.mechanism != "scram" and not endpoint.is_loopback:
        raise LoginRefused(
            f"did not log in to {endpoint.nas}: the connection has no TLS, and TrueNAS revokes API keys that are sent "
            "without. Use its HTTPS port with an encrypted connection (wss)"
        )


def log_in(
    ask: Ask,
    credential: Credential,
    *,
    nas: str,
    login_wait: float,
    notice: t.Callable[[str], None],
    redact: t.Callable[[str], str] = str,
    unverified: bool = False,
    sleep: t.Callable[[float], None] = time.sleep,
    clock: t.Callable[[], float] = time.monotonic,
) -> None:
    """Log in on a connection. Raises `LoginRefused`, and `RateLimited` after `login_wait` seconds.

    `redact` masks secrets in replies of the NAS, which may echo what it was sent. `unverified` means that the
    certificate of the NAS is not checked: then `notice` gets a warning before a secret is sent.
    TrueNAS counts all logins of an address, successful ones included, in windows of 60 s (utils/rate_limit/cache.py).
    """
    deadline = clock() + login_wait
    pause = FIRST_PAUSE_S
    # Determined once: TrueNAS counts these calls as well, and the result does not change.
    scram: bool | None = None
    while True:
        try:
            if scram is None:
                scram = _chooses_scram(ask, credential, nas)
                if unverified and not scram:
                    notice(
                        f"the certificate of {nas} is not verified, so another machine could receive the "
                        f"{_secret(credential)}: set ca_path to its certificate authority, or on TrueNAS 26 set "
                        "login_mechanism to scram, which never sends an API key"
                    )
            return _log_in_once(ask, credential, nas, scram=scram, redact=redact)
        except RateLimited:
            left = deadline - clock()
        if left <= 0:
            raise RateLimited(
                f"could not log in to {nas} within {login_wait:g} s (login_wait): it allows 20 logins a minute from "
                "one address, and they are used up. Run fewer tasks at the same time, or increase login_wait"
            )
        notice(f"waiting up to {left:.0f} s to log in: {nas} allows 20 logins a minute from one address")
        # Imported here: most logins do not wait.
        import random

        # Many processes may wait for the same window, and should not all retry at the same moment.
        sleep(min(pause * random.uniform(0.75, 1.25), left))
        pause = min(pause * 2, MAX_PAUSE_S)


def _log_in_once(
    ask: Ask, credential: Credential, nas: str, *, scram: bool, redact: t.Callable[[str], str] = str
) -> None:
    try:
        if credential.password:
            _by_secret(ask, credential, {"mechanism": "PASSWORD_PLAIN", "password": credential.password})
        elif scram:
            _by_scram(ask, credential, nas)
        else:
            _by_secret(ask, credential, {"mechanism": "API_KEY_PLAIN", "api_key": credential.api_key})
    except _NotSuccess as outcome:
        refused = _refused(outcome.answer, credential, nas, redact)
    except (Refused, Invalid) as error:
        refused = _login_error(error, credential, nas)
    else:
        return
    raise refused


def _chooses_scram(ask: Ask, credential: Credential, nas: str) -> bool:
    if credential.password or credential.mechanism != "auto":
        return credential.mechanism == "scram"
    choices: t.Any = None
    refused = None
    try:
        choices = ask("auth.mechanism_choices")
    except Refused as error:
        # TrueNAS 25 fails here before the login, with EINVAL and the text of a Python error.
        if error.errno == errno.EINVAL:
            return False
        refused = _login_error(error, credential, nas)
    if refused is not None:
        raise refused
    if isinstance(choices, list) and all(isinstance(each, str) for each in choices):
        return "SCRAM" in choices
    raise UnexpectedReply.about("the result is not a list of strings", method="auth.mechanism_choices", nas=nas)


def _by_secret(ask: Ask, credential: Credential, secret: dict[str, t.Any]) -> None:
    answer = ask("auth.login_ex", {"username": credential.username, "login_options": {"user_info": False}, **secret})
    if _response_type(answer) != "SUCCESS":
        raise _NotSuccess(answer)


def _by_scram(ask: Ask, credential: Credential, nas: str) -> None:
    """Log in with SCRAM: both sides prove that they know the key. Never falls back to sending it."""
    # Imported here: the cryptography takes longer to load than another login takes.
    from ansible_collections.pixels.truenas.plugins.module_utils._api.scram import ScramClient, ScramError

    def exchange(kind: str, text: str, expected: str) -> str:
        answer = ask("auth.login_ex", {"mechanism": "SCRAM", "scram_type": kind, "rfc_str": text})
        match answer:
            case {"response_type": "SCRAM_RESPONSE", "scram_type": str() as got, "rfc_str": str() as said} if (
                got == expected
            ):
                return said
        raise _NotSuccess(answer)

    try:
        scram = ScramClient(credential.username, credential.api_key or "")
        challenge = exchange("CLIENT_FIRST_MESSAGE", scram.first(), "SERVER_FIRST_RESPONSE")
        scram.verify(exchange("CLIENT_FINAL_MESSAGE", scram.final(challenge), "SERVER_FINAL_RESPONSE"))
    except ScramError as error:
        problem = str(error)
    else:
        return
    raise LoginRefused(f"SCRAM login of '{credential.username}' to {nas} failed: {problem}", response_type="SCRAM")


def _refused(answer: t.Any, credential: Credential, nas: str, redact: t.Callable[[str], str]) -> PixelsError:
    # Masked before it is truncated: a part of a password would not be recognized.
    response_type = safe_text(redact(_response_type(answer)), limit=RESPONSE_TYPE_LIMIT)
    if not response_type:
        return UnexpectedReply.about("the result is not that of a login", method="auth.login_ex", nas=nas)
    sentence = SENTENCES.get(response_type, "{nas} refused the login of '{user}' for an unknown reason")
    message = sentence.format(nas=nas, user=credential.username, secret=_secret(credential))
    urls = answer.get("urls") if response_type == "REDIRECT" else None
    named = [url for url in urls if isinstance(url, str)][:2] if isinstance(urls, list) else []
    if named:
        message += safe_text(f" ({redact(', '.join(named))})", limit=QUOTE_LIMIT)
    return LoginRefused(message, response_type=response_type)


def _login_error(error: Refused | Invalid, credential: Credential, nas: str) -> PixelsError:
    """Return the error for a login to which TrueNAS replies with an error instead of a `response_type`."""
    if isinstance(error, Invalid):
        if credential.mechanism == "scram":
            return LoginRefused(
                f"{nas} does not support SCRAM logins: they require TrueNAS 26. Set login_mechanism to auto or plain",
                response_type="UNSUPPORTED",
            )
        return LoginRefused(f"{nas} rejected the login as invalid: {error}", response_type="INVALID")
    if error.errno == errno.EOPNOTSUPP:
        return LoginRefused(NOT_ALLOWED.format(nas=nas, secret=_secret(credential)), response_type=error.errname)
    return LoginRefused(f"login of '{credential.username}' failed: {error}", response_type=error.errname)


def _response_type(answer: t.Any) -> str:
    response_type = answer.get("response_type") if isinstance(answer, dict) else None
    return response_type if isinstance(response_type, str) else ""


def _secret(credential: Credential) -> str:
    return "password" if credential.password else "API key"
