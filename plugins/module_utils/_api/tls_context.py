# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the certificate of a NAS is verified."""

from __future__ import annotations

import os
import ssl


def verifying(ca_path: str | None) -> ssl.SSLContext:
    """Return a context that trusts only `ca_path` if that is set, else the CAs of the system. Raises `OSError`."""
    is_directory = bool(ca_path) and os.path.isdir(str(ca_path))
    context = ssl.create_default_context(
        cafile=None if is_directory else ca_path, capath=ca_path if is_directory else None
    )
    # Enabled by default since Python 3.13; private CAs and the certificate that TrueNAS generates often fail it.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def unverified() -> ssl.SSLContext:
    """Return a context that accepts any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
