# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predict in check mode whether the NAS has the images of new pixels.

Creating a pixel does not need it: the NAS refuses an image that it does not know before it creates anything, and the
backends add similar names to that error.
"""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import image_match
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import image_list
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.image_alias import CODENAMES, parts

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import PixelSpec
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.listed_image import ListedImage

UNLISTED_VARIANT = "cloud"
"""The variant that TrueNAS 25.04 and 25.10 omit from their list, and that containers can be created from."""


class ImageCheck:
    """Compares the images of new pixels with the list of the NAS, which is read once, and only if it is needed."""

    def __init__(self, pixels: Pixels, warn: t.Callable[[str], None]) -> None:
        self._pixels = pixels
        self._warn = warn
        self._listed: t.Sequence[ListedImage] | None = None
        self._is_read = False

    def error(self, spec: PixelSpec) -> Invalid | None:
        """Return the error with which creating the pixel would fail; None if it has an image or may have one.

        Give a warning if that is uncertain. A list that cannot be read is no reason for either.
        """
        if spec.origin or not spec.image or image_match.is_fingerprint(spec.image):
            return None
        listed = self._read()
        if not listed:
            return None
        error = image_list.missing(self._pixels.nas, spec.image, listed, "its list")
        if error is None:
            return None
        error.add_prefix(f"creating {spec.name.bare} on {self._pixels.nas}")
        if self._pixels.containers.lists_all_images or is_certain(spec.image, listed):
            return error
        self._warn(f"{error}. TrueNAS does not list all aliases, so creating it may succeed nevertheless")
        return None

    def _read(self) -> t.Sequence[ListedImage] | None:
        if not self._is_read:
            self._is_read = True
            try:
                self._listed = self._pixels.containers.images(timeout=image_list.LISTING_TIMEOUT_S)
            except PixelsError:
                self._listed = None
        return self._listed


def reject(pixels: Pixels, spec: PixelSpec, warn: t.Callable[[str], None]) -> None:
    """Raise `Invalid` for the image of a new pixel that the NAS does not have; see `ImageCheck`."""
    if error := ImageCheck(pixels, warn).error(spec):
        raise error


def is_certain(alias: str, listed: t.Iterable[ListedImage]) -> bool:
    """Return whether an alias that TrueNAS 25.04 and 25.10 do not list does not exist on the image server.

    They list each image by one of its aliases only. The others are known for `CODENAMES` alone.
    """
    os, _release, variant = parts(alias.lower())
    if "/" not in alias or variant == UNLISTED_VARIANT:
        return False
    return os in CODENAMES or os not in {image.os.lower() for image in listed}
