# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which generation of containers a NAS speaks: the only place that asks, by asking which API answers."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    MissingLibrary,
    NotPermitted,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.virt import VirtBackend

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import ContainerBackend
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


def choose(wire: Wire) -> ContainerBackend:
    """The backend this NAS answers to.

    Raises C(Unsupported) for a release without an API this collection speaks.
    """
    try:
        return VirtBackend(wire, config(wire, "virt.global.config"))
    except MissingLibrary:
        # That is about this machine.
        raise
    except Unsupported:
        # TrueNAS 26 has it no more.
        pass
    # Only here: what it imports takes time to load, and most releases do without.
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.container import LxcBackend

    try:
        return LxcBackend(wire, config(wire, "lxc.config"))
    except Unsupported as error:
        raise Unsupported(
            f"{wire.nas} has neither the virt.* nor the container.* API: this collection manages containers on "
            "TrueNAS 25.04, 25.10 and 26"
        ) from error


def config(wire: Wire, method: str) -> t.Mapping[str, t.Any] | None:
    """What a configuration says; None where the account may not read it, but it is there.

    A method that may not be called is there: the role check comes after the method was found.
    """
    try:
        found: t.Mapping[str, t.Any] = wire.read(method)
    except NotPermitted:
        return None
    return found
