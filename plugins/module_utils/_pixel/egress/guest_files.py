# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All files of a policy inside a pixel, as a pure function of the policy and of facts about the pixel."""

from __future__ import annotations

import hashlib
import io
import tarfile
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    guest_program,
    guest_sudo,
    resolver,
    ruleset,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    policy as policies,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy

POLICY_PATH = f"{guest_program.DIRECTORY}/policy.json"
NAMES_PATH = f"{guest_program.DIRECTORY}/names"

SYSTEMD = "systemd"
OPENRC = "openrc"


@dataclass(frozen=True)
class GuestFile:
    """One file of root in a pixel."""

    content: str
    mode: int = 0o644

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the content in hexadecimal."""
        return hashlib.sha256(self.content.encode()).hexdigest()


def render(policy: EgressPolicy, init: str, hosts: t.Mapping[str, t.Sequence[str]]) -> dict[str, GuestFile]:
    """Return the files of a policy by their paths; none for mode `unrestricted`.

    `init` is `systemd` or `openrc`; for `hosts` see `policy.names_of`.
    """
    if not policy.enforced:
        return {}
    names = policies.effective_names(policy, hosts)
    directory = guest_program.DIRECTORY
    return {
        POLICY_PATH: GuestFile(f"{policy.text}\n"),
        f"{directory}/rules.nft": GuestFile(ruleset.render(policy), 0o600),
        NAMES_PATH: GuestFile(resolver.render_names(policy, names)),
        f"{directory}/dns": GuestFile("".join(f"{server}\n" for server in policy.dns)),
        f"{directory}/dnsmasq.conf": GuestFile(resolver.render_configuration(policy)),
        guest_sudo.INSTALL_PATH: GuestFile(guest_sudo.INSTALL, 0o755),
        guest_sudo.SUDOERS_PATH: GuestFile(guest_sudo.sudoers(policy.sudo), 0o440),
        guest_program.PROGRAM_PATH: GuestFile(guest_program.PROGRAM, 0o755),
        **service_files(init),
    }


def service_files(init: str) -> dict[str, GuestFile]:
    """Return the files that load the policy at boot, for an init system."""
    if init == OPENRC:
        return {
            "/etc/init.d/pixels-egress": GuestFile(guest_program.OPENRC_LOAD, 0o755),
            "/etc/init.d/pixels-resolver": GuestFile(guest_program.OPENRC_RESOLVE, 0o755),
        }
    return {
        "/etc/systemd/system/pixels-egress.service": GuestFile(guest_program.SYSTEMD_LOAD),
        "/etc/systemd/system/pixels-resolver.service": GuestFile(guest_program.SYSTEMD_RESOLVE),
    }


def pack(files: t.Mapping[str, GuestFile]) -> bytes:
    """Return files as a tar archive of paths relative to `/`, owned by root."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, file in files.items():
            data = file.content.encode()
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(data), file.mode
            archive.addfile(entry, io.BytesIO(data))
    return content.getvalue()
