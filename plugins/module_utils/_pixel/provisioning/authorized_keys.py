# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authorized SSH keys of a user of a pixel, read and changed by commands in the pixel."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import file_transfer, scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import users

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Shell

ROOT_KEYS = "/root/.ssh/authorized_keys"
SCRIPT_TIMEOUT_S = 30.0
NO_HOME = 67
"""Exit status of the script `READ` if the home directory does not exist."""
FILE_LIMIT = 1024 * 1024
"""Bytes of a file of keys. sshd reads all of it at each login."""

# Both scripts run as the owner of the files. That user can create any symlink there, also between two steps.
READ = f"""\
fail() {{ printf '%s\\n' "$1" >&2; exit 1; }}
for path in "$1" "$1/.ssh" "$1/.ssh/authorized_keys"; do
    [ ! -L "$path" ] || fail "$path is a symlink, which is not followed. Replace it with a regular file or directory"
done
[ -d "$1/" ] || exit {NO_HOME}
[ -e "$path" ] || exit 0
[ -f "$path" ] || fail "$path is not a regular file. Remove it"
exec cat <"$path"
"""
MAKE_DIRECTORY = 'umask 077; [ -d "$1" ] || mkdir "$1"'


@dataclass(frozen=True)
class KeySpec:
    """The requested keys of a user of the pixel."""

    user: str
    keys: tuple[str, ...]
    """Lines of an authorized_keys file."""
    state: str = "present"
    """`present` or `absent`."""
    exclusive: bool = False
    """Whether all other keys are removed."""

    def __post_init__(self) -> None:
        """Raise `Invalid` for an invalid user name."""
        users.check_existing(self.user)


@dataclass(frozen=True)
class AuthorizedKeys:
    """The current authorized_keys file of a user."""

    path: str
    user: str
    text: str
    problem: str = ""
    """Why the file cannot be written; empty if it can."""

    @property
    def keys(self) -> list[str]:
        """The lines of the file that are keys."""
        return [line for line in self.text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def find(shell: Shell, user: str) -> AuthorizedKeys:
    """Read the file as its owner.

    Raises `NotFound` for a user that does not exist in the pixel, `Invalid` for an invalid user name, and `Refused` for
    a file that its owner cannot read or that is a symlink.
    """
    entry = users.find(shell, user)
    if entry is None:
        raise NotFound(f"the pixel has no user {user!r}. Create the user first")
    path = f"{entry.home}/.ssh/authorized_keys"
    if entry.home_problem:
        return AuthorizedKeys(path, user, "", f"{entry.home_problem}. Correct it with usermod --home")
    result = scripts.run(shell, READ, entry.home, user=user, timeout=SCRIPT_TIMEOUT_S, limit=FILE_LIMIT)
    if result.rc == NO_HOME:
        problem = f"the home directory {entry.home} of {user} does not exist. Create it first"
        return AuthorizedKeys(path, user, "", problem)
    if result.rc:
        raise Refused(f"reading {path} as {user} failed: {scripts.output_tail(result.stderr)}")
    return AuthorizedKeys(path, user, result.stdout.decode("utf-8", "replace"))


def plan(found: AuthorizedKeys, spec: KeySpec) -> Change:
    """Compare keys, ignoring their comments and options. Raises `Refused` if the file would change but cannot."""
    if spec.state == "absent":
        bodies = {key_body(key) for key in spec.keys}
        after = [line for line in found.keys if not bodies & set(line.split())]
    elif spec.exclusive:
        after = [line for line in found.keys if any(key_body(key) in line.split() for key in spec.keys)]
        after = merge_keys("\n".join(after), spec.keys).splitlines()
    else:
        after = merge_keys("\n".join(found.keys), spec.keys).splitlines()
    change = Change({"path": found.path, "authorized_keys": found.keys}, {"path": found.path, "authorized_keys": after})
    if change.needed and found.problem:
        raise Refused(found.problem)
    return change


def apply(shell: Shell, found: AuthorizedKeys, change: Change) -> None:
    """Write the file as its owner, and keep the lines that are not keys."""
    after = list((change.after or {})["authorized_keys"])
    lines = [line for line in found.text.splitlines() if line in after or line not in found.keys]
    lines += [key for key in after if key not in lines]
    directory = found.path.rpartition("/")[0]
    action = f"creating {directory} as {found.user}"
    scripts.run_checked(shell, MAKE_DIRECTORY, directory, action=action, user=found.user, timeout=SCRIPT_TIMEOUT_S)
    text = "".join(f"{line}\n" for line in lines)
    try:
        file_transfer.put_bytes(shell, text.encode("utf-8"), found.path, mode="600", user=found.user)
    except file_transfer.NotTransferred as error:
        problem = str(error)
    else:
        return
    raise Refused(f"writing as {found.user} failed: {problem}")


def merge_keys(present: str, keys: t.Iterable[str]) -> str:
    """Return the text of an authorized_keys file with these keys, without a second line for a key that it has."""
    lines = present.splitlines()
    for key in keys:
        if not any(key_body(key) in line.split() for line in lines):
            lines.append(key.strip())
    return "".join(f"{line}\n" for line in lines)


def key_body(key: str) -> str:
    """Return the base64 part of a public key line, which identifies the key."""
    words = key.split()
    return words[1] if len(words) > 1 else key.strip()
