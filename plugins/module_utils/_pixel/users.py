# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the user of a pixel that SSH logs in as, in the way the role C(provision) makes it."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Shell

ROOT = "root"
UID = 1000
# useradd and adduser take more, each in its own way; these all take.
NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
WITHIN = 60.0

# Whoever the image gave the number keeps all it has under the new name: its files move along, and nothing is deleted. A
# password of * is none, and unlike ! it does not lock the user for SSH servers without PAM. The policy comes first, so
# that a user who is there has it, or has had it taken away by somebody.
MAKE = f"""\
set -e
mkdir -p -m 750 /etc/sudoers.d
echo "$1 ALL=(ALL:ALL) NOPASSWD: ALL" >/etc/sudoers.d/pixels-provision
chmod 440 /etc/sudoers.d/pixels-provision
shell=/bin/bash
[ -x $shell ] || shell=/bin/sh
other=$(getent passwd {UID} 2>/dev/null || grep '^[^:]*:[^:]*:{UID}:' /etc/passwd || :)
other=${{other%%:*}}
if [ -n "$other" ]; then
    if grep -q "^$other:" /etc/group; then groupmod --new-name "$1" "$other"; fi
    usermod --login "$1" --home "/home/$1" --move-home "$other"
elif command -v useradd >/dev/null 2>&1; then
    useradd --uid {UID} --user-group --create-home --shell $shell --password '*' "$1"
else
    adduser -D -u {UID} -s $shell "$1"
    echo "$1:*" | chpasswd -e 2>/dev/null
fi
"""


def check(name: str) -> str:
    """Raises C(Invalid) for what is no login name everywhere."""
    if NAME.fullmatch(name):
        return name
    problem = f"{name!r} is no name of a user: at most 32 of a-z, 0-9, _ and -, and no digit or - at its begin"
    raise Invalid(f"cannot provision: {problem}", fields=(("provision", problem),))


def make(shell: Shell, name: str) -> None:
    """Its number is 1000, and sudo asks it for no password where the pixel has sudo. C(name) is not there yet."""
    ended = shell.run(Command(("/bin/sh", "-c", MAKE, "sh", name)), timeout=WITHIN)
    if ended.rc:
        said = (ended.stdout + ended.stderr).decode("utf-8", "replace").strip().splitlines()
        raise Refused(f"making the user {name} ended with {ended.rc}: {' / '.join(said[-3:]) or 'it said nothing'}")
