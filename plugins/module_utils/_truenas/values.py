# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate values in the rows of a NAS once, before anything relies on them.

The NAS chooses these values, and a guest can choose some of them. They reach command lines and configuration files of
OpenSSH, shell completion, URLs, file names and variables of Ansible. So each has one valid form; any other value is
ignored with a warning. This module does not import `typing` and `ipaddress`, which take longer to load than a NAS to
reply.
"""

from __future__ import annotations

import re
import socket

from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import safe_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import collections.abc
    import typing as t

    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Address

    Warn = collections.abc.Callable[[str], None]

FAMILIES = {"INET": "ipv4", "ipv4": "ipv4", "INET6": "ipv6", "ipv6": "ipv6"}
"""The families of `aliases` in 25.04 and 25.10; early releases write `ipv4`."""

CODES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
BITS = {"ipv4": 32, "ipv6": 128}

# The rule of Incus for names of instances, and of TrueNAS 26 for containers (host names, here without dots).
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
STATUS = re.compile(r"[A-Za-z][A-Za-z_]{0,30}")
UNKNOWN_STATUS = "unknown"
LABEL = re.compile(r"\w{1,255}", re.ASCII)
CPU = re.compile(r"[0-9][0-9,^ -]{0,254}")
# What ZFS accepts as names of datasets and snapshots, spaces included.
DATASET = re.compile(r"[A-Za-z0-9][\w.:-]*(?: [\w.:-]+)*(?:/[\w.:-]+(?: [\w.:-]+)*)*", re.ASCII)
SNAPSHOT = re.compile(r"[\w.:-]+(?: [\w.:-]+)*", re.ASCII)
MAX_DATASET_LENGTH = 255
# Linux allows up to 15 bytes without slashes and white space; this is the part of it that is in use.
INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}")
BRIDGE = re.compile(r"br\d{1,4}", re.ASCII)

QUOTE_LENGTH = 100
"""The most characters of a value in a warning."""


class Warnings:
    """Pass each warning on once: rows are read repeatedly while the collection waits for a change."""

    def __init__(self, warn: Warn) -> None:
        self._warn = warn
        self._given: set[str] = set()

    def __call__(self, text: str) -> None:
        """Give a warning, unless it was given before."""
        if text not in self._given:
            self._given.add(text)
            self._warn(text)


def ignore(text: str) -> None:
    """Give no warning."""


def quoted(value: object) -> str:
    """Return a value for a message: in quotes, safe to show, and bounded."""
    return f"'{safe_text(value, limit=QUOTE_LENGTH)}'"


def skipped_warning(name: object, nas: str) -> str:
    """Return the warning about a container with an invalid name."""
    return f"ignored a container on {nas} with the invalid name {quoted(name)}. Rename or delete it on the NAS"


def is_name(value: object) -> bool:
    """Return whether a value is a valid name of a container."""
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def is_prefixed_name(value: object, prefix: str) -> bool:
    """Return whether a value is a valid full name of a pixel: a prefix and a bare name.

    The bare name must not start with the prefix: it would be mistaken for the full name of another pixel.
    """
    if not (isinstance(value, str) and is_name(value) and value.startswith(prefix)):
        return False
    rest = value[len(prefix) :]
    return is_name(rest) and not rest.startswith(prefix)


def packed_address(family: str, text: object) -> bytes | None:
    """Return the bytes of an address; None if it is invalid, has a zone, or is no address of another machine.

    The latter are multicast, unspecified, reserved and link-local addresses.
    """
    # Some systems accept a zone, which may contain any text.
    if not isinstance(text, str) or "%" in text:
        return None
    try:
        packed = socket.inet_pton(CODES[family], text)
    except (OSError, ValueError, KeyError):
        return None
    return packed if is_reachable(packed) else None


def is_address(family: str, text: object) -> bool:
    """Return whether a value is a valid address, of any scope."""
    if not isinstance(text, str) or "%" in text:
        return False
    try:
        socket.inet_pton(CODES[family], text)
    except (OSError, ValueError, KeyError):
        return False
    return True


def is_reachable(packed: bytes) -> bool:
    """Return whether another machine can connect to an address."""
    if len(packed) == 4:
        return 0 < packed[0] < 224 and packed[:2] != b"\xa9\xfe"
    link_local, mapped = packed[0] == 0xFE and packed[1] & 0xC0 == 0x80, packed[:12] == bytes(10) + b"\xff\xff"
    return any(packed) and packed[0] != 0xFF and not link_local and not mapped


def format_address(packed: bytes) -> str:
    """Return an address in its normal form."""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def prefix_length(value: object, family: str) -> int | None:
    """Return a prefix length in bits; None if it is invalid."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 3:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= BITS[family]:
        return value
    return None


