# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session that logs its calls and their duration, for -v."""

from __future__ import annotations

import contextlib
import time
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shell_pool import ShellLike
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


class TracingWire:
    """Pass all calls to another session. Arguments are not logged, because they can contain secrets."""

    def __init__(self, wire: Wire, say: t.Callable[[str], None]) -> None:
        self._wire = wire
        self._say = say

    @property
    def nas(self) -> str:
        """The name of the NAS in messages."""
        return self._wire.nas

    def read(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """Call a method that changes nothing."""
        with self._timed(method):
            return self._wire.read(method, *params, timeout=timeout)

    def call(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """Call a method."""
        with self._timed(method):
            return self._wire.call(method, *params, timeout=timeout)

    def run_job(
        self,
        method: str,
        *params: t.Any,
        timeout: float | None = None,
        progress: t.Callable[[t.Any], None] | None = None,
    ) -> t.Any:
        """Run a job to its end."""
        with self._timed(method):
            return self._wire.run_job(method, *params, timeout=timeout, progress=progress)

    def download(self, method: str, *params: t.Any, timeout: float | None = None) -> bytes:
        """Return the output of a job."""
        with self._timed(method):
            return self._wire.download(method, *params, timeout=timeout)

    def borrow_shell(
        self, options: t.Mapping[str, t.Any], *, timeout: float | None = None, unused: bool = False
    ) -> ShellLike:
        """Lease a web shell."""
        with self._timed("web shell"):
            return self._wire.borrow_shell(options, timeout=timeout, unused=unused)

    @contextlib.contextmanager
    def _timed(self, method: str) -> t.Iterator[None]:
        began = time.monotonic()
        result = "failed after"
        try:
            yield
            result = "took"
        finally:
            self._say(f"{method} {result} {(time.monotonic() - began) * 1000:.0f} ms")
