# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session that says what it asks of the NAS, and how long the answers take: what -v shows."""

from __future__ import annotations

import contextlib
import time
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shells import BorrowedShell
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


class Talking:
    """Passes everything on to another session. Arguments are not shown: secrets could be among them."""

    def __init__(self, wire: Wire, say: t.Callable[[str], None]) -> None:
        self._wire = wire
        self._say = say

    @property
    def nas(self) -> str:
        return self._wire.nas

    def read(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        with self._timed(method):
            return self._wire.read(method, *params, timeout=timeout)

    def call(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        with self._timed(method):
            return self._wire.call(method, *params, timeout=timeout)

    def run_job(
        self,
        method: str,
        *params: t.Any,
        timeout: float | None = None,
        progress: t.Callable[[t.Any], None] | None = None,
    ) -> t.Any:
        with self._timed(method):
            return self._wire.run_job(method, *params, timeout=timeout, progress=progress)

    def download(self, method: str, *params: t.Any, timeout: float | None = None) -> bytes:
        with self._timed(method):
            return self._wire.download(method, *params, timeout=timeout)

    def borrow_shell(self, options: t.Mapping[str, t.Any], *, timeout: float | None = None) -> BorrowedShell:
        with self._timed("a shell of the NAS"):
            return self._wire.borrow_shell(options, timeout=timeout)

    @contextlib.contextmanager
    def _timed(self, method: str) -> t.Iterator[None]:
        began = time.monotonic()
        how = "failed after"
        try:
            yield
            how = "took"
        finally:
            self._say(f"{method} {how} {(time.monotonic() - began) * 1000:.0f} ms")
