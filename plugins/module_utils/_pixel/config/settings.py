# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build what a session and a command need, from resolved settings."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint, Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import (
    credentials,
    env_table,
    resolver,
    schema,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.defaults import Defaults, EgressDefaults
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.resolver import ResolvedSettings

BRIDGES = ("incusbr0", "truenasbr0")
"""Names that TrueNAS has for its bridge for containers, by release.

Its API has no field for the name of another bridge, nor for this one: the profile attaches it to a container that has
no network interface of its own.
"""


@dataclass(frozen=True)
class SshSettings:
    """How to access a pixel."""

    user: str
    key: str | None
    port: int
    transport: str = "auto"
    """`ssh`, `shell` for the web shell, or `auto` for the first of them that works."""
    variables: env_table.Pairs = field(default=(), repr=False)
    """Environment variables that are set for a command or a console."""
    password: str | None = field(default=None, repr=False)
    """Of the user in the pixel, never that of the account on the NAS."""
    check_host_key: bool = True
    timeout: float = 10.0
    """Seconds to wait for an SSH server, if there is no other transport."""


@dataclass(frozen=True)
class Settings:
    """All that is needed to reach a NAS and its pixels."""

    endpoint: Endpoint
    credential: Credential
    timeouts: Timeouts
    ssh: SshSettings
    defaults: Defaults = Defaults()
    profile: str | None = None
    session: str = "auto"
    """`auto` shares a login with other processes of this user; `direct` does not."""
    session_idle: float = 60.0
    """Seconds."""
    dataset_prefix: str | None = None


def build(resolved: ResolvedSettings) -> Settings:
    """Return the settings. Raises `Invalid` for a missing host, a credential or a network that cannot be used."""
    return Settings(
        endpoint=build_endpoint(resolved),
        credential=credentials.read(resolved),
        timeouts=Timeouts(
            connect=resolved["connect_timeout"], call=resolved["call_timeout"], login_wait=resolved["login_wait"]
        ),
        ssh=build_ssh(resolved),
        defaults=build_defaults(resolved),
        profile=resolved.profile,
        session=resolved["session"],
        session_idle=resolved["session_idle"],
        dataset_prefix=resolved["dataset_prefix"],
    )


def build_endpoint(resolved: ResolvedSettings) -> Endpoint:
    """Return the address of the NAS. Raises `Invalid` for a missing host."""
    if not resolved["host"]:
        raise resolver.missing("host", "no TrueNAS host is configured", resolved)
    return Endpoint(
        host=without_brackets(resolved["host"]),
        port=resolved["port"],
        validate_certs=resolved["validate_certs"],
        ca_path=os.path.expanduser(resolved["ca_path"]) if resolved["ca_path"] else None,
        plain=not resolved["use_tls"],
    )


def without_brackets(host: str) -> str:
    """Return a host without the brackets that an IPv6 address has in a URL."""
    if host.startswith("[") and host.endswith("]"):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return host
        return host[1:-1]
    return host


def build_ssh(resolved: ResolvedSettings) -> SshSettings:
    """Return how to access pixels."""
    return SshSettings(
        user=resolved["ssh_user"],
        key=resolved["ssh_key"],
        port=resolved["ssh_port"],
        transport=resolved["transport"],
        variables=resolved.environment.session,
    )


def build_defaults(resolved: ResolvedSettings) -> Defaults:
    """Return the defaults of new pixels. Raises `Invalid` for a network that cannot be used."""
    if resolved["default_network"] and (resolved["default_network"] not in BRIDGES or resolved["default_parent"]):
        raise Invalid(
            f"{resolved.values['default_network'].source}: invalid defaults.network: it can only be "
            f"{' or '.join(BRIDGES)}, without defaults.parent. To use another interface, set defaults.parent instead"
        )
    if resolved["default_nic_type"] and not resolved["default_parent"]:
        raise Invalid(
            f"{resolved.values['default_nic_type'].source}: defaults.nic_type requires defaults.parent. Set both or "
            "neither"
        )
    return Defaults(
        image=resolved["default_image"],
        cpu=resolved["default_cpu"],
        memory=resolved["default_memory"],
        pool=resolved["default_pool"],
        nic_type=resolved["default_nic_type"] or schema.NIC_TYPES[0],
        parent=resolved["default_parent"],
        network=resolved["default_network"],
        dns=tuple(resolved["default_dns"]),
        provision=resolved["provision_enabled"],
        devtools=tuple(resolved["devtools"]),
        devtools_lock=resolved["devtools_lock"],
        egress=build_egress(resolved),
        environment=resolved.environment,
        bases=resolved.bases,
    )


def build_egress(resolved: ResolvedSettings) -> EgressDefaults:
    """Return what is configured of the egress policy of new pixels."""
    found = {
        name.removeprefix("network_"): resolved.values[name]
        for name in schema.NETWORK
        if resolved.values[name].source != resolver.DEFAULT
    }
    if "egress" in found:
        found["mode"] = found.pop("egress")
    options = frozenset(name for name, each in found.items() if each.source == resolver.OPTION)
    mode, sudo = (found.pop(name, resolver.UNSET).value for name in ("mode", "sudo"))
    return EgressDefaults(mode, {name: tuple(each.value) for name, each in found.items()}, sudo, options)
