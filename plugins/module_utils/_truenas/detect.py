# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detect the generation of containers on a NAS by the API that it has. No other module does so."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    MissingLibrary,
    NotPermitted,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.virt_backend import VirtBackend

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import ContainerBackend
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.values import Warn
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


def detect_backend(wire: Wire, warn: Warn = values.ignore) -> ContainerBackend:
    """Return the backend for this NAS; `warn` gets a warning for each invalid value in its rows.

    Raises `Unsupported` for a release without a supported API.
    """
    try:
        return VirtBackend(wire, config(wire, "virt.global.config"), warn)
    except MissingLibrary:
        # A problem of this machine, not of the NAS.
        raise
    except Unsupported:
        # Removed in TrueNAS 26.
        pass
    # Imported here: it takes time to load, and other releases do not need it.
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.lxc_backend import LxcBackend

    try:
        return LxcBackend(wire, config(wire, "lxc.config"), warn)
    except Unsupported as error:
        raise Unsupported(
            f"{wire.nas} has neither the virt.* nor the container.* API: this collection supports TrueNAS 25.04, "
            "25.10 and 26"
        ) from error


def config(wire: Wire, method: str) -> t.Mapping[str, t.Any] | None:
    """Return a configuration; None if the account may not read it. Raises `Unsupported` if the method does not exist.

    The middleware checks roles only for a method that exists, so `NotPermitted` proves that it does.
    """
    try:
        row: t.Mapping[str, t.Any] = wire.read(method)
    except NotPermitted:
        return None
    return row
