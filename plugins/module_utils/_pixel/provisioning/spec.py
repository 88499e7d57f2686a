# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requested provisioning of a pixel: keys, login user, name servers and environment variables."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import env_table

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels


@dataclass(frozen=True)
class ProvisionSpec:
    """What to set up in a pixel."""

    public_keys: tuple[str, ...]
    """Lines for the authorized_keys files of root and of the login user."""
    user: str = "root"
    """The user that SSH logs in as. It is created if it does not exist; the method `rootfs` supports root only."""
    dns: tuple[str, ...] | None = None
    """IP addresses of name servers. Empty keeps those of the image; None uses the default of new pixels."""
    method: str = "shell"
    """`shell` (commands in the pixel) or `rootfs` (files through the file API of the NAS)."""
    environment: env_table.Pairs = field(default=(), repr=False)
    """Variables of every login. Other variables in the pixel are kept."""
    devtools: tuple[str, ...] | None = None
    """Names of tools to install. None uses the default of new pixels."""
    devtools_lock: str | None = None
    """Path of a lock of devtools; None means the one of this collection."""
    wait_for_devtools: bool = True
    """Whether provisioning ends only once the tools are installed. The pixel installs them in any case."""
    accept_env: tuple[str, ...] = ()
    """Names of variables that SSH clients may send."""

    def __post_init__(self) -> None:
        """Raise `Invalid` for a name server that is not an IP address: other text could add lines to the file."""
        for server in self.dns or ():
            try:
                ipaddress.ip_address(server)
            except ValueError:
                problem = f"{server!r} is not the IP address of a name server"
            else:
                continue
            raise Invalid.in_field("provision.dns", "cannot provision", problem)


def with_default_dns(spec: ProvisionSpec, dns: tuple[str, ...]) -> ProvisionSpec:
    """Return the specification with these name servers, unless it has name servers of its own or excludes them."""
    return replace(spec, dns=dns) if spec.dns is None else spec


def with_default_devtools(spec: ProvisionSpec, tools: tuple[str, ...], lock: str | None) -> ProvisionSpec:
    """Return the specification with these tools, unless it has a list of its own or its method installs none."""
    if spec.devtools is not None or spec.method == "rootfs":
        return spec
    return replace(spec, devtools=tools, devtools_lock=spec.devtools_lock or lock)


def with_default_environment(pixels: Pixels, spec: ProvisionSpec) -> ProvisionSpec:
    """Return the specification with the variables of the settings. Raises `Invalid` for one that cannot be written."""
    environment = pixels.defaults.environment
    return replace(spec, environment=env_table.to_write(environment), accept_env=environment.names)
