# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the option that provisions a pixel."""

from __future__ import annotations


class ModuleDocFragment:
    """The option `provision`, whose keys `module_utils/_ansible/provision_option.py` defines."""

    DOCUMENTATION = r"""
options:
  provision:
    description:
      - Set to V(true), or to a dictionary of the keys below, to make the pixel reachable over SSH.
      - Provisioning installs an SSH server from the package sources of the image if the image has none.
      - Requires O(state=started) or O(state=restarted).
      - C(method) is C(shell) or C(rootfs). Defaults to C(shell).
      - The method C(shell) runs commands in the pixel through the web shell of the NAS, and pins the SSH host keys of
        the pixel. It requires an account with web shell access.
      - The method C(rootfs) writes files and a first-boot script through the file API of the NAS. It requires an
        account with the role C(FULL_ADMIN). Do not use it if untrusted users have root access in the pixel. See
        C(docs/pixels.md) for the reason.
      - C(user) is the user for SSH logins. Defaults to O(ssh_user). If the user does not exist, it is created with UID
        1000, and with passwordless C(sudo) if the image has C(sudo). If the image already has a user with UID 1000,
        that user is renamed and keeps its files.
      - C(public_keys) is a list of public keys, each a line of C(authorized_keys), for root and the user. Existing keys
        are kept.
      - C(public_key_file) is the path to a public key file on the controller, used if C(public_keys) is not set.
        Defaults to the path in O(ssh_key) with C(.pub) appended, then to C(~/.ssh/id_ed25519.pub).
      - C(dns) is a list of name servers for systemd-resolved, or for C(/etc/resolv.conf) in images without
        systemd-resolved. Defaults to C(defaults.dns) in the configuration file for new pixels.
      - C(devtools) is V(true) or a list of tools to install, as O(pixels.truenas.pixels_devtools#module:tools).
        C(devtools_lock) is the path of a lock. For new pixels that are not clones, defaults to C(provision.devtools) in
        the configuration file. Requires the method C(shell).
    type: raw
"""
