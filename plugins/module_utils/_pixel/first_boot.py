# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes sure that a pixel has an SSH server, and the script that does so at its first boot."""

from __future__ import annotations

MARKER = "/root/.ssh-provisioned"
"""There once the script has done its work; upstream pixels uses the same one."""

FAILED = "/root/.ssh-provision-failed"
"""What the script printed, when it failed."""

MINE = "# Written by pixels.truenas"

SSH_SERVER = """\
install_ssh_server() {
    if command -v sshd >/dev/null 2>&1 || [ -x /usr/sbin/sshd ]; then
        return 0
    elif command -v apt-get >/dev/null 2>&1; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get -o DPkg::Lock::Timeout=300 update -qq &&
            apt-get -o DPkg::Lock::Timeout=300 install -y -qq openssh-server
    elif command -v dnf >/dev/null 2>&1; then
        dnf install -y -q openssh-server
    elif command -v apk >/dev/null 2>&1; then
        apk add -q --update-cache --wait 300 openssh
    elif command -v pacman >/dev/null 2>&1; then
        pacman -Sy --noconfirm openssh
    else
        echo "no package manager this script knows (apt-get, dnf, apk, pacman)"
        return 1
    fi
}

enable_ssh_server() {
    if command -v systemctl >/dev/null 2>&1; then
        systemctl enable --now ssh 2>/dev/null || systemctl enable --now sshd
    else
        rc-update add sshd default && rc-service sshd start
    fi
}
"""
"""Functions of the shell that see to an SSH server, with whatever the image has for it."""

RC_LOCAL = f"""\
#!/bin/sh
{MINE}: makes sure that an SSH server runs. It does nothing once {MARKER} is there.
[ -e {MARKER} ] && exit 0
rm -f {FAILED}

{SSH_SERVER}
log=$(mktemp)
if {{ install_ssh_server && enable_ssh_server; }} >"$log" 2>&1; then
    touch {MARKER}
else
    [ -s "$log" ] || echo "it said nothing" >"$log"
    mv "$log" {FAILED}
fi
rm -f "$log"
exit 0
"""
