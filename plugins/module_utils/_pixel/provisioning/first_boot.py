# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that installs and starts an SSH server in a pixel at its first boot."""

from __future__ import annotations

SCRIPT_PATH = "/etc/rc.local"

MARKER_PATH = "/root/.ssh-provisioned"
"""Exists once the script has succeeded. The upstream project pixels uses the same path."""

FAILURE_PATH = "/root/.ssh-provision-failed"
"""Contains the output of a script that failed."""

SIGNATURE = "# Written by pixels.truenas"

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
        echo "no supported package manager (apt-get, dnf, apk, pacman)"
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
"""Shell functions that install and start an SSH server with the package manager and init system of the image."""

# `step_record.py` has the format of the record.
SCRIPT = f"""\
#!/bin/sh
{SIGNATURE}: installs and starts an SSH server. It does nothing once {MARKER_PATH} exists.
[ -e {MARKER_PATH} ] && exit 0
rm -f {FAILURE_PATH}

{SSH_SERVER}
record() {{ mkdir -p -m 755 /var/lib/pixels && printf '%s\\n' "$@" >>/var/lib/pixels/provisioning; }}

log=$(mktemp)
record "plan ssh-server" "start ssh-server $(date +%s) pid:$$"
if {{ install_ssh_server && enable_ssh_server; }} >"$log" 2>&1; then
    record "end ssh-server 0 $(date +%s)"
    touch {MARKER_PATH}
else
    [ -s "$log" ] || echo "no output" >"$log"
    record "end ssh-server 1 $(date +%s)"
    tail -n 3 "$log" | cut -c 1-200 | while IFS= read -r line; do record "out ssh-server $line"; done
    mv "$log" {FAILURE_PATH}
fi
rm -f "$log"
exit 0
"""
