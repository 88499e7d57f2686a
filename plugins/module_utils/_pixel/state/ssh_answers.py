# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remember whether an SSH server responded at the address of a pixel.

The transport `auto` only waits for a server that has responded before. A record is valid for one address and port, and
is removed when the pixel is started, provisioned, restored or destroyed.
"""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.pixel_records import PixelRecords

ANSWERED, SILENT = "answered", "silent"


class SshAnswers(PixelRecords):
    """The last result of a connection to the SSH server of each pixel of a NAS."""

    KIND = "ssh"

    def find(self, pixel: str, address: str, port: int) -> bool | None:
        """Return whether the server responded; None if that is unknown. `pixel` is the full name."""
        result, _blank, target = (self.text(pixel) or "").partition(" ")
        if target != f"{address} {port}" or result not in (ANSWERED, SILENT):
            return None
        return result == ANSWERED

    def note(self, pixel: str, address: str, port: int, *, answered: bool) -> None:
        """Remember whether the server responded."""
        self.set_text(pixel, f"{ANSWERED if answered else SILENT} {address} {port}")
