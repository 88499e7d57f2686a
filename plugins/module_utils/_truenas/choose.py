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
        return VirtBackend(wire, wire.read("virt.global.config"))
    except NotPermitted:
        # A method that may not be called is there: the role check comes after the method was found.
        return VirtBackend(wire, None)
    except MissingLibrary:
        # That is about this machine.
        raise
    except Unsupported as error:
        raise Unsupported(
            f"{wire.nas} has no virt.* API: this collection manages containers on TrueNAS 25.04 and 25.10"
        ) from error
