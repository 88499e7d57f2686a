# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a shell in a pixel by its name, over SSH or through the web shell."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    MissingLibrary,
    Refused,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import ssh_probe
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import RunAs
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import NoAnswer, SshTarget
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Shell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import settings
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container


@contextmanager
def open_shell(pixels: Pixels, name: str, ssh: settings.SshSettings) -> t.Iterator[Shell]:
    """Yield a shell in a running pixel.

    Raises `NotFound`, `Refused` if it is not running, and `ConnectionFailed` if it has no address or does not answer.
    """
    found = pixels.get(name)
    if not found.running:
        raise Refused(f"{found.name.bare} on {pixels.nas} is {found.status}: start it first")
    with choose_transport(pixels, found, ssh) as shell:
        yield shell


def choose_transport(pixels: Pixels, found: Container, ssh: settings.SshSettings) -> Shell:
    """Open a shell over the configured transport. `auto` is SSH if a server answers, and the web shell otherwise.

    Over either transport, `auto` runs commands as the user of the settings; with `shell`, they run as root.
    `auto` waits only for a server that has answered before. A server whose host key is not the pinned one, or that
    accepts none of the keys, does answer; that error is raised.
    """
    if ssh.transport == "shell":
        return WebShellClient(pixels, found.name)
    if ssh.transport == "ssh":
        return over_ssh(pixels, found, ssh)
    if found.address is None:
        return web_shell_as_user(pixels, found, ssh)
    server = (pixels.ssh_answers, found.name, found.address, ssh.port)
    if not ssh_probe.uses_ssh(*server):
        return web_shell_as_user(pixels, found, ssh)
    try:
        return over_ssh(pixels, found, ssh)
    except MissingLibrary:
        return web_shell_as_user(pixels, found, ssh)
    except NoAnswer:
        if not ssh_probe.answers_again(*server):
            return web_shell_as_user(pixels, found, ssh)
    return over_ssh(pixels, found, ssh)


def web_shell_as_user(pixels: Pixels, found: Container, ssh: settings.SshSettings) -> Shell:
    """Open a web shell in the place of SSH. Its user is root, but commands run as the user that SSH logs in as."""
    shell = WebShellClient(pixels, found.name)
    return shell if ssh.user == "root" else RunAs(shell, ssh.user)


def over_ssh(pixels: Pixels, found: Container, ssh: settings.SshSettings) -> Shell:
    """Open a shell over SSH. Raises `ConnectionFailed`, `NotPermitted` and `MissingLibrary`."""
    # Imported here because paramiko takes longer to load than everything else.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh.paramiko_client import ParamikoClient

    if found.address is None:
        raise ConnectionFailed(
            f"{found.name.bare} on {pixels.nas} runs, but the NAS reports no address for it: "
            "the web shell needs none (transport: shell)"
        )
    target = SshTarget(
        found.name,
        pixels.nas,
        found.address,
        port=ssh.port,
        user=ssh.user,
        key_file=ssh.key,
        password=ssh.password,
        check_host_key=ssh.check_host_key,
    )
    return ParamikoClient(target, pixels.host_keys, timeout=ssh.timeout)