def is_first_of_network(packed: bytes, prefix: int | None) -> bool:
    """Return whether an address is the first one of its network, as that of a bridge usually is: `172.17.0.1/16`."""
    if prefix is None:
        return False
    hosts = 8 * len(packed) - prefix
    return hosts > 1 and int.from_bytes(packed, "big") & ((1 << hosts) - 1) == 1


def is_bridge(found: Address) -> bool:
    """Return whether an address looks like that of a bridge in the guest: the first one of its network."""
    packed = packed_address(found.family, found.address)
    return packed is not None and is_first_of_network(packed, found.prefix)


def status(value: object, warn: Warn) -> str:
    """Return a status in lower case; `unknown` with a warning if it is invalid."""
    if isinstance(value, str) and STATUS.fullmatch(value):
        return value.lower()
    warn(f"the NAS reports the invalid status {quoted(value)}: it is shown as {UNKNOWN_STATUS}")
    return UNKNOWN_STATUS


def dataset(value: object, warn: Warn) -> str | None:
    """Return the name of a dataset or pool; None with a warning if it is invalid."""
    if not value:
        return None
    if isinstance(value, str) and len(value) <= MAX_DATASET_LENGTH and DATASET.fullmatch(value):
        return value
    warn(f"the NAS reports the invalid dataset or pool {quoted(value)}: it is ignored")
    return None


def is_snapshot_label(value: object) -> bool:
    """Return whether a value is a valid label: the part after the `@` in the name of a snapshot."""
    return isinstance(value, str) and len(value) <= MAX_DATASET_LENGTH and SNAPSHOT.fullmatch(value) is not None


def is_interface(value: object) -> bool:
    """Return whether a value is a valid name of a network interface."""
    return isinstance(value, str) and INTERFACE.fullmatch(value) is not None


def is_bridge_name(value: object) -> bool:
    """Return whether a value is a name that `interface.create` accepts for a bridge (plugins/network.py)."""
    return isinstance(value, str) and BRIDGE.fullmatch(value) is not None


def cpu(value: object, warn: Warn) -> str | None:
    """Return a number or a set of CPUs; None for no limit, and with a warning if it is invalid."""
    if not value:
        return None
    if isinstance(value, str) and CPU.fullmatch(value):
        return value
    warn(f"the NAS reports the invalid CPU limit {quoted(value)}: it is ignored")
    return None


def texts(value: object, warn: Warn) -> dict[str, str]:
    """Return the entries of an object whose values are strings; others are ignored with a warning."""
    if not isinstance(value, dict):
        return {}
    found = {name: each for name, each in value.items() if isinstance(name, str) and isinstance(each, str)}
    for name in value.keys() - found.keys():
        warn(f"the NAS reports a variable {quoted(name)} whose value is not a string: it is ignored")
    return found


def labels(value: t.Mapping[str, str], warn: Warn) -> dict[str, str]:
    """Return the labels with valid names; others are ignored with a warning."""
    found = {name: each for name, each in value.items() if LABEL.fullmatch(name)}
    for name in value.keys() - found.keys():
        warn(f"the NAS reports a label with the invalid name {quoted(name)}: it is ignored")
    return found
