# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remember the last addresses of pixels, so that a connection need not query the NAS first.

DHCP assigns the address of a destroyed pixel to another machine. A caller must therefore use a remembered address only
for a pixel whose SSH host key is pinned, verify the key of the server, and forget the address if it differs.
"""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.pixel_records import PixelRecords
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import values


class AddressCache(PixelRecords):
    """The last addresses of the pixels of a NAS."""

    KIND = "addresses"

    def find(self, pixel: str) -> str | None:
        """Return the address of a pixel by its full name; None if it is unknown."""
        return self.text(pixel)

    def note(self, pixel: str, address: str) -> None:
        """Remember the address of a pixel."""
        self.set_text(pixel, address)

    def is_valid(self, value: object) -> bool:
        """Return whether a value is an address."""
        return any(values.packed_address(family, value) for family in values.CODES)
