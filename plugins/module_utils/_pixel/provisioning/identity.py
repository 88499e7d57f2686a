# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a clone an identity of its own: hostname, machine-id and SSH host keys.

Only existing files are replaced. The system creates missing ones at its first start; and because the NAS reports a
dangling symlink as a missing file, a write there could follow the symlink.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import typing as t
import uuid
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.rootfs import File

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.rootfs import Rootfs

HOSTNAME = "/etc/hostname"
HOSTS = "/etc/hosts"
MACHINE_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")
MACHINE_ID = re.compile(r"[0-9a-f]{32}\s*")

# Types of ssh-keygen that sshd loads by default. DSA is missing: OpenSSH 10 removed it.
KEY_TYPES = ("ed25519", "ecdsa", "rsa")
SSH_KEYGEN = "ssh-keygen"


class PublicKey(t.NamedTuple):
    """An SSH host key."""

    kind: str
    """Key type as in a known_hosts file, such as `ssh-ed25519`."""
    key: str
    """Base64 text."""


def regenerate(rootfs: Rootfs, name: str) -> list[PublicKey]:
    """Replace the identity in the filesystem of a stopped container, and return its new SSH host keys.

    Raises `Refused` for symlinks.
    """
    old = rootfs.read(HOSTNAME)
    if old is not None:
        rootfs.write(File(HOSTNAME, f"{name}\n", 0o644))
    hosts = rootfs.read(HOSTS)
    if hosts and old and old.strip():
        rootfs.write(File(HOSTS, rename_in_hosts(hosts, old.strip(), name), 0o644))
    machine_id = uuid.uuid4().hex
    for path in MACHINE_IDS:
        if is_machine_id(rootfs, path):
            rootfs.write(File(path, f"{machine_id}\n", 0o444))
    return [
        regenerate_host_key(rootfs, key_type, name) for key_type in KEY_TYPES if rootfs.has(host_key_path(key_type))
    ]


def is_machine_id(rootfs: Rootfs, path: str) -> bool:
    """Return whether a path holds a machine-id to replace.

    The system fills an empty file at its first start, and a symlink to the other path follows that path.
    """
    if rootfs.is_symlink(path):
        return False
    return bool(MACHINE_ID.fullmatch(rootfs.read(path) or ""))


def rename_in_hosts(hosts: str, old: str, new: str) -> str:
    """Return the text of a hosts file with a hostname replaced, alone or in front of a domain."""
    return re.sub(rf"(?<![\w.-]){re.escape(old)}(?![\w-])", new, hosts)


def host_key_path(key_type: str) -> str:
    """Return the path of the private host key of a type."""
    return f"/etc/ssh/ssh_host_{key_type}_key"


def regenerate_host_key(rootfs: Rootfs, key_type: str, name: str) -> PublicKey:
    """Replace a host key, with its public file if that exists."""
    private, public = generate_key(key_type, f"root@{name}")
    path = host_key_path(key_type)
    rootfs.write(File(path, private, 0o600))
    if rootfs.has(f"{path}.pub"):
        rootfs.write(File(f"{path}.pub", public, 0o644))
    words = public.split()
    return PublicKey(words[0], words[1])


def generate_key(key_type: str, comment: str) -> tuple[str, str]:
    """Return a private key in OpenSSH format and its public line. Raises `Unsupported` without ssh-keygen."""
    program = shutil.which(SSH_KEYGEN)
    if program is None:
        raise Unsupported(f"cannot generate SSH host keys: {SSH_KEYGEN} was not found. Install OpenSSH on this machine")
    # The directory has mode 0700 and is removed together with the keys.
    with tempfile.TemporaryDirectory(prefix="pixels-") as directory:
        path = Path(directory) / "key"
        result = subprocess.run(  # pylint: disable=ansible-bad-function  # on the controller
            [program, "-q", "-t", key_type, "-N", "", "-C", comment, "-f", str(path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            output = result.stderr.strip() or result.stdout.strip()
            raise Unsupported(f"cannot generate an SSH host key of type {key_type}: {SSH_KEYGEN} failed: {output}")
        return path.read_text(encoding="utf-8"), path.with_suffix(".pub").read_text(encoding="utf-8")
