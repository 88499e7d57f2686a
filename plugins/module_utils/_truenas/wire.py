# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this layer needs of a session: the seam at which another kind of session can take its place."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shells import BorrowedShell


class Wire(t.Protocol):
    """One authenticated conversation with one NAS; safe to use from several threads."""

    @property
    def nas(self) -> str:
        """How messages name the NAS: its host, with the port when that is not 443."""

    def read(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """Call a method that changes nothing; repeated after a lost connection."""

    def call(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """Call a method that changes something; never repeated."""

    def run_job(
        self,
        method: str,
        *params: t.Any,
        timeout: float | None = None,
        progress: t.Callable[[t.Any], None] | None = None,
    ) -> t.Any:
        """Start a job and wait for its result."""

    def download(self, method: str, *params: t.Any, timeout: float | None = None) -> bytes:
        """What a download method of the NAS sends, such as the content of a file."""

    def borrow_shell(self, options: t.Mapping[str, t.Any], *, timeout: float | None = None) -> BorrowedShell:
        """A shell the NAS offers beside its API, and what runs in it."""
