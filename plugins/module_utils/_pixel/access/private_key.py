# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads private key files: their public half, and why a key cannot be used.

OpenSSH and paramiko offer the same keys. If a key is configured, only that key is offered, from the SSH agent if the
agent has it. Otherwise the default key is offered first, then the other keys of the agent.
"""

from __future__ import annotations

import base64
import binascii
import os
import struct

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import DEFAULT_KEY
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import user_dirs

SIZE_LIMIT_BYTES = 64 * 1024
BEGIN_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
END_OPENSSH = b"-----END OPENSSH PRIVATE KEY-----"
# The file format of ssh-keygen (PROTOCOL.key of OpenSSH).
MAGIC = b"openssh-key-v1\0"
PUTTY = b"PuTTY-User-Key-File"


def expanded(path: str) -> str:
    """Return an absolute path. `~` is the value of `HOME`, as for all files of the collection.

    For a user without a home, no file can have the path that is returned for one that begins with `~`.
    """
    try:
        return os.path.abspath(user_dirs.expand(path))
    except FileNotFoundError:
        return os.path.join(os.devnull, path)


def to_offer(key_file: str | None) -> str | None:
    """Return the absolute path of the private key to offer: the one that is set, else the default key if it exists."""
    if key_file or is_there(DEFAULT_KEY):
        return expanded(key_file or DEFAULT_KEY)
    return None


def is_there(path: str) -> bool:
    """Return whether there is a private key, or the public half of one that the SSH agent may have."""
    return any(os.path.exists(name) for name in (expanded(path), f"{expanded(path)}.pub"))


def public_half(path: str) -> bytes | None:
    """Return the public half of a private key in binary form; None if reading it requires a passphrase.

    It is in the file with `.pub`, in the private key itself, or in `path` if that is a public key.
    """
    for name in (f"{expanded(path)}.pub", expanded(path)):
        try:
            content = read(name)
        except OSError:
            continue
        if blob := of_public_key(content) or header(content)[1]:
            return blob
    return None


def problem(path: str, *, in_agent: bool) -> str | None:
    """Return why a private key cannot be used, and what to do; None if its file is usable.

    `in_agent` is whether the SSH agent has the key, so that the file is not needed.
    """
    if in_agent:
        return None
    try:
        content = read(expanded(path))
    except (FileNotFoundError, NotADirectoryError):
        return f"there is no private key {path}. Set ssh.key or PIXELS_SSH_KEY to the one to use"
    except OSError as error:
        return f"the private key {path} cannot be read: {error.strerror}. Change its owner or mode"
    if of_public_key(content):
        return f"{path} cannot be used: it is a public key, whose private half the SSH agent does not have"
    if content.startswith(PUTTY):
        return f"{path} cannot be used: it is a key of PuTTY. Convert it (puttygen -O private-openssh)"
    if is_encrypted(content):
        return f"the private key {path} has a passphrase. Add it to an SSH agent (ssh-add {path})"
    if b"PRIVATE KEY-----" not in content:
        return f"{path} cannot be used: it is not a private key. Create one with ssh-keygen"
    return None


def is_open_to_others(path: str) -> bool:
    """Return whether ssh ignores a key because other users can read it (sshkey_perm_ok in authfile.c of OpenSSH)."""
    try:
        status = os.stat(expanded(path))
    except OSError:
        return False
    return status.st_uid == os.getuid() and bool(status.st_mode & 0o077)


def type_of(blob: bytes) -> str:
    """Return the type of a public key, such as `ssh-ed25519`."""
    return (field(blob) or b"").decode("ascii", "replace")


def is_encrypted(content: bytes) -> bool:
    """Return whether a private key has a passphrase."""
    cipher, _public = header(content)
    return cipher not in (None, b"none") or b"ENCRYPTED" in content.partition(b"\n\n")[0][:400]


def header(content: bytes) -> tuple[bytes | None, bytes | None]:
    """Return the cipher of a key in OpenSSH's format and its public half, which is not encrypted."""
    _before, begin, rest = content.partition(BEGIN_OPENSSH)
    if not begin:
        return None, None
    try:
        packed = base64.b64decode(b"".join(rest.partition(END_OPENSSH)[0].split()), validate=True)
    except binascii.Error:
        return None, None
    if not packed.startswith(MAGIC):
        return None, None
    at = len(MAGIC)
    cipher = field(packed, at)
    for _field in ("cipher", "key derivation", "its options"):
        at += 4 + len(field(packed, at) or b"")
    # The number of keys, which is 1, precedes the public key.
    return cipher, field(packed, at + 4) or None


def of_public_key(content: bytes) -> bytes | None:
    """Return the key of a line such as `ssh-ed25519 AAAA... comment`; None for other content."""
    words = content.split(None, 2)
    if len(words) < 2:
        return None
    try:
        blob = base64.b64decode(words[1], validate=True)
    except binascii.Error:
        return None
    return blob if field(blob) == words[0] else None


def field(packed: bytes, at: int = 0) -> bytes | None:
    """Return the string at a position, which starts with its length; None if there is none."""
    if len(packed) < at + 4:
        return None
    (size,) = struct.unpack_from(">I", packed, at)
    return packed[at + 4 : at + 4 + size] if size <= len(packed) - at - 4 else None


def read(path: str) -> bytes:
    """Read the first `SIZE_LIMIT_BYTES` of a file. Raises `OSError`."""
    with open(path, "rb") as file:
        return file.read(SIZE_LIMIT_BYTES)
