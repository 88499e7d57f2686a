# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find users of a pixel, and create the one that SSH logs in as (as the role `provision` does)."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Shell

ROOT = "root"
UID = 1000
NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
"""Names that both useradd (shadow) and adduser (BusyBox) accept."""
EXISTING_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}")
"""Names of users that other programs created. No script or program takes them for a pattern or an option."""
SCRIPT_TIMEOUT_S = 60.0
PASSWD_FIELDS = 7

# A user of the image with this UID is renamed and keeps all files. The password * matches nothing, and unlike ! it does
# not lock the user for SSH servers without PAM. The sudo policy is written first: a user that exists has it, unless an
# administrator removed it since.
CREATE = f"""\
set -e
mkdir -p -m 750 /etc/sudoers.d
echo "$1 ALL=(ALL:ALL) NOPASSWD: ALL" >/etc/sudoers.d/pixels-provision
chmod 440 /etc/sudoers.d/pixels-provision
shell=/bin/bash
[ -x $shell ] || shell=/bin/sh
find_name() {{ while IFS=: read -r name _ number _; do [ "$number" != {UID} ] || {{ echo "$name"; break; }}; done; }}
has_group() {{ while IFS=: read -r name _; do [ "$name" != "$1" ] || return 0; done </etc/group; return 1; }}
other=$(getent passwd {UID} 2>/dev/null) || other=$(find_name </etc/passwd)
other=${{other%%:*}}
if [ -n "$other" ]; then
    if has_group "$other"; then groupmod --new-name "$1" -- "$other"; fi
    usermod --login "$1" --home "/home/$1" --move-home -- "$other"
elif command -v useradd >/dev/null 2>&1; then
    useradd --uid {UID} --user-group --create-home --shell $shell --password '*' "$1"
else
    adduser -D -u {UID} -s $shell "$1"
    echo "$1:*" | chpasswd -e 2>/dev/null
fi
"""


def check(name: str) -> str:
    """Return the name of a user to create. Raises `Invalid` for a name that not all images accept."""
    if NAME.fullmatch(name):
        return name
    problem = f"{name!r} is not a valid user name: use at most 32 of a-z, 0-9, '_' and '-', with a letter or '_' first"
    raise Invalid.in_field("provision", "cannot provision", problem)


def check_existing(name: str) -> str:
    """Return the name of an existing user. Raises `Invalid` for an invalid name."""
    if EXISTING_NAME.fullmatch(name):
        return name
    problem = (
        f"{name!r} is not a valid user name: use at most 64 letters, digits, '_', '.', '@', '+' and '-', with a "
        "letter, a digit or '_' first"
    )
    raise Invalid(problem, fields=(("user", problem),))


@dataclass(frozen=True)
class User:
    """A user of a pixel, from its line in passwd."""

    name: str
    home: str
    """The home directory without a slash at its end (empty for /). The pixel reports it: it may not be a path."""

    @property
    def home_problem(self) -> str:
        """Why the home directory cannot hold files; empty if it can."""
        if self.home.startswith("/") or not self.home:
            return ""
        return f"the home directory of {self.name} is {self.home!r} in /etc/passwd, which is not an absolute path"


def find(shell: Shell, name: str) -> User | None:
    """Return the user with exactly this name. Raises `Invalid` for an invalid name."""
    check_existing(name)
    result = scripts.run(shell, scripts.FIND_USER, name, timeout=SCRIPT_TIMEOUT_S)
    for line in os.fsdecode(result.stdout).splitlines():
        fields = line.split(":")
        # getent also accepts a UID, and some directory services ignore case.
        if fields[0] == name and len(fields) >= PASSWD_FIELDS:
            home = fields[5]
            return User(name, home.rstrip("/") if home.startswith("/") else home or "(empty)")
    return None


def create(shell: Shell, name: str) -> None:
    """Create a user that does not exist, with UID 1000 and passwordless sudo. Raises `Refused` if that fails."""
    scripts.run_checked(shell, CREATE, name, action=f"creating the user {name}", timeout=SCRIPT_TIMEOUT_S)
