# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read small text files of the user, such as keys."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import user_dirs

NOT_TEXT = "it is not UTF-8 text"


def read(path: str) -> str:
    """Return the text of a file without surrounding white space. Raise OSError, or ValueError with the problem."""
    with open(user_dirs.expand(path), "rb") as file:
        return decode(file.read())


def decode(content: bytes) -> str:
    """Return bytes as text without surrounding white space. Raise ValueError unless they are UTF-8 text.

    A byte order mark, which editors on Windows write, is removed.
    """
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ValueError(NOT_TEXT) from None
    # ASCII text in UTF-16 without a byte order mark is valid UTF-8 with zero bytes.
    if "\0" in text:
        raise ValueError(NOT_TEXT)
    return text
