# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Split aliases of images, such as `ubuntu/24.04`, and map release numbers to code names."""

from __future__ import annotations

CODENAMES = {
    "debian": {"10": "buster", "11": "bullseye", "12": "bookworm", "13": "trixie", "14": "forky"},
    "ubuntu": {
        "16.04": "xenial",
        "18.04": "bionic",
        "20.04": "focal",
        "22.04": "jammy",
        "24.04": "noble",
        "24.10": "oracular",
        "25.04": "plucky",
        "25.10": "questing",
        "26.04": "resolute",
    },
}

DEFAULT_VARIANT = "default"
ARCHITECTURES = {"amd64", "arm64", "armhf", "i386", "ppc64el", "riscv64", "s390x"}
"""The optional last part of an alias."""


def parts(alias: str) -> tuple[str, str, str]:
    """Return the operating system, the release and the variant of an alias."""
    words = alias.split("/")
    if words[-1] in ARCHITECTURES:
        words.pop()
    os, release, variant = [*words, "", ""][:3]
    return os, release, variant or DEFAULT_VARIANT


def names_of_release(os: str, release: str) -> set[str]:
    """Return a release with its number and its code name."""
    numbers = CODENAMES.get(os, {})
    names = {name: number for number, name in numbers.items()}
    return {release, numbers.get(release, release), names.get(release, release)}
