# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provision a pixel with commands in it, through the web shell: without a restart, and without writes from outside."""

from __future__ import annotations

import base64
import re
import typing as t
from contextlib import suppress
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import file_transfer, scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import control_master
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import env_table
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import (
    authorized_keys,
    first_boot,
    step_record,
    users,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.authorized_keys import (
    ROOT_KEYS,
    merge_keys,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.rootfs_provisioner import (
    RESOLVED_CONFIG,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import failure_report, readiness
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Result, Shell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

RESOLV_CONF = "/etc/resolv.conf"

NETWORK_TIMEOUT_S = 60.0
"""Seconds to wait for an address before packages are installed. Without one, the installation is tried all the same."""
SCRIPT_TIMEOUT_S = 30.0
INSPECT_TIMEOUT_S = 60.0
OUTPUT_LIMIT = 8 * 1024 * 1024
"""Bytes of output of a script: a few files in base64."""

HOST_KEY_TYPES = (
    *("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
)
"""Types of SSH host keys that OpenSSH supports (sshkey.c of OpenSSH 10, which has no DSA)."""
KEY = re.compile(r"[A-Za-z0-9+/]{1,16384}={0,2}")

# Prints lines of a keyword, a blank and a value; the value of a file is base64.
INSPECT = f"""\
{scripts.WAIT_FOR_SYSTEMD}
file() {{ [ -f "$2" ] && printf '%s %s\\n' "$1" "$(base64 <"$2" | tr -d '\\n')"; }}
file keys {ROOT_KEYS}
file env {env_table.FILE}
file accept {env_table.ACCEPTED}
if [ -x /lib/systemd/systemd-resolved ] || [ -x /usr/lib/systemd/systemd-resolved ]; then
    echo resolved yes
    file dns {RESOLVED_CONFIG}
else
    file dns {RESOLV_CONF}
fi
if command -v sshd >/dev/null 2>&1 || [ -x /usr/sbin/sshd ]; then echo sshd yes; fi
if command -v systemctl >/dev/null 2>&1; then
    for unit in ssh sshd ssh.socket sshd.socket; do
        systemctl is-active -q $unit >/dev/null 2>&1 && echo serving yes && break
    done
else
    rc-service sshd status >/dev/null 2>&1 && echo serving yes
fi
for key in /etc/ssh/ssh_host_*_key.pub; do file host "$key"; done
exit 0
"""

ENSURE_SSH_SERVER = f"{first_boot.SSH_SERVER}\n{{ install_ssh_server && enable_ssh_server; }} 2>&1\n"

# A server that systemd starts for each connection reads its configuration then.
RELOAD_SSH_SERVER = """\
if command -v systemctl >/dev/null 2>&1; then
    systemctl try-reload-or-restart ssh >/dev/null 2>&1 || systemctl try-reload-or-restart sshd
else
    rc-service --ifstarted sshd reload
fi
"""

RELOAD_RESOLVED = "if systemctl is-active -q systemd-resolved; then systemctl restart systemd-resolved; fi"


@dataclass(frozen=True)
class ProvisionedState:
    """What is set up in a pixel."""

    keys: str = ""
    """Text of root's authorized_keys file."""
    has_user: bool = False
    user_keys: str = ""
    """Text of the authorized_keys file of the login user."""
    dns: str = ""
    """Text of the file that lists the name servers."""
    has_resolved: bool = False
    has_sshd: bool = False
    is_serving: bool = False
    """Whether the SSH server runs."""
    host_keys: tuple[tuple[str, str], ...] = ()
    """Pairs of key type and key."""
    environment: str = field(default="", repr=False)
    """Text of the file with the variables of every login."""
    accepted: str = ""
    """Text of the file that lets SSH clients send variables."""

    def missing_items(self, spec: ProvisionSpec) -> list[str]:
        """Return what the specification requires and the pixel lacks, in the order in which it is set up."""
        missing = []
        if not self.has_user and spec.user != users.ROOT:
            missing.append("user")
        if any(merge_keys(keys, spec.public_keys) != merge_keys(keys, ()) for keys in (self.keys, self.user_keys)):
            missing.append("keys")
        if spec.dns and name_servers(spec.dns, resolved=self.has_resolved) != self.dns:
            missing.append("dns")
        if env_table.merged(self.environment, spec.environment) != env_table.merged(self.environment, ()):
            missing.append("environment")
        if not (self.has_sshd and self.is_serving):
            missing.append("ssh server")
        if env_table.accepting(self.accepted, spec.accept_env) != self.accepted:
            missing.append("accept env")
        return missing


def is_complete(pixels: Pixels, name: PixelName, spec: ProvisionSpec) -> bool:
    """Return whether a running pixel is provisioned as specified."""
    with trying(f"inspecting {name.bare} on {pixels.nas}"), WebShellClient(pixels, name) as shell:
        return not inspect(shell, spec.user).missing_items(spec)


def provision(pixels: Pixels, name: PixelName, spec: ProvisionSpec, *, deadline: Deadline, ssh_port: int) -> None:
    """Set up what is missing, and pin the SSH host keys of the pixel.

    Errors list what was set up before they occurred; another run continues from there.
    """
    done: list[str] = []
    where = f"{name.bare} on {pixels.nas}"
    with (
        trying(f"provisioning {where}"),
        failure_report.reporting_progress(done),
        WebShellClient(pixels, name) as shell,
    ):
        found = inspect(shell, spec.user)
        missing = found.missing_items(spec)
        recorder = step_record.Recorder(shell, [step_name(item) for item in missing], timeout=deadline.left)
        for item in missing:
            with recorder.step(step_name(item)):
                if item == "ssh server":
                    ensure_ssh_server(
                        pixels, name, shell, installed=found.has_sshd, deadline=deadline, ssh_port=ssh_port
                    )
                    done.append("an SSH server")
                else:
                    done += set_up(name, shell, item, found, spec)
        recorder.flush()
        # Upstream pixels and `pixels status` recognize a provisioned pixel by the marker.
        marker = f"rm -f {first_boot.FAILURE_PATH}; [ -e {first_boot.MARKER_PATH} ] || touch {first_boot.MARKER_PATH}"
        run(shell, marker, action=f"writing {first_boot.MARKER_PATH}")
        pin(pixels, name, inspect(shell).host_keys)


def step_name(item: str) -> str:
    """Return the name of the step that sets up a missing item."""
    return item.replace(" ", "-")


def set_up(name: PixelName, shell: Shell, item: str, found: ProvisionedState, spec: ProvisionSpec) -> t.Iterator[str]:
    """Set up a missing item other than the SSH server, and yield what was set up."""
    if item == "user":
        users.create(shell, spec.user)
        yield f"the user {spec.user}"
    elif item == "keys":
        for user in dict.fromkeys((users.ROOT, spec.user)):
            yield authorize(shell, user, spec.public_keys)
    elif item == "dns":
        yield set_name_servers(shell, spec.dns or (), resolved=found.has_resolved)
    elif item == "environment":
        write(shell, env_table.FILE, env_table.merged(found.environment, spec.environment))
        yield env_table.FILE
    else:
        path = env_table.ACCEPTED
        write(shell, path, env_table.accepting(found.accepted, spec.accept_env))
        run(shell, RELOAD_SSH_SERVER, action="reloading the SSH server")
        # An open connection keeps the configuration that the server had when it was opened.
        control_master.close_connections(name, cut_off=False)
        yield path


def inspect(shell: Shell, login_user: str = users.ROOT) -> ProvisionedState:
    """Return what is set up in a pixel. The keys of the user that SSH logs in as are read as that user."""
    values: dict[str, list[str]] = {}
    output = run(shell, INSPECT, action="reading the configuration files", timeout=INSPECT_TIMEOUT_S).stdout
    for line in output.decode("ascii", "replace").splitlines():
        keyword, _blank, value = line.partition(" ")
        values.setdefault(keyword, []).append(value)
    has_user = login_user == users.ROOT or users.find(shell, login_user) is not None

    def file(keyword: str) -> str:
        return decoded("".join(values.get(keyword, []))).decode("utf-8", "replace")

    def user_keys() -> str:
        if login_user == users.ROOT:
            return file("keys")
        return authorized_keys.find(shell, login_user).text if has_user else ""

    return ProvisionedState(
        keys=file("keys"),
        has_user=has_user,
        user_keys=user_keys(),
        dns=file("dns"),
        environment=file("env"),
        accepted=file("accept"),
        has_resolved="resolved" in values,
        has_sshd="sshd" in values,
        is_serving="serving" in values,
        host_keys=host_keys(values.get("host", ())),
    )


def host_keys(texts: t.Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return type and key of each public host key file, given in base64. Raises `Refused` for two of one type."""
    found: dict[str, str] = {}
    for text in texts:
        key_type, key = public_key(decoded(text)) or ("", "")
        if key_type and found.setdefault(key_type, key) != key:
            problem = f"the pixel has more than one SSH host key of type {key_type} in /etc/ssh. Remove all but one"
            break
    else:
        return tuple(found.items())
    raise Refused(problem)


def decoded(text: str) -> bytes:
    """Decode base64 from a pixel. Raises `Refused` for anything else."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        problem = "the pixel returned files that are not base64. Check whether its programs were replaced"
    raise Refused(problem)


def public_key(line: bytes) -> tuple[str, str] | None:
    """Return type and key of a public key file; None for other text, which must not get into known_hosts."""
    words = line.decode("ascii", "replace").split()
    is_key = len(words) > 1 and words[0] in HOST_KEY_TYPES and KEY.fullmatch(words[1])
    return (words[0], words[1]) if is_key else None


def authorize(shell: Shell, user: str, keys: t.Sequence[str]) -> str:
    """Add keys to the authorized_keys file of a user, and return its path."""
    found = authorized_keys.find(shell, user)
    change = authorized_keys.plan(found, authorized_keys.KeySpec(user, tuple(keys)))
    if change.needed:
        authorized_keys.apply(shell, found, change)
    return found.path


def name_servers(dns: t.Sequence[str], *, resolved: bool) -> str:
    """Return the text of the file that lists name servers: for systemd-resolved, or resolv.conf."""
    if resolved:
        return f"[Resolve]\nDNS={' '.join(dns)}\n"
    return "".join(f"nameserver {server}\n" for server in dns)


def set_name_servers(shell: Shell, dns: t.Sequence[str], *, resolved: bool) -> str:
    """Write the file that lists name servers, and return its path."""
    path = RESOLVED_CONFIG if resolved else RESOLV_CONF
    write(shell, path, name_servers(dns, resolved=resolved))
    if resolved:
        run(shell, RELOAD_RESOLVED, action="restarting systemd-resolved")
    return path


def ensure_ssh_server(
    pixels: Pixels, name: PixelName, shell: Shell, *, installed: bool, deadline: Deadline, ssh_port: int
) -> None:
    """Install an SSH server if there is none, and start it. Raises `Refused` with the end of the output."""
    if not installed:
        with suppress(TimedOut):
            network = Deadline(min(NETWORK_TIMEOUT_S, deadline.left))
            readiness.wait_for(pixels, name, "address", deadline=network, ssh_port=ssh_port)
    run(shell, ENSURE_SSH_SERVER, action="installing and starting an SSH server", timeout=deadline.left)


def pin(pixels: Pixels, name: PixelName, keys: t.Sequence[tuple[str, str]]) -> None:
    """Trust only these host keys, which were read in the pixel instead of from the first server that answered."""
    alias = known_hosts.alias(name, pixels.nas)
    pixels.ssh_answers.forget(name)
    if not keys or set(pixels.host_keys.find(alias).items()) == set(keys):
        return
    pixels.host_keys.replace(alias, dict(keys))


def write(shell: Shell, path: str, text: str) -> None:
    """Write a file with mode 0644, with the directory above it. Raises `Refused`."""
    directory = path.rpartition("/")[0]
    run(shell, 'mkdir -p -m 755 "$1"', directory, action=f"creating the directory {directory}")
    try:
        file_transfer.put_bytes(shell, text.encode("utf-8"), path, mode="644")
    except file_transfer.NotTransferred as error:
        problem = str(error)
    else:
        return
    raise Refused(f"writing a file failed: {problem}")


def run(shell: Shell, script: str, *arguments: str, action: str, timeout: float = SCRIPT_TIMEOUT_S) -> Result:
    """Run a script as root, for at most `timeout` seconds. Raises `Refused` if it fails."""
    return scripts.run_checked(shell, script, *arguments, action=action, timeout=timeout, limit=OUTPUT_LIMIT)
