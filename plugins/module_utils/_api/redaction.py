# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mask the secrets of a session in text that comes from a NAS, which may echo what it was sent; no I/O."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import TRUNCATED

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential

MASK = "********"

SHORTEST = 4
"""Characters. Shorter secrets occur in too many words to mask them."""

PART = 8
"""Characters. Any part of a generated secret that is so long is masked: a NAS may truncate what it echoes."""

API_KEY = re.compile(r"\d+-(.+)", re.DOTALL)
"""An API key of TrueNAS: the number of its record, which is not secret, and 64 random characters."""

LEVELS = 50
"""The maximum nesting of a value that is masked. Errors and progress of TrueNAS have fewer than 10 levels."""


class NestedTooDeeply(ValueError):
    """A value has more levels than any of TrueNAS."""


class Redactor:
    """The secrets of one session; any thread may add one or mask a text."""

    def __init__(self, credential: Credential | None = None) -> None:
        self._secrets: dict[str, bool] = {}
        self._forms: tuple[str, ...] | None = ()
        if credential is not None:
            self.add(credential.password)
            self.add(credential.api_key, generated=True)

    def add(self, secret: object, *, generated: bool = False) -> None:
        """Mask this text from now on, and with `generated` all parts of it that are long enough to matter."""
        if not isinstance(secret, str) or len(secret) < SHORTEST:
            return
        self._secrets = {**self._secrets, secret: generated}
        # Computed on first use: most sessions mask nothing.
        self._forms = None

    def __call__(self, text: str) -> str:
        """Return the text with every secret masked, in whichever form it is written."""
        if self._forms is None:
            self._forms = tuple({form for each in self._secrets.items() for form in all_forms(*each)})
        present = [form for form in self._forms if form in text]
        if not present and TRUNCATED not in text:
            return text
        # Forms overlap: first mark the characters that they cover, then mask each stretch once.
        covered = bytearray(len(text))
        # A text truncated by `safe_text` may end with the beginning of a secret.
        for cut in re.finditer(re.escape(TRUNCATED), text):
            size = max((overlap(text[: cut.start()], form) for form in self._forms), default=0)
            covered[cut.start() - size : cut.start()] = b"\1" * size
        for form in present:
            start = text.find(form)
            while start >= 0:
                covered[start : start + len(form)] = b"\1" * len(form)
                start = text.find(form, start + 1)
        pieces, end = [], 0
        for stretch in re.finditer(b"\1+", covered):
            pieces += [text[end : stretch.start()], MASK]
            end = stretch.end()
        return "".join([*pieces, text[end:]])

    def everywhere(self, value: t.Any, levels: int = LEVELS) -> t.Any:
        """Return a copy of a decoded reply with the secrets masked in all of its texts, keys included.

        Raises `NestedTooDeeply` for a value with more than `levels` levels.
        """
        if isinstance(value, str):
            return self(value)
        if not isinstance(value, (dict, list, tuple)):
            return value
        if levels == 0:
            raise NestedTooDeeply(f"it is nested more than {LEVELS} levels deep")
        if isinstance(value, dict):
            return {self(str(name)): self.everywhere(each, levels - 1) for name, each in value.items()}
        return [self.everywhere(each, levels - 1) for each in value]


def overlap(text: str, form: str) -> int:
    """Return how many characters at the end of a text are the beginning of a secret, if they are enough to mask."""
    longest = min(len(text), len(form) - 1)
    return next((size for size in range(longest, SHORTEST - 1, -1) if text.endswith(form[:size])), 0)


def masking(notice: t.Callable[[str], None], credential: Credential) -> t.Callable[[str], None]:
    """Return `notice` for texts that quote a NAS, in which the secrets of a login are masked first."""
    redactor = Redactor(credential)
    return lambda text: notice(redactor(text))


def all_forms(secret: str, generated: bool) -> t.Iterator[str]:  # noqa: FBT001 (an item of a dictionary)
    """Yield what to mask for one secret."""
    found = API_KEY.fullmatch(secret) if generated else None
    random = found.group(1) if found else secret
    for each in dict.fromkeys((secret, random)):
        yield from (form for form in written_forms(each) if len(form) >= SHORTEST)
    if generated:
        yield from (random[start : start + PART] for start in range(len(random) - PART + 1))


def written_forms(secret: str) -> t.Iterator[str]:
    """Yield a secret as it is, and as JSON, Python, a URL, base64 and hexadecimal digits have it."""
    # Imported here: they take longer to load than most calls.
    import base64
    import json
    from urllib.parse import quote, quote_plus

    yield secret
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
    yield repr(secret)[1:-1]
    raw = secret.encode("utf-8", "surrogatepass")
    for form in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield form
        yield re.sub("%..", lambda found: found.group().lower(), form)
    yield raw.hex()
    yield raw.hex().upper()
    for offset in range(3):
        # After other bytes, as in HTTP basic authentication: only the characters that depend on the secret alone.
        shown = base64.b64encode(b"\0" * offset + raw).rstrip(b"=")[(0, 2, 3)[offset] :].decode("ascii")
        whole = shown[:-1] if (offset + len(raw)) % 3 else shown
        if len(whole) >= PART:
            yield whole
            yield whole.translate(str.maketrans("+/", "-_"))
