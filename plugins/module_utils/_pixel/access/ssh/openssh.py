# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, the options and the environment of the OpenSSH client."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api import child_process
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import private_key
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh.quoting import quote_path
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import SshTarget

NAS_VARIABLES = "PIXELS_TRUENAS_"

SSH_FAILED = 255
"""Exit status of `ssh` for its own failures (ssh(1), EXIT STATUS). A remote command can end with it too."""


def program() -> str | None:
    """Return the path of `ssh`, or None if it is not installed."""
    return shutil.which("ssh")


def options(
    target: SshTarget,
    keys: known_hosts.KnownHosts,
    *,
    only_pinned: bool = False,
    only_default_key: bool = False,
    timeout: int = 10,
) -> list[str]:
    """Return the `-o` arguments that make `ssh` connect to one pixel and verify its host key.

    `ssh` pins an unknown host key, unless `only_pinned` is set, as for an address that the NAS has not just reported.
    If the target has no key file, `ssh` offers all its keys and those of the agent, unless `only_default_key` is set.
    `timeout` is the connection timeout in seconds.
    """
    values = {
        "HostKeyAlias": known_hosts.alias(target.pixel, target.nas),
        "UserKnownHostsFile": quote_path(str(keys.path)),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes" if only_pinned else "accept-new",
        # Entries with hashed names could not be found again to remove them.
        "HashKnownHosts": "no",
        "CheckHostIP": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "ConnectTimeout": str(timeout),
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "3",
        "User": target.user,
        "Port": str(target.port),
    }
    # An absolute path, because `ssh` takes the home directory from passwd and this project takes it from HOME.
    if key_file := private_key.to_offer(target.key_file):
        values["IdentityFile"] = quote_path(key_file)
    if target.key_file or only_default_key:
        values["IdentitiesOnly"] = "yes"
    if only_default_key:
        # No prompt for its passphrase here: another key may be accepted.
        values["BatchMode"] = "yes"
    return [word for name, value in values.items() for word in ("-o", f"{name}={value}")]


def sending(names: t.Iterable[str]) -> list[str]:
    """Return the arguments that make `ssh` send these variables of its environment. They hold no values."""
    return [word for name in names for word in ("-o", f"SendEnv={name}")]


def ssh_environment() -> dict[str, str]:
    """Return this environment without the variables of the NAS, such as its API key: `ssh` may outlive this process."""
    return {name: value for name, value in os.environ.items() if not name.startswith(NAS_VARIABLES)}


def run_quietly(*arguments: str, timeout: float | None = None) -> int:
    """Run `ssh` without input and output, and return its exit status.

    Raises `subprocess.TimeoutExpired` after `timeout` seconds, and then `ssh` has been killed.
    """
    process = subprocess.Popen(  # pylint: disable=ansible-bad-function  # on the controller
        [program() or "ssh", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ssh_environment(),
    )
    try:
        return process.wait() if timeout is None else child_process.wait(process, timeout=timeout)
    except BaseException:
        process.kill()
        process.wait()
        raise


def start(argv: list[str], **options: t.Any) -> subprocess.Popen[bytes]:
    """Start `ssh`; `options` are those of `Popen`. Raises `Invalid` if its arguments and variables are too large."""
    try:
        return subprocess.Popen(argv, **options)  # pylint: disable=ansible-bad-function  # on the controller
    except OSError as error:
        if error.errno != errno.E2BIG:
            raise
    raise Invalid(
        "the command cannot run: its arguments and variables are too large for this system. Send the content as "
        "standard input",
        fields=(("argv", "too long"),),
    )
