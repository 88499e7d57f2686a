# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine the variables of a pixel as a host, and those of the group of its NAS."""

from __future__ import annotations

import shlex
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.inventory_groups import Pixel
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import private_key
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh.quoting import quote_path
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import resolver, schema
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.resolver import ResolvedSettings
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.settings import Settings

Variables = dict[str, t.Any]

CONNECTION_PLUGIN = "pixels.truenas.pixels"
DEFAULT_SSH_PORT = 22

SESSION_OPTIONS = ("login_mechanism", "connect_timeout", "call_timeout", "login_wait", "session", "session_idle")
"""Options of a session, which modules get if the inventory file sets them."""

CONNECTION_VARIABLES = frozenset(
    {
        *("ansible_connection", "pixels_transport", "ansible_user", "ansible_port", "ansible_ssh_private_key_file"),
        *("ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_sftp_extra_args", "ansible_scp_extra_args"),
    }
)
"""Variables that say how to access a pixel."""

HOST_VARIABLE_NAMES = {"environment": "container_environment"}
"""Suffixes that differ from the key of a pixel: `pixels_environment` is set by the user, for commands."""


def pixel_variables(pixel: Pixel, nas: Variables) -> Variables:
    """Return everything about a pixel, and the connection to its NAS as `nas_variables` returns it."""
    own = {f"pixels_{HOST_VARIABLE_NAMES.get(name, name)}": value for name, value in pixel.items()}
    return {**own, **{f"pixels_nas_{name}": value for name, value in nas.items() if value is not None}}


def nas_variables(resolved: ResolvedSettings, settings: Settings) -> Variables:
    """Return the options with which modules connect to the same NAS, without any secret.

    `has_own_credential` is true if modules cannot find the credential of this NAS with these options: any credential
    that they find belongs to another NAS.
    """
    endpoint, credential = settings.endpoint, settings.credential
    given = {name: value.value for name, value in resolved.values.items() if value.source == resolver.OPTION}
    found = {
        "host": endpoint.host,
        "port": endpoint.port,
        "username": credential.username,
        "validate_certs": endpoint.validate_certs,
        "ca_path": endpoint.ca_path,
        "use_tls": not endpoint.plain,
        "api_key_file": given.get("api_key_file"),
        # Modules read the key of a profile from the configuration file.
        "profile": settings.profile,
        # Modules have other defaults.
        **{name: given.get(name) for name in SESSION_OPTIONS},
    }
    of_modules = resolver.resolve(found.get)
    is_same = all(resolved[name] == of_modules[name] for name in schema.CREDENTIALS)
    return {**found, "has_own_credential": None if is_same else True}


def host_variables(
    connect_with: str, pixel: Pixel, keys: known_hosts.KnownHosts, *, key_file: str | None, fresh: bool
) -> Variables:
    """Return the variables that say how to access one pixel.

    They override variables that the user sets for a group, so there are only those that differ by pixel: the address,
    the pinned host key, and, for a pixel without an address, a connection plugin that does not resolve its name, which
    may be that of another machine. `key_file` is the private key that is set, if any. An unknown host key is pinned
    only if `fresh`, that is, if the NAS reports the address now.
    """
    found: Variables = {}
    if address := pixel["ipv4"] or pixel["ipv6"]:
        found["ansible_host"] = address
    elif connect_with == "ssh":
        found.update(ansible_connection=CONNECTION_PLUGIN, pixels_transport="ssh")
    if connect_with != "shell":
        found["pixels_ssh_args"] = ssh_arguments(pixel, keys, key_file=key_file, fresh=fresh)
    return found


def ssh_arguments(
    pixel: Pixel, keys: known_hosts.KnownHosts, *, key_file: str | None = None, fresh: bool = True
) -> str:
    """Return arguments with which OpenSSH connects to this pixel only, and offers the key that was installed in it."""
    options = {
        "HostKeyAlias": known_hosts.alias(pixel["full_name"], pixel["nas"]),
        "UserKnownHostsFile": quote_path(str(keys.path)),
        "StrictHostKeyChecking": "accept-new" if fresh else "yes",
        # Keys under hashed names could not be removed.
        "HashKnownHosts": "no",
    }
    # A key that is set is a variable that `group_vars` override. The default key is named by its absolute path, because
    # `ssh` takes the home directory from passwd and this project takes it from HOME.
    if key_file is None and (default_key := private_key.to_offer(None)):
        options["IdentityFile"] = quote_path(default_key)
    return arguments(options)


def arguments(options: t.Mapping[str, str]) -> str:
    """Return options of OpenSSH as words for a shell."""
    return " ".join(f"-o {shlex.quote(f'{name}={value}')}" for name, value in options.items())


def group_variables(
    connect_with: str, settings: Settings, *, jump_host: str | None = None, has_user: bool = False
) -> Variables:
    """Return how to access the pixels of one NAS, as variables of a group: `group_vars` of the user override them.

    With `has_user`, Ansible got a user from its command line or configuration, which overrides the default. The value
    of `_extra_args` is a template, since the arguments depend on the host.
    """
    found: Variables = {}
    if connect_with != "ssh":
        found.update(ansible_connection=CONNECTION_PLUGIN, pixels_transport=connect_with)
    if connect_with == "shell":
        return found
    found.update({f"ansible_{program}_extra_args": "{{ pixels_ssh_args }}" for program in ("ssh", "sftp", "scp")})
    if jump_host:
        found["ansible_ssh_common_args"] = arguments({"ProxyJump": jump_host})
    if not has_user:
        found["ansible_user"] = settings.ssh.user
    if settings.ssh.port != DEFAULT_SSH_PORT:
        found["ansible_port"] = settings.ssh.port
    if settings.ssh.key:
        found["ansible_ssh_private_key_file"] = settings.ssh.key
    return found
