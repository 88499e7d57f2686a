# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells a clone from the pixel it was made from: hostname, machine-id and SSH host keys of its own.

Only files that are there are replaced. What is missing is made by the system itself at its first start, and a symlink
that leads nowhere looks to the NAS like a file that is missing: nothing may be written through it.
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
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import File

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import Rootfs

HOSTNAME = "/etc/hostname"
HOSTS = "/etc/hosts"
MACHINE_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")
MACHINE_ID = re.compile(r"[0-9a-f]{32}\s*")

# As sshd knows them, and ssh-keygen. DSA is left out: nothing makes such keys any more.
KINDS = ("ed25519", "ecdsa", "rsa")
SSH_KEYGEN = "ssh-keygen"


class PublicKey(t.NamedTuple):
    kind: str
    """As in a known_hosts file: C(ssh-ed25519)."""
    key: str


def renew(rootfs: Rootfs, name: str) -> list[PublicKey]:
    """Give a filesystem nobody runs an identity, and return its SSH host keys. Raises C(Refused) for symlinks."""
    old = rootfs.read(HOSTNAME)
    if old is not None:
        rootfs.write(File(HOSTNAME, f"{name}\n", 0o644, restart=False))
    hosts = rootfs.read(HOSTS)
    if hosts and old and old.strip():
        rootfs.write(File(HOSTS, renamed(hosts, old.strip(), name), 0o644, restart=False))
    machine_id = uuid.uuid4().hex
    for path in MACHINE_IDS:
        if is_machine_id(rootfs, path):
            rootfs.write(File(path, f"{machine_id}\n", 0o444, restart=False))
    return [renew_host_key(rootfs, kind, name) for kind in KINDS if rootfs.has(host_key(kind))]


def is_machine_id(rootfs: Rootfs, path: str) -> bool:
    """Whether there is one to replace: an empty one is made at the first start, a symlink to another follows it."""
    if rootfs.is_symlink(path):
        return False
    return bool(MACHINE_ID.fullmatch(rootfs.read(path) or ""))


def renamed(hosts: str, old: str, new: str) -> str:
    """A hosts file with one name for another, wherever it stands by itself or in front of a domain."""
    return re.sub(rf"(?<![\w.-]){re.escape(old)}(?![\w-])", new, hosts)


def host_key(kind: str) -> str:
    return f"/etc/ssh/ssh_host_{kind}_key"


def renew_host_key(rootfs: Rootfs, kind: str, name: str) -> PublicKey:
    private, public = new_key(kind, f"root@{name}")
    rootfs.write(File(host_key(kind), private, 0o600, restart=False))
    if rootfs.has(f"{host_key(kind)}.pub"):
        rootfs.write(File(f"{host_key(kind)}.pub", public, 0o644, restart=False))
    words = public.split()
    return PublicKey(words[0], words[1])


def new_key(kind: str, comment: str) -> tuple[str, str]:
    """A private key in OpenSSH's format, and its public line. Raises C(Unsupported) where there is no ssh-keygen."""
    program = shutil.which(SSH_KEYGEN)
    if program is None:
        raise Unsupported(f"SSH host keys for the clone are made with {SSH_KEYGEN}: install OpenSSH on this machine")
    # A folder only this user can enter, gone with the keys in it.
    with tempfile.TemporaryDirectory(prefix="pixels-") as folder:
        path = Path(folder) / "key"
        made = subprocess.run(
            [program, "-q", "-t", kind, "-N", "", "-C", comment, "-f", str(path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise Unsupported(f"{SSH_KEYGEN} made no {kind} key: {made.stderr.strip() or made.stdout.strip()}")
        return path.read_text(encoding="utf-8"), path.with_suffix(".pub").read_text(encoding="utf-8")
