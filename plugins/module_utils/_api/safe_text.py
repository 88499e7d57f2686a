# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make text from a NAS or a guest safe to show at a terminal: visible escapes, one line, bounded."""

from __future__ import annotations

TEXT_LIMIT = 4096
"""Characters of one shown text. An error message that needs more does not help the reader."""

QUOTE_LIMIT = 1024
"""Characters of a text that is quoted inside a message, so that what follows it in the message is still shown."""

TRUNCATED = " [... truncated]"


def safe_text(text: object, *, limit: int = TEXT_LIMIT) -> str:
    r"""Return `text` as one line of at most `limit` characters that no terminal interprets.

    Every character that does not print becomes an escape as Python writes it: control characters (`\x1b`, `\n`),
    format controls such as bidirectional overrides (`\u202e`), line separators, lone surrogates, and code points that
    are unassigned or private. Backslashes stay, so applying it twice changes nothing. Bytes are decoded as UTF-8.
    """
    shown = text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else str(text)
    is_cut = len(shown) > limit
    if is_cut:
        shown = shown[:limit]
    if not shown.isprintable():
        shown = "".join(map(_escaped, shown))
    if is_cut or len(shown) > limit:
        shown = shown[: max(limit - len(TRUNCATED), 0)] + TRUNCATED
    return shown


def _escaped(character: str) -> str:
    # The blanks other than U+0020 do not count as printable, but they only take up room.
    if character.isprintable() or (character.isspace() and character > "\x9f" and character not in "\u2028\u2029"):
        return character
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
