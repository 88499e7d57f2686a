# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users of a pixel may do as root under a policy: install packages by name, nothing, or everything.

Root can remove the rules of a policy, so a user with full sudo makes it advisory.
"""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.schema import SUDO_RULES

PACKAGES, NONE, ALL = SUDO_RULES

UID = 1000
"""The user that provisioning creates."""

INSTALL_PATH = "/usr/local/bin/pixels-install"
SUDOERS_PATH = "/etc/sudoers.d/zz-pixels-egress"
"""Files are read in the order of their names, and the last rule that matches wins (sudoers(5))."""

SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

# Without a check for the exact name, apt-get takes an unknown one for a pattern (apt-get(8), install), and a name with
# a minus after it for a package to remove. No name ends as a file of a package does, and the directory is not that of
# the user.
INSTALL = f"""\
#!/bin/sh
# Installs packages from the configured sources. Made by the Ansible collection pixels.truenas.
#   pixels-install NAME...
# It takes names only: no options, versions, patterns, paths or URLs. It removes no package.
set -u
LC_ALL=C PATH={SEARCH_PATH}; export LC_ALL PATH
umask 022

fail() {{ printf 'pixels-install: %s\\n' "$1" >&2; exit 2; }}

# The environment and the input are those of root, not of the user.
as_root() {{ env -i LC_ALL=C PATH={SEARCH_PATH} HOME=/root DEBIAN_FRONTEND=noninteractive "$@" </dev/null; }}

[ $# -gt 0 ] || fail "no package is named. Use pixels-install NAME..."
[ $# -le 100 ] || fail "more than 100 packages are named. Install fewer at once"
count=0
for name in "$@"; do
    count=$((count + 1))
    case $name in
    '' | [!A-Za-z0-9]* | *[!A-Za-z0-9+._-]* | *- | *.deb | *.rpm | *.apk | *.pkg.* | *.tar | *.tar.*)
        # Not shown: it may have control characters.
        fail "argument $count is not the name of a package. Use letters, digits, +, ., _ and -"
        ;;
    esac
    [ ${{#name}} -le 100 ] || fail "argument $count is longer than 100 characters. Use the name of a package"
done
[ "$(id -u)" = 0 ] || exec sudo -n -- {INSTALL_PATH} "$@"
cd / || exit 1

if command -v apt-get >/dev/null; then
    as_root apt-get -qq -o DPkg::Lock::Timeout=300 update || exit 1
    for name in "$@"; do
        as_root apt-cache pkgnames "$name" | grep -Fqx -e "$name" || fail "there is no package $name. Check its name"
    done
    as_root apt-get -qq -y --no-remove -o DPkg::Lock::Timeout=300 \\
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install "$@"
elif command -v dnf >/dev/null; then
    as_root dnf install -y -q "$@"
elif command -v apk >/dev/null; then
    as_root apk add -q --update-cache --wait 300 "$@"
elif command -v pacman >/dev/null; then
    as_root pacman -Sy --noconfirm --needed "$@"
else
    fail "there is no package manager that is supported. Use apt-get, dnf, apk or pacman"
fi
"""

RESTRICTED = """\
# Made by the Ansible collection pixels.truenas with the egress policy: root could remove it.
ALL, !root ALL = (ALL:ALL) !ALL
"""


def sudoers(rule: str) -> str:
    """Return the file for sudo; `rule` is one of `SUDO_RULES`."""
    if rule == ALL:
        return "# Made by the Ansible collection pixels.truenas. The egress policy does not restrict sudo.\n"
    if rule == NONE:
        return RESTRICTED
    return f"{RESTRICTED}#{UID} ALL = (root) NOPASSWD: {INSTALL_PATH}\n"
