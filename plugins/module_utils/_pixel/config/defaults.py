# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Define the defaults of new pixels."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.memory_size import MIB
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.base_table import ConfiguredBase
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.env_table import NOTHING, Environment


@dataclass(frozen=True)
class EgressDefaults:
    """The egress policy of new pixels as configured, which `_pixel/egress/configured_policy.py` checks."""

    mode: str | None = None
    """None if no source sets it."""
    lists: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Lists of the policy that a source sets, by name. Settings are keys of a cache, and dictionaries have no hash."""
    sudo: str | None = None
    """None if no source sets it."""
    options: frozenset[str] = frozenset()
    """What the caller set, rather than a variable or the configuration file: `mode`, `sudo` and names of lists."""


@dataclass(frozen=True)
class Defaults:
    """Defaults that the settings can replace; those given here are those of upstream pixels."""

    image: str = "ubuntu/24.04"
    cpu: str = "2"
    memory: int = 2048 * MIB
    """Bytes."""
    pool: str | None = None
    """None means the default pool of the NAS."""
    nic_type: str = "macvlan"
    parent: str | None = None
    """Interface of the NAS that the network interface is attached to; None means automatic detection."""
    network: str | None = None
    """Bridge that TrueNAS has for containers, instead of `parent`."""
    dns: tuple[str, ...] = ()
    """Name servers that provisioning sets; empty means those of the image."""
    provision: bool = True
    """Whether the command provisions pixels that it creates."""
    devtools: tuple[str, ...] = ()
    """Names of tools that provisioning installs."""
    devtools_lock: str | None = None
    """Path of a lock of devtools; None means the one of this collection."""
    egress: EgressDefaults = EgressDefaults()
    environment: Environment = NOTHING
    """Variables that provisioning sets."""
    bases: tuple[ConfiguredBase, ...] = ()
