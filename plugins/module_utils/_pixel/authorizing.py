# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may log in to a pixel: the public keys of one of its users, read and changed from inside."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import transfer
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import key_body, merge_keys

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Result, Shell

WITHIN = 30.0
NO_USER = 67

# Home, user and group of a user, by number: getent knows more users than the file, and is not everywhere.
WHO = f"""\
entry=$(getent passwd "$1" 2>/dev/null || grep "^$1:" /etc/passwd) || exit {NO_USER}
echo "$entry" | cut -d: -f3,4,6
"""

READ = 'if [ -e "$1" ]; then cat "$1"; fi'

# A folder of the user's own is made by the user's own id where it is missing, for its owner alone.
MAKE_FOLDER = '[ -d "$1" ] || { mkdir -m 700 "$1" && chown "$2" "$1"; }'


@dataclass(frozen=True)
class Wanted:
    """Which keys a user of the pixel should have."""

    user: str
    keys: tuple[str, ...]
    """Lines of an authorized_keys file."""
    state: str = "present"
    """C(present) or C(absent)."""
    exclusive: bool = False
    """Whether these are to be the only ones."""


@dataclass(frozen=True)
class Found:
    """The file as it is, and whose it is."""

    path: str
    owner: str
    """Numbers of user and group, as chown takes them."""
    text: str

    @property
    def keys(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def find(shell: Shell, user: str) -> Found:
    """Raises C(NotFound) for a user the pixel does not have."""
    ended = ask(shell, WHO, user, allowed=(0, NO_USER))
    if ended.rc == NO_USER:
        raise NotFound(f"the pixel has no user {user}")
    uid, gid, home = ended.stdout.decode("utf-8", "surrogateescape").rstrip("\n").split(":", 2)
    path = f"{home.rstrip('/')}/.ssh/authorized_keys"
    text = ask(shell, READ, path).stdout.decode("utf-8", "replace")
    return Found(path, f"{uid}:{gid}", text)


def plan(found: Found, wanted: Wanted) -> Change:
    """Keys are the same whatever comments or options they have."""
    if wanted.state == "absent":
        bodies = {key_body(key) for key in wanted.keys}
        after = [line for line in found.keys if not bodies & set(line.split())]
    elif wanted.exclusive:
        after = [line for line in found.keys if any(key_body(key) in line.split() for key in wanted.keys)]
        after = merge_keys("\n".join(after), wanted.keys).splitlines()
    else:
        after = merge_keys("\n".join(found.keys), wanted.keys).splitlines()
    return Change({"path": found.path, "keys": found.keys}, {"path": found.path, "keys": after})


def apply(shell: Shell, found: Found, change: Change) -> None:
    """Write the file; what it holds beside keys stays."""
    after = list((change.after or {})["keys"])
    lines = [line for line in found.text.splitlines() if line in after or line not in found.keys]
    lines += [key for key in after if key not in lines]
    ask(shell, MAKE_FOLDER, found.path.rpartition("/")[0], found.owner)
    try:
        text = "".join(f"{line}\n" for line in lines)
        transfer.put_bytes(shell, text.encode("utf-8"), found.path, mode="600", owner=found.owner)
    except transfer.NotTransferred as error:
        problem = str(error)
    else:
        return
    raise Refused(f"the pixel did not take {problem}")


def ask(shell: Shell, script: str, *arguments: str, allowed: t.Container[int] = (0,)) -> Result:
    ended = shell.run(Command(("/bin/sh", "-c", script, "sh", *arguments)), timeout=WITHIN)
    if ended.rc not in allowed:
        raise Refused(
            f"a command in the pixel ended with {ended.rc}: {ended.stderr.decode('utf-8', 'replace').strip()}"
        )
    return ended
