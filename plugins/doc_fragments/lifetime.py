# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options for the lifetime of a pixel."""

from __future__ import annotations


class ModuleDocFragment:
    """Options that `SPECIFICATION` in `module_utils/_ansible/pixel_options.py` defines."""

    DOCUMENTATION = r"""
options:
  ttl:
    description:
      - Lifetime of the pixel. A duration such as V(90m), V(4h) or V(7d), a time such as V(2026-12-01T18:00Z), a date,
        or V(never).
      - A duration starts when it is set, by the clock of the NAS. A later run with the same value changes nothing, and
        C(pixels extend) moves the end.
      - M(pixels.truenas.pixels_reap) destroys expired pixels. If omitted, existing pixels are unchanged.
    type: str
  ttl_keep:
    description:
      - How long the pixel is kept after its lifetime, such as V(3d). It is stopped when it expires, and destroyed after
        this time. V(never) destroys it when it expires.
      - If omitted, existing pixels are unchanged.
    type: str
  idle_stop:
    description:
      - How long the pixel can be idle before M(pixels.truenas.pixels_reap) stops it, such as V(30m). V(never) lets it
        run. A pixel is idle while it has no session and uses at most 2 % of a core. See C(docs/pixels.md) for details.
      - If omitted, existing pixels are unchanged.
    type: str
  protected:
    description:
      - Whether the pixel is protected. A protected pixel is destroyed and restored only with O(force=true), and is
        kept when it expires.
      - If omitted, existing pixels are unchanged.
    type: bool
"""
