# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which holder a caller means, and how he proves that he knows its credential; no secret can be read from either."""

from __future__ import annotations

import hashlib
import hmac
import json
import os

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint

# What the TLS library reads by itself: callers with other settings do not trust the same hosts.
TLS_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def socket_name(salt: bytes, endpoint: Endpoint, credential: Credential, version: str) -> str:
    """The same for callers that may share a login: same NAS, account, secret, TLS settings and code."""
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
    return hmac.new(salt, json.dumps(parts).encode(), hashlib.sha256).hexdigest()[:16]


def proof(credential: Credential, challenge: str) -> str:
    """What only somebody who has the credential can answer to a challenge."""
    secret = f"{credential.username}\n{credential.api_key or credential.password}"
    return hmac.new(secret.encode(), challenge.encode(), hashlib.sha256).hexdigest()


def is_proof(given: object, credential: Credential, challenge: str) -> bool:
    expected = proof(credential, challenge)
    # As bytes: compare_digest refuses texts that are not ASCII, and what is given may be anything.
    return isinstance(given, str) and hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def code_version(folder: str) -> str:
    """A digest of all code that a holder runs; empty when it is in no folder, as inside a module's zip archive."""
    digest = hashlib.sha256()
    found = False
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(name for name in files if name.endswith(".py")):
            found = True
            with open(os.path.join(path, name), "rb") as file:
                content = file.read()
            digest.update(f"{os.path.relpath(path, folder)}/{name} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:16] if found else ""


# Tells a module the folder and the version of its code: Ansible runs it from an archive that is gone when it ends.
CODE = "PIXELS_CODE"

FOLDER = os.path.dirname(os.path.abspath(__file__))
# Of the code as it is loaded: in Ansible's main process, whose workers inherit it.
VERSION = code_version(os.path.dirname(FOLDER))


def code() -> str:
    """What C(CODE) is set to for a module that is packed now."""
    return f"{VERSION}:{FOLDER}" if VERSION else ""


def unpacked(told: str | None) -> tuple[str, str]:
    """The folder and the version that C(code) told; empty where there is no such folder on this machine."""
    version, _colon, folder = (told or "").partition(":")
    return (folder, version) if version and os.path.isabs(folder) and os.path.isdir(folder) else ("", "")


if not VERSION:
    FOLDER, VERSION = unpacked(os.environ.get(CODE))
