# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of the simulated images.linuxcontainers.org, and the errors of Incus for others.

TrueNAS 26 asks a mirror of it that offers the same under other names.
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass

from tests.simulator.errors import CallError

SERIAL = "20250601_05:24"
SERIALS = ("20250531_05:24", SERIAL)
"""The builds that the image server keeps, oldest first."""
HERE = "amd64"
"""The NAS's own architecture."""

NOT_FOUND = "Failed getting remote image info: Failed getting image: The requested image couldn't be found"


@dataclass(frozen=True)
class Image:
    """One product of the image server."""

    os: str
    release: str
    variant: str = "default"
    aliases: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ("amd64", "arm64")
    kinds: tuple[str, ...] = ("CONTAINER", "VM")
    secureboot: bool | None = None
    nesting: bool = False
    """The image asks for security.nesting, which the API cannot set: such a container cannot start."""

    @property
    def key(self) -> str:
        """The first alias, which is the key of image_choices."""
        return f"{self.os.lower()}/{self.release}/{self.variant}"

    @property
    def names(self) -> frozenset[str]:
        short = [f"{self.os.lower()}/{self.release}", *self.aliases]
        both = [self.key, *(f"{alias}/{self.variant}" for alias in self.aliases)]
        return frozenset([*both, *short] if self.variant == "default" else both)

    @property
    def registry_name(self) -> str:
        """How TrueNAS 26 calls it."""
        return self.registry_names[0]

    @property
    def registry_names(self) -> list[str]:
        """For each architecture, the NAS's own first."""
        ordered = sorted(self.architectures, key=lambda architecture: architecture != HERE)
        return [f"{self.os.lower()}:{self.release}:{architecture}:{self.variant}" for architecture in ordered]

    @property
    def versions(self) -> tuple[str, ...]:
        return SERIALS

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.key} {SERIAL}".encode()).hexdigest()

    def description(self) -> dict[str, t.Any]:
        """The `image` member of an instance."""
        return {
            "architecture": "amd64",
            "description": f"{self.os} {self.release} amd64 ({SERIAL})",
            "os": self.os,
            "release": self.release,
            "serial": SERIAL,
            "type": "squashfs",
            "variant": self.variant,
            "secureboot": self.secureboot,
        }

    def choice(self) -> dict[str, t.Any]:
        """One entry of virt.instance.image_choices; the label names the first architecture only."""
        return {
            "label": f"{self.os} {self.release} ({self.architectures[0]}, {self.variant})",
            "os": self.os,
            "release": self.release,
            "archs": list(self.architectures),
            "variant": self.variant,
            "instance_types": list(self.kinds),
            "secureboot": self.secureboot,
        }


IMAGES = (
    Image("Alpine", "3.21", kinds=("CONTAINER",)),
    Image("Alpine", "3.22", kinds=("CONTAINER",)),
    Image("Archlinux", "current", aliases=("archlinux",), architectures=("amd64",)),
    Image("Debian", "bookworm", aliases=("debian/12",)),
    Image("Debian", "trixie", aliases=("debian/13",)),
    Image("Fedora", "42"),
    Image("Nixos", "unstable", kinds=("CONTAINER",), nesting=True),
    Image("Rockylinux", "9"),
    Image("Springdalelinux", "9", architectures=("arm64",), kinds=("CONTAINER",)),
    Image("Ubuntu", "jammy", aliases=("ubuntu/22.04",)),
    Image("Ubuntu", "noble", aliases=("ubuntu/24.04",)),
    Image("Ubuntu", "noble", variant="desktop", aliases=("ubuntu/24.04",), architectures=("amd64",), kinds=("VM",)),
)


def find(name: str) -> Image:
    """The image of this alias or fingerprint, as a container on this NAS. Raises CallError with Incus' text."""
    for image in IMAGES:
        if name in image.names or name == image.fingerprint:
            if "CONTAINER" not in image.kinds or HERE not in image.architectures:
                break
            return image
    raise CallError(NOT_FOUND)


def choices() -> dict[str, dict[str, t.Any]]:
    """Every image for every architecture: the middleware knows the host's and does not use it."""
    return {image.key: image.choice() for image in IMAGES}


def registry() -> dict[str, Image]:
    """What TrueNAS 26 offers, by name: every image that containers can be made of, for every architecture."""
    return {name: image for image in IMAGES if "CONTAINER" in image.kinds for name in image.registry_names}
