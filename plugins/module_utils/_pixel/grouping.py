# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pixel as a host of an inventory: its variables and its groups, as plain values."""

from __future__ import annotations

import re
import shlex
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import host_keys, settings

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.settings import Settings, Survey

Shown = t.Mapping[str, t.Any]

UNFIT = re.compile(r"\W+", re.ASCII)
UNFIT_FOR_A_HOST = re.compile(r"[^\w.-]+", re.ASCII)
UNFIT_FOR_SSH = re.compile(r"[^\w./:@+,~-]")
UNFIT_IN_QUOTES = re.compile(r'["\\]')

CONNECTION = "pixels.truenas.pixels"

# How a conversation is held; told to modules where the inventory itself says so.
MANNERS = ("login_mechanism", "connect_timeout", "call_timeout", "login_wait", "session", "session_idle")

# Ansible has its own idea of these: a pixel with such a name would be taken for the controller, or for all hosts.
TAKEN = {"all", "localhost", "ungrouped"}


def host_name(shown: Shown, style: str) -> str:
    """What a pixel is called as a host: C(style) is C(name), C(full_name) or C(name.nas)."""
    if style == "full_name" or shown["name"] in TAKEN:
        return str(shown["full_name"])
    return name_on_nas(shown["name"], shown["nas"]) if style == "name.nas" else str(shown["name"])


def name_on_nas(name: str, nas: str) -> str:
    """A host's name with that of its NAS: C(web.nas.8443). A colon or a bracket would be a pattern to Ansible."""
    return f"{name}.{UNFIT_FOR_A_HOST.sub('.', nas).strip('.')}"


def group_name(*words: str) -> str:
    """A name Ansible accepts for a group: C(pixels_image_ubuntu_24_04)."""
    return UNFIT.sub("_", "_".join(["pixels", *words])).strip("_").lower()


def groups(shown: Shown) -> list[str]:
    """The groups of a pixel: all of them, and by what is known of it."""
    image = shown["image"]
    found = [group_name(), group_name("status", shown["status"]), group_name("nas", shown["nas"])]
    if image["os"]:
        found.append(group_name("image", image["os"]))
        if image["release"]:
            found.append(group_name("image", image["os"], image["release"]))
    found.extend(group_name(note, shown[note]) for note in ("fleet", "owner") if shown[note])
    found.extend(group_name("label", name, value) for name, value in sorted(shown["labels"].items()))
    return found


def variables(shown: Shown, nas: Shown) -> dict[str, t.Any]:
    """What a play needs to know: all about the pixel, and the way to its NAS (C(nas), without any secret)."""
    told = {f"pixels_{name}": value for name, value in shown.items()}
    return {**told, **{f"pixels_nas_{name}": value for name, value in nas.items() if value is not None}}


def way_to_the_nas(found: Survey, settled: Settings) -> dict[str, t.Any]:
    """The options with which a module reaches the same NAS. The key itself never goes into an inventory.

    Where they do not lead to the credential that was used here, C(has_own_credential) says so: whatever other one a
    module finds is that of another NAS.
    """
    endpoint, credential = settled.endpoint, settled.credential
    given = {name: each.value for name, each in found.values.items() if each.source == settings.OPTION}
    way = {
        "host": endpoint.host,
        "port": endpoint.port,
        "username": credential.username,
        "validate_certs": endpoint.validate_certs,
        "ca_path": endpoint.ca_path,
        "use_tls": not endpoint.plain,
        "api_key_file": given.get("api_key_file"),
        # The key of a profile is in the file, or where the file says.
        "profile": settled.profile,
        # Modules have their own idea of what is usual.
        **{name: given.get(name) for name in MANNERS},
    }
    others = settings.survey(way.get)
    ours = all(found[name] == others[name] for name in settings.SECRETS)
    return {**way, "has_own_credential": None if ours else True}


def connection_variables(
    connect_with: str, shown: Shown, settled: Settings, keys: host_keys.HostKeys
) -> dict[str, t.Any]:
    """How Ansible gets into the pixel: C(ssh) is by its own SSH, C(shell) and C(auto) by our connection plugin."""
    ours = {} if connect_with == "ssh" else {"ansible_connection": CONNECTION, "pixels_transport": connect_with}
    return ours if connect_with == "shell" else {**ours, **ssh_variables(shown, settled, keys)}


def ssh_variables(shown: Shown, settled: Settings, keys: host_keys.HostKeys) -> dict[str, t.Any]:
    """How Ansible's own SSH reaches the pixel, with the host key that was pinned for it."""
    if not shown["ipv4"]:
        return {}
    alias = host_keys.alias(shown["full_name"], shown["nas"])
    options = {
        "HostKeyAlias": alias,
        "UserKnownHostsFile": as_ssh_reads(str(keys.path)),
        "StrictHostKeyChecking": "accept-new",
        # Hashed names could not be found again to be forgotten.
        "HashKnownHosts": "no",
    }
    found: dict[str, t.Any] = {
        "ansible_host": shown["ipv4"],
        "ansible_user": settled.ssh.user,
        "ansible_ssh_common_args": " ".join(f"-o {shlex.quote(f'{name}={value}')}" for name, value in options.items()),
    }
    if settled.ssh.port != 22:
        found["ansible_port"] = settled.ssh.port
    if settled.ssh.key:
        found["ansible_ssh_private_key_file"] = settled.ssh.key
    return found


def as_ssh_reads(path: str) -> str:
    """A path as the value of an option of OpenSSH, where a blank or a quote ends it and a percent sign means more."""
    if not UNFIT_FOR_SSH.search(path):
        return path
    escaped = UNFIT_IN_QUOTES.sub(r"\\\g<0>", path).replace("%", "%%")
    return f'"{escaped}"'
