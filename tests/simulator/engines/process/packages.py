# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages of `apt-get` in a guest: one that changes the guest, and those that the image contains."""

from __future__ import annotations

import pathlib
import typing as t

import asyncssh

from tests.simulator.engines.base import Finished

if t.TYPE_CHECKING:
    from tests.simulator.engines.process.guest import Guest

HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
SSHD = "/usr/sbin/sshd"
SSH_UNIT = "/usr/lib/systemd/system/ssh.service"
STATUS = "/var/lib/dpkg/status"
SSH_STATUS = """\
Package: openssh-server
Status: install ok installed
Architecture: all
Version: 1:9.6p1-3simulated1
Maintainer: the simulator
Description: the SSH server of a simulated guest

"""
OF_THE_IMAGE = {
    "ca-certificates": "/etc/ssl/certs",
    "openssh-client": "/usr/bin/ssh",
    "openssh-sftp-server": "/usr/lib/openssh/sftp-server",
    "python3-minimal": "/usr/bin/python3",
    "coreutils": "/usr/bin/ls",
    "systemd": "/usr/bin/systemctl",
}
"""Packages that are not named like their command."""


class File(t.NamedTuple):
    content: str
    mode: int


def ssh_server_files() -> dict[str, File]:
    sftp_server = (pathlib.Path(__file__).parent / "userland/sftp_server.py").read_text()
    return {
        SSHD: File(
            "#!/bin/sh\n"
            '[ "$1" = -t ] && exit 0\n'
            "echo \"sshd: in this guest init serves SSH; use 'systemctl start ssh'\" >&2\n"
            "exit 1\n",
            0o755,
        ),
        "/usr/lib/openssh/sftp-server": File(f"#!/usr/bin/python3 -I\n{sftp_server}", 0o755),
        SSH_UNIT: File(
            "[Unit]\nDescription=OpenBSD Secure Shell server\n\n[Service]\nExecStart=/usr/sbin/sshd -D\n\n"
            "[Install]\nWantedBy=multi-user.target\nAlias=sshd.service\n",
            0o644,
        ),
        "/etc/ssh/sshd_config": File(
            "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n"
            "AcceptEnv LANG LC_*\nSubsystem sftp /usr/lib/openssh/sftp-server\n",
            0o644,
        ),
    }


def new_host_key() -> tuple[bytes, bytes]:
    """Private and public, as ssh-keygen writes them."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    return key.export_private_key("openssh"), key.export_public_key("openssh")


async def apt_get(guest: Guest, arguments: list[str]) -> Finished:
    words = _without_options(arguments)
    verb, names = (words[0], words[1:]) if words else ("help", [])
    match verb:
        case "update":
            if guest.mirror_is_down:
                return _unreachable()
            return _said("Hit:1 http://mirror.invalid/ubuntu noble InRelease\nReading package lists...\n")
        case "install" | "reinstall":
            return await _install(guest, names)
        case "remove" | "purge":
            return await _remove(guest, names)
        case "upgrade" | "dist-upgrade" | "full-upgrade" | "autoremove" | "clean" | "autoclean":
            return _said("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n")
        case _:
            return _refused(f"E: Invalid operation {verb}\n")


def _without_options(arguments: list[str]) -> list[str]:
    """`-o`, `-c` and `-t` take the next word with them."""
    words, rest = [], iter(arguments)
    for argument in rest:
        if argument in ("-o", "-c", "-t"):
            next(rest, None)
        elif not argument.startswith("-"):
            words.append(argument)
    return words


async def _install(guest: Guest, names: list[str]) -> Finished:
    init = await guest.init()
    lines = []
    for name in names:
        if name == "openssh-server" and await init.describe(SSHD) is None:
            if guest.mirror_is_down:
                return _unreachable()
            await _install_ssh_server(guest)
            lines.append("Setting up openssh-server (1:9.6p1-3simulated1) ...\n")
        elif name == "openssh-server" or await _is_in_image(guest, name):
            lines.append(f"{name} is already the newest version.\n")
        else:
            return _refused(f"E: Unable to locate package {name}\n", "".join(lines))
    return _said("".join(lines))


async def _install_ssh_server(guest: Guest) -> None:
    init = await guest.init()
    for path, file in ssh_server_files().items():
        await init.write_file(path, file.content.encode(), mode=file.mode)
    if await init.describe(HOST_KEY) is None:
        private, public = new_host_key()
        await init.write_file(HOST_KEY, private, mode=0o600)
        await init.write_file(f"{HOST_KEY}.pub", public, mode=0o644)
    await init.write_file(STATUS, SSH_STATUS.encode(), append=True)


async def _remove(guest: Guest, names: list[str]) -> Finished:
    init = await guest.init()
    for name in names:
        if name != "openssh-server":
            return _refused(f"E: this guest's apt-get can only remove openssh-server, not {name}\n")
        await guest.close_ssh()
        for path in ssh_server_files():
            await init.remove(path)
        status = (await init.read_file(STATUS)).replace(SSH_STATUS.encode(), b"")
        await init.write_file(STATUS, status)
    return _said("".join(f"Removing {name} ...\n" for name in names))


async def _is_in_image(guest: Guest, name: str) -> bool:
    init = await guest.init()
    places = [OF_THE_IMAGE[name]] if name in OF_THE_IMAGE else [f"/usr/bin/{name}", f"/usr/sbin/{name}"]
    for place in places:
        if "/" not in name and await init.describe(place) is not None:
            return True
    return False


def _said(text: str) -> Finished:
    return Finished(0, text.encode(), b"")


def _refused(text: str, message: str = "") -> Finished:
    return Finished(100, message.encode(), text.encode())


def _unreachable() -> Finished:
    return _refused(
        "E: Failed to fetch http://mirror.invalid/ubuntu/dists/noble/InRelease  "
        "Temporary failure resolving 'mirror.invalid'\n"
        "E: Some index files failed to download. They have been ignored, or old ones used instead.\n"
    )
