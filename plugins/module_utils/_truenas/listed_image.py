# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image that a NAS offers, and its names."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.image_alias import (
    DEFAULT_VARIANT,
    names_of_release,
)


class CachedBuild(t.NamedTuple):
    """A build of an image that the NAS has downloaded."""

    pool: str
    build: str


@dataclass(frozen=True)
class ListedImage:
    """An image, for one or more architectures."""

    os: str
    release: str
    variant: str
    architectures: tuple[str, ...]
    builds: tuple[str, ...] = ()
    """The builds for the architecture of TrueNAS that the registry lists, oldest first; 25.04 and 25.10 list none."""
    cached: tuple[CachedBuild, ...] | None = None
    """The builds that the NAS has downloaded; None if it does not report them or the account cannot read them."""

    @property
    def name(self) -> str:
        """The alias, such as `ubuntu/noble`."""
        return self._alias(self.release)

    @property
    def aliases(self) -> tuple[str, ...]:
        """The aliases with other names of the release, such as `ubuntu/24.04`."""
        others = names_of_release(self.os, self.release) - {self.release}
        return tuple(self._alias(each) for each in sorted(others))

    @property
    def registry_names(self) -> list[str]:
        """The names for each architecture, as TrueNAS 26 lists them."""
        return [f"{self.os}:{self.release}:{each}:{self.variant}" for each in self.architectures]

    def _alias(self, release: str) -> str:
        words = (self.os, release) if self.variant == DEFAULT_VARIANT else (self.os, release, self.variant)
        return "/".join(words)
