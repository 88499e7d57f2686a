# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's side of SCRAM-SHA-512 as TrueNAS 26 speaks it: RFC 5802 except for how the nonces are joined."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

NONCE_BYTES = 32
CLIENT_FIRST = re.compile(
    r"(?P<gs2>(?:n|y|p=tls-server-end-point),,)(?P<bare>n=(?P<user>[^,=]+):(?P<key>\d+),r=(?P<nonce>[^,]+))"
)
CLIENT_FINAL = re.compile(r"(?P<without_proof>c=(?P<binding>[^,]+),r=(?P<nonce>[^,]+)),p=(?P<proof>[^,]+)")


class ScramRefused(Exception):
    """The exchange cannot go on; TrueNAS says no more than AUTH_ERR."""


@dataclass(frozen=True)
class ScramKeys:
    """What the NAS keeps of an API key."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes

    @classmethod
    def derive(cls, secret: str, *, salt: bytes, iterations: int) -> ScramKeys:
        salted = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, iterations)
        client_key = _hmac(salted, b"Client Key")
        return cls(salt, iterations, hashlib.sha512(client_key).digest(), _hmac(salted, b"Server Key"))


@dataclass(frozen=True)
class ClientFirst:
    username: str
    key_id: int
    nonce: bytes
    bare: str
    gs2: str

    @property
    def binds_channel(self) -> bool:
        return self.gs2.startswith("p=")

    @classmethod
    def parse(cls, text: str) -> ClientFirst:
        """Raises `ScramRefused`."""
        found = CLIENT_FIRST.fullmatch(text)
        if found is None:
            raise ScramRefused("not a client-first-message")
        return cls(found["user"], int(found["key"]), _decoded(found["nonce"]), found["bare"], found["gs2"])


class Exchange:
    """One login in two messages."""

    def __init__(self, first: ClientFirst, keys: ScramKeys, *, channel: bytes, nonce: bytes | None = None) -> None:
        """`channel` is the hash of the server's certificate; `nonce` is random unless a test needs it otherwise."""
        self._first = first
        self._keys = keys
        self._binding = first.gs2.encode() + (channel if first.binds_channel else b"")
        joined = first.nonce + (nonce or secrets.token_bytes(NONCE_BYTES))
        self._nonce = _encoded(joined)
        self.server_first = f"r={self._nonce},s={_encoded(keys.salt)},i={keys.iterations}"

    def server_final(self, client_final: str) -> str:
        """Check the client's proof and answer with the server's own. Raises `ScramRefused`."""
        found = CLIENT_FINAL.fullmatch(client_final)
        if found is None or found["nonce"] != self._nonce or _decoded(found["binding"]) != self._binding:
            raise ScramRefused("not the client-final-message of this exchange")
        message = ",".join([self._first.bare, self.server_first, found["without_proof"]]).encode()
        signature = _hmac(self._keys.stored_key, message)
        client_key = bytes(a ^ b for a, b in zip(_decoded(found["proof"]), signature, strict=False))
        if not hmac.compare_digest(hashlib.sha512(client_key).digest(), self._keys.stored_key):
            raise ScramRefused("wrong proof")
        return f"v={_encoded(_hmac(self._keys.server_key, message))}"


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha512")


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ScramRefused("not base64") from error
