# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of this machine a guest may see, and which users it has."""

from __future__ import annotations

TOPS = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""Directories of programs; if one is a symlink (/bin to usr/bin), a guest has the symlink."""
FOLDERS = ("boot", "dev", "home", "media", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp", "var")
IN_USR = ("bin", "lib", "lib32", "lib64", "libexec", "libx32", "local", "sbin", "share")
IN_LIB = """
    apt dpkg git-core init locale openssh pam.d rpm security ssl sudo systemd terminfo
""".split()
IN_LIB_BY_START = ("python3", "ld-", "os-release")
IN_SHARE = """
    base-files bash-completion ca-certificates crypto-policies git-core i18n keyrings misc pam pam-configs perl
    perl5 pki python3 tabset terminfo zoneinfo
""".split()
IN_ETC = """
    alternatives bash.bashrc bash_completion bindresvport.blacklist ca-certificates ca-certificates.conf crypto-
    policies debconf.conf debian_version default dpkg environment gai.conf host.conf inputrc issue issue.net
    ld.so.cache ld.so.conf ld.so.conf.d localtime locale.alias login.defs lsb-release magic mime.types networks
    nsswitch.conf os-release pam.conf pam.d perl profile profile.d protocols python3 python3.11 python3.12
    python3.13 rpc securetty security selinux services shells skel ssl/certs ssl/openssl.cnf terminfo timezone
    vim
""".split()
"""Copied, and only where everybody may read them: nothing here is about this machine's users, keys or services."""
SSH_SERVER = """
    sbin/sshd lib/openssh/sftp-server lib/systemd/system/ssh.service lib/systemd/system/ssh.socket
""".split()
"""The machine's own server: a guest has none until it installs one."""
PRIVILEGED = ("bin/su", "bin/sudo", "libexec/sudo", "lib/sudo")
"""Below `/usr`: programs that are to run as the guest's root, and what they insist on finding in root's files."""
SUDOERS = """\
Defaults env_reset
root ALL=(ALL:ALL) ALL
%sudo ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
"""

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
sshd:x:100:65534::/run/sshd:/usr/sbin/nologin
ubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = """\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:ubuntu
tty:x:5:
mail:x:8:
sudo:x:27:ubuntu
www-data:x:33:
shadow:x:42:
utmp:x:43:
staff:x:50:
users:x:100:
ubuntu:x:1000:
nogroup:x:65534:
"""


def locked(entries: str, rest: str) -> str:
    """Return the shadow file of a passwd or group file, without passwords."""
    return "".join(f"{line.split(':')[0]}{rest}\n" for line in entries.splitlines())
