# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SHA-256 and its HMAC without OpenSSL, which takes longer to load than a NAS to reply.

Python has its own implementation (`_sha2` since 3.12, `_sha256` before), which `random` uses in the same way. Some
distributions omit it; there, `hashlib` is used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

BLOCK_BYTES = 64
INNER, OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
"""The paddings of RFC 2104, for `bytes.translate`."""


def constructor() -> t.Callable[[bytes], t.Any]:
    """Return the function that creates a hash object."""
    for module in ("_sha2", "_sha256"):
        try:
            found: t.Callable[[bytes], t.Any] = __import__(module).sha256
        except ImportError:
            continue
        return found
    import hashlib

    return hashlib.sha256


sha256 = constructor()


def hmac_sha256(key: bytes, message: bytes) -> str:
    """Return the HMAC of a message in hexadecimal digits (RFC 2104)."""
    block = (sha256(key).digest() if len(key) > BLOCK_BYTES else key).ljust(BLOCK_BYTES, b"\0")
    inner = sha256(block.translate(INNER) + message).digest()
    return str(sha256(block.translate(OUTER) + inner).hexdigest())
