# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in recipes: dev, python and node."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.recipe import Recipe

# A new image runs apt at its first boot (apt-daily.service): wait for it. A mirror may be updated at the moment.
APT = """\
#!/bin/sh
set -eu
export DEBIAN_FRONTEND=noninteractive
if command -v flock >/dev/null 2>&1; then exec 9>>/var/lib/apt/daily_lock && flock -w 600 9; fi
install_packages() {
    attempt=1
    until apt-get -o DPkg::Lock::Timeout=600 update -qq &&
        apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "$@"; do
        [ "$attempt" -lt 5 ] || return 1
        attempt=$((attempt + 1))
        sleep 10
    done
    apt-get clean
}
"""
"""Defines `install_packages`."""

DEV = f"""\
{APT}
install_packages build-essential ca-certificates curl git jq openssh-server sudo vim wget
"""

PYTHON = f"""\
{APT}
install_packages pipx python3 python3-dev python3-pip python3-venv
"""

NODESOURCE_KEY = "6F71F525282841EEDAF851B42F59B5F99B1BE0B4"
"""The fingerprint of the key that signs the packages of NodeSource."""

# The packages of the distribution are old. apt verifies those of NodeSource with the key, and the script the key.
NODE = f"""\
{APT}
install_packages ca-certificates curl gnupg
key=$(mktemp)
curl -fsSL --proto =https --retry 5 -o "$key" https://deb.nodesource.com/gpgkey/nodesource-repo.gpg.key
found=$(gpg --batch --with-colons --show-keys "$key" | awk -F: '$1 == "pub" {{ n++ }} $1 == "fpr" && !f {{ f = $10 }}
    END {{ if (n == 1) print f }}')
if [ "$found" != {NODESOURCE_KEY} ]; then
    echo "the key of deb.nodesource.com is not {NODESOURCE_KEY}" >&2
    exit 1
fi
install -d -m 755 /etc/apt/keyrings
gpg --batch --yes --dearmor -o /etc/apt/keyrings/nodesource.gpg "$key"
chmod 644 /etc/apt/keyrings/nodesource.gpg
rm -f "$key"
echo "deb [signed-by=/etc/apt/keyrings/nodesource.gpg] https://deb.nodesource.com/node_22.x nodistro main" \\
    >/etc/apt/sources.list.d/nodesource.list
install_packages nodejs
"""

RECIPES = {
    each.name: each
    for each in (
        Recipe("dev", image="ubuntu/24.04", setup=DEV, description="Compilers, git and an SSH server"),
        Recipe("python", source="dev", setup=PYTHON, description="dev with Python 3, pip, venv and pipx"),
        Recipe("node", source="dev", setup=NODE, description="dev with Node.js 22 and npm"),
    )
}
"""The built-in recipes by name."""
