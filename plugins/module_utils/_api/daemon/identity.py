# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which session daemon a client means, and the proof that it knows the credential. Neither reveals the secret."""

from __future__ import annotations

import json
import os

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.sha256 import hmac_sha256, sha256

TLS_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that the TLS library reads: clients with other values trust other certificates."""


def socket_name(salt: bytes, endpoint: Endpoint, credential: Credential, version: str) -> str:
    """Return the same name for clients that may share a login: same NAS, account, secret, TLS settings and code."""
    parts = (
        endpoint.url,
        endpoint.validate_certs,
        endpoint.ca_path,
        *(os.environ.get(name) for name in TLS_VARIABLES),
        credential.username,
        credential.api_key,
        credential.password,
        credential.mechanism,
        version,
    )
    return hmac_sha256(salt, json.dumps(parts).encode())[:16]


def proof(credential: Credential, challenge: str) -> str:
    """Return the response to a challenge, which requires the credential."""
    secret = f"{credential.username}\n{credential.api_key or credential.password}"
    return hmac_sha256(secret.encode(), challenge.encode())


def is_proof(response: object, credential: Credential, challenge: str) -> bool:
    """Return whether `response` is the proof for `challenge`; it may be any JSON value."""
    # Imported here: only the daemon needs it, and it loads OpenSSL.
    import hmac

    expected = proof(credential, challenge)
    # compare_digest rejects strings with characters beyond ASCII.
    return isinstance(response, str) and hmac.compare_digest(response.encode(errors="replace"), expected.encode())


def code_version(directory: str) -> str:
    """Return a digest of the code that a daemon runs; empty for code in no directory, as in a module's zip archive."""
    digest = sha256(b"")
    found = False
    for path, directories, files in os.walk(directory):
        directories[:] = sorted(name for name in directories if name != "__pycache__")
        for name in sorted(name for name in files if name.endswith(".py")):
            found = True
            with open(os.path.join(path, name), "rb") as file:
                content = file.read()
            digest.update(f"{os.path.relpath(path, directory)}/{name} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:16] if found else ""


CODE_VARIABLE = "PIXELS_CODE"
"""Passes the directory and the version of the code to a module, which Ansible runs from a temporary archive."""

CODE_DIRECTORY = os.path.dirname(os.path.abspath(__file__))
# Of the code as it is loaded: in Ansible's main process, from which its workers inherit it.
VERSION = code_version(os.path.dirname(CODE_DIRECTORY))


def code_reference() -> str:
    """Return the value of `CODE_VARIABLE` for a module that is packed now."""
    return f"{VERSION}:{CODE_DIRECTORY}" if VERSION else ""


def parse_code_reference(reference: str | None) -> tuple[str, str]:
    """Return the directory and the version in `reference`; empty if this machine has no such directory."""
    version, _colon, directory = (reference or "").partition(":")
    return (directory, version) if version and os.path.isabs(directory) and os.path.isdir(directory) else ("", "")


if not VERSION:
    CODE_DIRECTORY, VERSION = parse_code_reference(os.environ.get(CODE_VARIABLE))
