# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a pixel reachable over SSH from inside, through the shell of the NAS: no restart, and no write from outside."""

from __future__ import annotations

import base64
import typing as t
from contextlib import suppress
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import (
    authorizing,
    environment,
    host_keys,
    names,
    openssh,
    readiness,
    transfer,
    users,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.first_boot import FAILED, MARKER, SSH_SERVER
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import (
    AUTHORIZED_KEYS,
    RESOLVED,
    Provision,
    merge_keys,
    telling,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.shell import NasShell
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.trying import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Result, Shell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels

RESOLV_CONF = "/etc/resolv.conf"

# The address comes some time after the start, and with it the way to a package source.
NETWORK_WITHIN = 60.0
LOOK_WITHIN = 30.0
LAST_LINES = 3

# The user is its argument. It says a word, a blank, and what there is to say of it, which for files is base64.
LOOK = f"""\
file() {{ [ -f "$2" ] && printf '%s %s\\n' "$1" "$(base64 <"$2" | tr -d '\\n')"; }}
file keys {AUTHORIZED_KEYS}
if entry=$(getent passwd "$1" 2>/dev/null || grep "^$1:" /etc/passwd); then
    echo user yes
    file user_keys "$(echo "$entry" | cut -d: -f6)/.ssh/authorized_keys"
fi
file env {environment.FILE}
file accept {environment.ACCEPTED}
if [ -x /lib/systemd/systemd-resolved ] || [ -x /usr/lib/systemd/systemd-resolved ]; then
    echo resolved yes
    file dns {RESOLVED}
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

SEE_TO_SSH_SERVER = f"{SSH_SERVER}\n{{ install_ssh_server && enable_ssh_server; }} 2>&1\n"

# A server that waits for its first client, or has its settings from the socket, reads them anew by itself.
RELOAD_SSH_SERVER = """\
if command -v systemctl >/dev/null 2>&1; then
    systemctl try-reload-or-restart ssh >/dev/null 2>&1 || systemctl try-reload-or-restart sshd
else
    rc-service --ifstarted sshd reload
fi
"""

RELOAD_RESOLVED = "if systemctl is-active -q systemd-resolved; then systemctl restart systemd-resolved; fi"


@dataclass(frozen=True)
class State:
    """How far a pixel is."""

    keys: str = ""
    """Root's authorized_keys."""
    has_user: bool = False
    user_keys: str = ""
    """Those of the user that SSH logs in as."""
    dns: str = ""
    """What says which name servers there are."""
    has_resolved: bool = False
    has_sshd: bool = False
    is_serving: bool = False
    host_keys: tuple[tuple[str, str], ...] = ()
    """Each with its kind."""
    environment: str = field(default="", repr=False)
    """Variables of every login."""
    accepted: str = ""
    """What lets SSH clients bring variables."""

    def lacks(self, wanted: Provision) -> list[str]:
        lacking = []
        if not self.has_user and wanted.user != users.ROOT:
            lacking.append("user")
        if any(merge_keys(keys, wanted.public_keys) != merge_keys(keys, ()) for keys in (self.keys, self.user_keys)):
            lacking.append("keys")
        if wanted.dns and name_servers(wanted.dns, resolved=self.has_resolved) != self.dns:
            lacking.append("dns")
        if environment.merged(self.environment, wanted.environment) != environment.merged(self.environment, ()):
            lacking.append("environment")
        if environment.accepting(self.accepted, wanted.accept_env) != self.accepted:
            lacking.append("accept env")
        if not (self.has_sshd and self.is_serving):
            lacking.append("ssh server")
        return lacking


def is_complete(pixels: Pixels, name: str, wanted: Provision) -> bool:
    """Whether a running pixel has all of it already."""
    with trying(f"looking at {names.bare_name(name)} on {pixels.nas}"), NasShell(pixels, name) as shell:
        return not look(shell, wanted.user).lacks(wanted)


def provision(pixels: Pixels, name: str, wanted: Provision, *, deadline: Deadline, ssh_port: int) -> None:
    """Put in place what is lacking, and pin the pixel's SSH host keys.

    Raises what went wrong with what is in place by then; running it again goes on from there.
    """
    done: list[str] = []
    where = f"{names.bare_name(name)} on {pixels.nas}"
    with trying(f"provisioning {where}"), telling(done), NasShell(pixels, name) as shell:
        found = look(shell, wanted.user)
        lacking = found.lacks(wanted)
        if "user" in lacking:
            users.make(shell, wanted.user)
            done.append(f"the user {wanted.user}")
        if "keys" in lacking:
            done.extend(
                authorize(shell, login, wanted.public_keys) for login in dict.fromkeys((users.ROOT, wanted.user))
            )
        if "dns" in lacking:
            done.append(set_name_servers(shell, wanted.dns or (), resolved=found.has_resolved))
        if "environment" in lacking:
            path = environment.FILE
            write(shell, path, environment.merged(found.environment, wanted.environment))
            done.append(path)
        if "ssh server" in lacking:
            see_to_ssh_server(pixels, name, shell, installed=found.has_sshd, deadline=deadline, ssh_port=ssh_port)
            done.append("an SSH server")
        if "accept env" in lacking:
            path = environment.ACCEPTED
            write(shell, path, environment.accepting(found.accepted, wanted.accept_env))
            run(shell, RELOAD_SSH_SERVER, timeout=LOOK_WITHIN)
            # A connection goes on with what the server took when it was made.
            openssh.hang_up(name, at_once=False)
            done.append(path)
        # What upstream pixels, and our own status, know a provisioned pixel by.
        run(shell, f"rm -f {FAILED}; [ -e {MARKER} ] || touch {MARKER}", timeout=LOOK_WITHIN)
        pin(pixels, name, look(shell, wanted.user).host_keys)


def look(shell: Shell, login: str) -> State:
    """C(login) is who SSH logs in as."""
    told: dict[str, list[str]] = {}
    for line in run(shell, LOOK, login, timeout=LOOK_WITHIN).stdout.decode("ascii", "replace").splitlines():
        word, _blank, value = line.partition(" ")
        told.setdefault(word, []).append(value)

    def file(word: str) -> str:
        return base64.b64decode("".join(told.get(word, []))).decode("utf-8", "replace")

    return State(
        keys=file("keys"),
        has_user="user" in told,
        user_keys=file("user_keys"),
        dns=file("dns"),
        environment=file("env"),
        accepted=file("accept"),
        has_resolved="resolved" in told,
        has_sshd="sshd" in told,
        is_serving="serving" in told,
        host_keys=tuple(key for text in told.get("host", ()) if (key := public_key(base64.b64decode(text)))),
    )


def public_key(line: bytes) -> tuple[str, str] | None:
    """Kind and key of a public key file."""
    words = line.decode("ascii", "replace").split()
    return (words[0], words[1]) if len(words) > 1 else None


def authorize(shell: Shell, login: str, keys: t.Sequence[str]) -> str:
    """Where these keys are among others, then."""
    found = authorizing.find(shell, login)
    change = authorizing.plan(found, authorizing.Wanted(login, tuple(keys)))
    if change.needed:
        authorizing.apply(shell, found, change)
    return found.path


def name_servers(dns: t.Sequence[str], *, resolved: bool) -> str:
    """The content of the file that names them."""
    if resolved:
        return f"[Resolve]\nDNS={' '.join(dns)}\n"
    return "".join(f"nameserver {server}\n" for server in dns)


def set_name_servers(shell: Shell, dns: t.Sequence[str], *, resolved: bool) -> str:
    path = RESOLVED if resolved else RESOLV_CONF
    write(shell, path, name_servers(dns, resolved=resolved))
    if resolved:
        run(shell, RELOAD_RESOLVED, timeout=LOOK_WITHIN)
    return path


def see_to_ssh_server(
    pixels: Pixels, name: str, shell: Shell, *, installed: bool, deadline: Deadline, ssh_port: int
) -> None:
    if not installed:
        with suppress(TimedOut):
            # It may have a way to its package source all the same.
            soon = Deadline(min(NETWORK_WITHIN, deadline.left))
            readiness.wait_for(pixels, name, "address", deadline=soon, ssh_port=ssh_port)
    ended = shell.run(Command(("/bin/sh", "-c", SEE_TO_SSH_SERVER)), timeout=deadline.left)
    if ended.rc:
        raise Refused(f"installing and starting an SSH server ended with {ended.rc}: {last_words(ended)}")


def pin(pixels: Pixels, name: str, keys: t.Sequence[tuple[str, str]]) -> None:
    """Trust these host keys and no others: they were read inside, and not from whoever answered first."""
    alias = host_keys.alias(name, pixels.nas)
    if not keys or set(pixels.host_keys.find(alias).items()) == set(keys):
        return
    pixels.host_keys.forget(alias)
    for kind, key in keys:
        pixels.host_keys.pin(alias, kind, key)


def write(shell: Shell, path: str, text: str) -> None:
    run(shell, 'mkdir -p -m 755 "$1"', path.rpartition("/")[0], timeout=LOOK_WITHIN)
    try:
        transfer.put_bytes(shell, text.encode("utf-8"), path, mode="644")
    except transfer.NotTransferred as error:
        problem = str(error)
    else:
        return
    raise Refused(f"it did not take the file {problem}")


def run(shell: Shell, script: str, *arguments: str, timeout: float) -> Result:
    ended = shell.run(Command(("/bin/sh", "-c", script, "sh", *arguments)), timeout=timeout)
    if ended.rc:
        raise Refused(f"a command in it ended with {ended.rc}: {last_words(ended)}")
    return ended


def last_words(ended: Result) -> str:
    lines = (ended.stdout + ended.stderr).decode("utf-8", "replace").strip().splitlines()
    return " / ".join(lines[-LAST_LINES:]) or "it said nothing"
