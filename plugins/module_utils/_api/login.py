# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs an account in to a NAS: by API key, by password, or by SCRAM; and waits where the NAS allows no more logins."""

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
)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 15.0

# What TrueNAS answers in response_type, put to the user.
SENTENCES = {
    "AUTH_ERR": "{nas} refused the login of {user}: the username or the {secret} is wrong, or the {secret} was revoked",
    "EXPIRED": "{nas} refused the login of {user}: the {secret} has expired or was revoked; make a new one on the NAS",
    "DENIED": "{nas} refused the login of {user}: the {secret} is right, but the user is locked or has no API access; "
    "give the user a privilege in Credentials > Groups",
    "OTP_REQUIRED": "{nas} asks {user} for a one-time password: use an API key, which needs no second factor",
    "REDIRECT": "{nas} is the standby node of a pair: connect to the active one",
}
NOT_ALLOWED = "{nas} does not allow logins by {secret} at its security level (STIG mode): use another kind of login"


class Ask(t.Protocol):
    """How a login talks to the NAS: one call on the connection that is to be logged in."""

    def __call__(self, method: str, *params: t.Any) -> t.Any: ...


def refuse_unsafe(endpoint: Endpoint, credential: Credential) -> None:
    """Raise before anything is sent when TrueNAS would revoke the key for having been sent in the clear."""
    if endpoint.plain and credential.api_key and credential.mechanism != "scram" and not endpoint.is_loopback:
        raise LoginRefused(
            f"an API key is not sent to {endpoint.nas} without TLS: TrueNAS revokes a key that was; "
            "use its HTTPS port with an encrypted connection (wss)"
        )


def log_in(
    ask: Ask,
    credential: Credential,
    *,
    nas: str,
    login_wait: float,
    notice: t.Callable[[str], None],
    unverified: bool = False,
    sleep: t.Callable[[float], None] = time.sleep,
    clock: t.Callable[[], float] = time.monotonic,
) -> None:
    """Log in on this connection, or raise LoginRefused; RateLimited after C(login_wait) seconds in vain.

    C(unverified) is whether anybody could be at the other end: then it is told before a secret is sent there.
    TrueNAS counts all logins of an address, also those that succeed, in windows of 60 s (utils/rate_limit).
    """
    until = clock() + login_wait
    pause = FIRST_PAUSE
    # Asked once: TrueNAS counts that question, too, and its answer stays the same.
    scram: bool | None = None
    while True:
        try:
            if scram is None:
                scram = _chooses_scram(ask, credential, nas)
                if unverified and not scram:
                    notice(
                        f"the certificate of {nas} is not verified, so whoever answers there gets the "
                        f"{_secret(credential)}: name its authority with ca_path, or have it never sent with "
                        "login_mechanism scram (TrueNAS 26)"
                    )
            return _log_in_once(ask, credential, nas, scram=scram)
        except RateLimited:
            left = until - clock()
        if left <= 0:
            raise RateLimited(
                f"{nas} allows 20 logins a minute from one address; they are used up, and {login_wait:g} s of waiting "
                "(login_wait) did not help: run fewer tasks at once, or wait longer"
            )
        notice(f"waiting up to {left:.0f} s to log in: {nas} allows 20 logins a minute from one address")
        # Only here: few ever wait.
        import random

        # Many processes may be waiting for the same window: they should not all come back at once.
        sleep(min(pause * random.uniform(0.75, 1.25), left))
        pause = min(pause * 2, LONGEST_PAUSE)


def _log_in_once(ask: Ask, credential: Credential, nas: str, *, scram: bool) -> None:
    try:
        if credential.password:
            _by_secret(ask, credential, nas, {"mechanism": "PASSWORD_PLAIN", "password": credential.password})
        elif scram:
            _by_scram(ask, credential, nas)
        else:
            _by_secret(ask, credential, nas, {"mechanism": "API_KEY_PLAIN", "api_key": credential.api_key})
    except (Refused, Invalid) as error:
        refused = _put(error, credential, nas)
    else:
        return
    raise refused


def _chooses_scram(ask: Ask, credential: Credential, nas: str) -> bool:
    if credential.password or credential.mechanism != "auto":
        return credential.mechanism == "scram"
    try:
        return "SCRAM" in (ask("auth.mechanism_choices") or ())
    except Refused as error:
        # TrueNAS 25 stumbles over this question when nobody is logged in yet: an EINVAL with a Python error's text.
        if error.errno == errno.EINVAL:
            return False
        refused = _put(error, credential, nas)
    raise refused


def _by_secret(ask: Ask, credential: Credential, nas: str, secret: dict[str, t.Any]) -> None:
    answer = ask("auth.login_ex", {"username": credential.username, "login_options": {"user_info": False}, **secret})
    if _response_type(answer) != "SUCCESS":
        raise _refused(answer, credential, nas)


def _by_scram(ask: Ask, credential: Credential, nas: str) -> None:
    """Both sides prove that they know the key; there is no way back to sending it."""
    # Only here: the cryptography takes longer to load than the other way to log in takes.
    from ansible_collections.pixels.truenas.plugins.module_utils._api.scram import ScramClient, ScramError

    def exchange(kind: str, text: str, expected: str) -> str:
        answer = ask("auth.login_ex", {"mechanism": "SCRAM", "scram_type": kind, "rfc_str": text})
        match answer:
            case {"response_type": "SCRAM_RESPONSE", "scram_type": str(got), "rfc_str": str(said)} if got == expected:
                return said
        raise _refused(answer, credential, nas)

    try:
        scram = ScramClient(credential.username, credential.api_key or "")
        challenge = exchange("CLIENT_FIRST_MESSAGE", scram.first(), "SERVER_FIRST_RESPONSE")
        scram.verify(exchange("CLIENT_FINAL_MESSAGE", scram.final(challenge), "SERVER_FINAL_RESPONSE"))
    except ScramError as error:
        problem = str(error)
    else:
        return
    raise LoginRefused(f"no SCRAM login of {credential.username} at {nas}: {problem}", response_type="SCRAM")


def _refused(answer: t.Any, credential: Credential, nas: str) -> LoginRefused:
    response_type = _response_type(answer)
    sentence = SENTENCES.get(response_type, "{nas} answered the login of {user} with something unknown")
    said = sentence.format(nas=nas, user=credential.username, secret=_secret(credential))
    urls = answer.get("urls") if response_type == "REDIRECT" else None
    if isinstance(urls, list) and urls:
        said += f" ({', '.join(str(url) for url in urls)})"
    return LoginRefused(said, response_type=response_type)


def _put(error: Refused | Invalid, credential: Credential, nas: str) -> PixelsError:
    """The sentence for a login that TrueNAS answers with an error instead of a response_type."""
    if isinstance(error, Invalid):
        if credential.mechanism == "scram":
            return LoginRefused(
                f"{nas} does not know SCRAM logins: they came with TrueNAS 26; use the mechanism auto or plain",
                response_type="UNSUPPORTED",
            )
        return LoginRefused(f"{nas} could not make sense of the login: {error}", response_type="INVALID")
    if error.errno == errno.EOPNOTSUPP:
        return LoginRefused(NOT_ALLOWED.format(nas=nas, secret=_secret(credential)), response_type=error.errname)
    return LoginRefused(f"no login of {credential.username}: {error}", response_type=error.errname)


def _response_type(answer: t.Any) -> str:
    response_type = answer.get("response_type") if isinstance(answer, dict) else None
    return response_type if isinstance(response_type, str) else ""


def _secret(credential: Credential) -> str:
    return "password" if credential.password else "API key"
