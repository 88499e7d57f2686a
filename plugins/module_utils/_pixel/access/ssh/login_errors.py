# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors for logins that OpenSSH could not complete: the cause, and what to do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionFailed, NotPermitted
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import private_key
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh.openssh import ssh_environment
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import (
    DEFAULT_KEY,
    host_key_mismatch,
    no_answer,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import SshTarget
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import KnownHosts

# Messages of OpenSSH, in lower case.
HOST_KEY_FAILED = "host key verification failed"
PERMISSION_DENIED = "permission denied"

AGENT_TIMEOUT_S = 10.0


def login_error(target: SshTarget, keys: KnownHosts, output: str) -> ConnectionFailed | NotPermitted:
    """Return the error for a login that failed with this output of `ssh`."""
    if HOST_KEY_FAILED in output.lower():
        return host_key_mismatch(target, keys)
    if PERMISSION_DENIED in output.lower():
        problem = key_problem(target) or (
            "give the private key with ssh.key in the configuration or PIXELS_SSH_KEY, and its public half to the "
            "pixel when it is created"
        )
        return NotPermitted(f"{target} took none of the keys: {problem}")
    reason = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "ssh printed no message")
    return no_answer(target, reason)


def cause_of_silence(status: int, log: str) -> str:
    """Return why `ssh` ended with `status` and wrote nothing to the file `log`; empty if the cause is unknown."""
    try:
        with open(log, "a", encoding="utf-8") as file:
            file.write("\n")
    except OSError as error:
        return (
            f"ssh cannot write to {os.path.dirname(log)}: {error.strerror}. Free some space, or set XDG_CACHE_HOME "
            "and XDG_STATE_HOME to directories that can be written"
        )
    if status < 0:
        return f"ssh was ended by signal {-status} ({signal.Signals(-status).name})"
    return ""


def key_problem(target: SshTarget) -> str | None:
    """Return why the target's key cannot be used, and what to do; None if there is no such problem."""
    path = target.key_file or DEFAULT_KEY
    if target.key_file is None and not private_key.is_there(path):
        return None
    public = private_key.public_half(path)
    problem = private_key.problem(path, in_agent=public is not None and public in agent_keys())
    if problem is None and private_key.is_open_to_others(path):
        return f"other users can read the private key {path}, so ssh does not use it. Run chmod 600 {path}"
    return problem


def agent_keys() -> list[bytes]:
    """Return the public halves of the keys in the SSH agent; none if the agent does not answer."""
    ssh_add = shutil.which("ssh-add")
    if ssh_add is None or not os.environ.get("SSH_AUTH_SOCK"):
        return []
    try:
        ended = subprocess.run(  # pylint: disable=ansible-bad-function  # on the controller
            [ssh_add, "-L"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=ssh_environment(),
            check=False,
            timeout=AGENT_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return []
    return [key for line in ended.stdout.splitlines() if (key := private_key.of_public_key(line))]
