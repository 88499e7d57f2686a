# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client's side of a SCRAM-SHA-512 login with a TrueNAS API key; no I/O.

TrueNAS 26 departs from RFC 5802 in one place: the combined nonce is the base64 of both nonces' bytes, so its text does
not begin with the text of the client's nonce. The key itself never leaves this machine.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import re
import secrets
import typing as t

NONCE_BYTES = 32
# utils of the middleware allow this range; a server outside it is broken, or wants to keep our processor busy.
ITERATIONS = range(50_000, 5_000_001)
NO_CHANNEL_BINDING = "n,,"
DIGEST = "sha512"
DIGITS = re.compile("[0-9]{1,9}")


class ScramError(ValueError):
    """The other side does not keep to the protocol, or does not know our key."""


class ScramClient:
    """One login: `first()`, then `final(answer)`, then `verify(answer)`; never used twice."""

    def __init__(self, username: str, api_key: str, nonce: bytes | None = None) -> None:
        key_id, dash, self._secret = api_key.partition("-")
        if not (dash and key_id.isdigit() and self._secret):
            raise ScramError("an API key has the form NUMBER-SECRET")
        if any(character in username for character in ",="):
            raise ScramError("a username with a comma or an equals sign cannot log in by SCRAM")
        self._nonce = nonce or secrets.token_bytes(NONCE_BYTES)
        self._first_bare = f"n={username}:{key_id},r={_to_base64(self._nonce)}"
        self._signature = b""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def first(self) -> str:
        """Return the message that opens the login."""
        return NO_CHANNEL_BINDING + self._first_bare

    def final(self, server_first: str) -> str:
        """Return the message that proves possession of the key, from the server's nonce, salt and iteration count."""
        fields = _fields(server_first)
        combined, salt, iterations = fields.get("r", ""), fields.get("s", ""), fields.get("i", "")
        if not _from_base64(combined).startswith(self._nonce) or _from_base64(combined) == self._nonce:
            raise ScramError("the NAS answered with a nonce that does not continue ours")
        if not DIGITS.fullmatch(iterations) or int(iterations) not in ITERATIONS:
            raise ScramError("the NAS asks for a number of iterations that is out of range")

        final_bare = f"c={_to_base64(NO_CHANNEL_BINDING.encode())},r={combined}"
        salted = _salted(self._secret, _from_base64(salt), int(iterations))
        message = f"{self._first_bare},{server_first},{final_bare}".encode()
        client_key = hmac.digest(salted, b"Client Key", DIGEST)
        client_signature = hmac.digest(hashlib.sha512(client_key).digest(), message, DIGEST)
        self._signature = hmac.digest(hmac.digest(salted, b"Server Key", DIGEST), message, DIGEST)
        proof = bytes(left ^ right for left, right in zip(client_key, client_signature, strict=True))
        return f"{final_bare},p={_to_base64(proof)}"

    def verify(self, server_final: str) -> None:
        """Raise unless the NAS, too, has proved that it knows the key."""
        signature = _from_base64(_fields(server_final).get("v", ""))
        if not self._signature or not hmac.compare_digest(signature, self._signature):
            raise ScramError("the NAS could not prove that it knows the API key")


@functools.lru_cache(maxsize=2)
def _salted(secret: str, salt: bytes, iterations: int) -> bytes:
    """Derive the salted key. Its result is kept for the next login, because 500,000 iterations take 0.3 s."""
    return hashlib.pbkdf2_hmac(DIGEST, secret.encode(), salt, iterations)


def _fields(message: str) -> dict[str, str]:
    pairs: t.Iterable[tuple[str, str, str]] = (part.partition("=") for part in message.split(","))
    return {name: value for name, equals, value in pairs if equals}


def _to_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ScramError("the NAS sent something that is not base64") from error
