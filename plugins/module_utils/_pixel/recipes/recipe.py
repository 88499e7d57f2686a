# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe of a base: what it is built from, and the digest that identifies it."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import base_versions, metadata

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec

FORMAT = 1
"""Of the digest. Another number means that all bases are built again."""
SHOWN_DIGITS = 12


@dataclass(frozen=True)
class Recipe:
    """What a base is built from: either an image or another base, and what is done to it."""

    name: str
    image: str | None = None
    source: str | None = None
    """The name of another base."""
    setup: str = ""
    """A script that root runs in the base."""
    description: str = ""
    """Not part of the digest: another description does not build the base again."""
    version: str = ""
    """Any text. Another one builds the base again."""
    egress: EgressPolicy | None = None
    provision: ProvisionSpec | None = None

    def __post_init__(self) -> None:
        """Raise `Invalid` for a recipe that cannot be built."""
        base_versions.check_name("name", self.name)
        failure = f"invalid recipe of the base {self.name}"
        if bool(self.image) == bool(self.source):
            raise Invalid.in_field("image", failure, "set either image or from")
        if self.source:
            base_versions.check_name("from", self.source)
        if self.source == self.name:
            raise Invalid.in_field("from", failure, "a base cannot be built from itself")
        if self.description:
            metadata.check_text("description", self.description)
        if "\0" in self.setup:
            raise Invalid.in_field("setup", failure, "a script cannot contain a zero byte")

    @property
    def runs(self) -> bool:
        """Whether the base must run to be built."""
        return bool(self.setup or self.egress or self.provision)

    def digest(self, parent: str | None) -> str:
        """Return the digest of the recipe and those that it is based on; `parent` is the digest of the base `from`."""
        provision = self.provision and {
            "keys": sorted(self.provision.public_keys),
            "user": self.provision.user,
            "dns": self.provision.dns,
            "method": self.provision.method,
            **devtools_digests(self.provision),
        }
        parts = {
            "format": FORMAT,
            "image": self.image,
            "parent": parent,
            "setup": self.setup,
            "version": self.version,
            "egress": self.egress.as_dict() if self.egress else None,
            "provision": provision,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def devtools_digests(provision: ProvisionSpec) -> dict[str, t.Any]:
    """Return the digests of the tools to install, which another version in the lock changes; empty without tools.

    Raises `Invalid` for tools that the lock does not have.
    """
    if not provision.devtools:
        return {}
    # Only here: most recipes have no devtools, and do not wait for what it imports.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import devtools_lock

    tools = devtools_lock.select(devtools_lock.load(provision.devtools_lock), provision.devtools)
    return {"devtools": {tool.name: tool.digest for tool in tools}}


def shown(digest: str | None) -> str | None:
    """Return a digest as it is shown."""
    return digest[:SHOWN_DIGITS] if digest else None
