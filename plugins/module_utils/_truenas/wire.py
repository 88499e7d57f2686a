# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of a session, as this package uses it: `Session` and `SharedSession` implement it."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shell_pool import ShellLike


class Wire(t.Protocol):
    """An authenticated session with one NAS, which any number of threads may use. Timeouts are in seconds."""

    @property
    def nas(self) -> str:
        """The name of the NAS in messages: its host, with the port unless it is 443."""

    def read(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """Call a method that changes nothing. It is repeated after a lost connection."""

    def call(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """Call a method that changes something. It is never repeated."""

    def run_job(
        self,
        method: str,
        *params: t.Any,
        timeout: float | None = None,
        progress: t.Callable[[t.Any], None] | None = None,
    ) -> t.Any:
        """Start a job and wait for its result."""

    def download(self, method: str, *params: t.Any, timeout: float | None = None) -> bytes:
        """Return what a download method sends, such as the content of a file."""

    def borrow_shell(
        self, options: t.Mapping[str, t.Any], *, timeout: float | None = None, unused: bool = False
    ) -> ShellLike:
        """Return a web shell; `options` determine the program that runs in it.

        With `unused`, it is a new one, and idle ones with these options are closed.
        """
