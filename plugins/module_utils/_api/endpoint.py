# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of a NAS, the credential to log in with, and the timeouts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import LoginRefused

HTTPS_PORT = 443
MECHANISMS = ("auto", "scram", "plain")


@dataclass(frozen=True)
class Endpoint:
    """The address of a NAS, and how its certificate is verified; `plain` means ws:// instead of wss://."""

    host: str
    port: int = HTTPS_PORT
    validate_certs: bool = True
    ca_path: str | None = None
    plain: bool = False

    @property
    def nas(self) -> str:
        """The name of the NAS in messages: its host, with the port unless it is 443."""
        return self._bracketed_host if self.port == HTTPS_PORT else f"{self._bracketed_host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL of its API."""
        return self.url_of("/api/current")

    def url_of(self, path: str) -> str:
        """Return the websocket URL of a path."""
        return f"{'ws' if self.plain else 'wss'}://{self._bracketed_host}:{self.port}{path}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is 127.0.0.0/8, ::1 or `localhost`. Other names are not resolved: they may change."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def _bracketed_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


@dataclass(frozen=True)
class Credential:
    """An account of the NAS with either an API key or a password, which `repr` does not show.

    `mechanism` is for API keys: `scram` never sends the key, `plain` sends it over TLS, and `auto` uses SCRAM if the
    NAS supports it (from TrueNAS 26). Raises `LoginRefused` for an invalid combination.
    """

    username: str
    api_key: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    mechanism: str = "auto"

    def __post_init__(self) -> None:
        if not self.username:
            raise LoginRefused("cannot log in to TrueNAS: the username is missing, which is also required for API keys")
        if bool(self.api_key) == bool(self.password):
            raise LoginRefused("cannot log in to TrueNAS: set either an API key or a password, not both")
        if self.mechanism not in MECHANISMS:
            raise LoginRefused(f"invalid login_mechanism '{self.mechanism}': use one of {', '.join(MECHANISMS)}")
        if self.mechanism == "scram" and self.password:
            raise LoginRefused("SCRAM logins require an API key: set an API key, or login_mechanism to auto")


@dataclass(frozen=True)
class Timeouts:
    """Timeouts in seconds: to connect, for the reply to a call, for the end of a job, and for the login rate limit."""

    connect: float = 10.0
    call: float = 60.0
    job: float = 900.0
    login_wait: float = 70.0
