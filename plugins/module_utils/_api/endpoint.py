# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says which NAS to talk to, as whom, and how patiently."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import LoginRefused

HTTPS_PORT = 443
MECHANISMS = ("auto", "scram", "plain")


@dataclass(frozen=True)
class Endpoint:
    """The address of a NAS and how its certificate is checked; C(plain) is ws:// instead of wss://."""

    host: str
    port: int = HTTPS_PORT
    validate_certs: bool = True
    ca_path: str | None = None
    plain: bool = False

    @property
    def nas(self) -> str:
        """How messages call this NAS: its host, with the port where that is not 443."""
        return self._bracketed_host if self.port == HTTPS_PORT else f"{self._bracketed_host}:{self.port}"

    @property
    def url(self) -> str:
        """Of its API."""
        return self.url_of("/api/current")

    def url_of(self, path: str) -> str:
        return f"{'ws' if self.plain else 'wss'}://{self._bracketed_host}:{self.port}{path}"

    @property
    def is_loopback(self) -> bool:
        """Whether this is 127.0.0.0/8, ::1 or C(localhost); other names are not looked up, as they may change."""
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
    """An account of the NAS with either an API key or a password; neither is ever shown.

    C(mechanism) is for API keys: C(scram) never sends the key, C(plain) sends it over TLS, C(auto) asks the NAS
    whether it knows SCRAM (TrueNAS 26 on).
    """

    username: str
    api_key: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    mechanism: str = "auto"

    def __post_init__(self) -> None:
        if not self.username:
            raise LoginRefused("a username is needed to log in to TrueNAS, also with an API key")
        if bool(self.api_key) == bool(self.password):
            raise LoginRefused("either an API key or a password is needed to log in to TrueNAS, and not both")
        if self.mechanism not in MECHANISMS:
            raise LoginRefused(f"the login mechanism is one of {', '.join(MECHANISMS)}, not {self.mechanism}")
        if self.mechanism == "scram" and self.password:
            raise LoginRefused("TrueNAS takes SCRAM logins for API keys only: give an API key, or mechanism auto")


@dataclass(frozen=True)
class Timeouts:
    """How long to wait, in seconds: to connect, for the answer to a call, for a job's end, for the login limit."""

    connect: float = 10.0
    call: float = 60.0
    job: float = 900.0
    login_wait: float = 70.0
