# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine whether this machine can have a lab, and what it lacks."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

UNFIT = 77
"""The exit status where there can be no lab; what goes wrong in one has another."""
PACKAGES = (
    "apt-utils",
    "dnsmasq-base",
    "iproute2",
    "libc6-dev",
    "lxc",
    "mmdebstrap",
    "nftables",
    "openssh-client",
    "tcc",
    "uidmap",
    "util-linux",
    "zfs-fuse",
)
OS_RELEASE = Path("/etc/os-release")
FUSE = Path("/dev/fuse")
MEMORY = Path("/proc/meminfo")
LEAST_MEMORY = 1536
"""MiB: for zfs-fuse with its pool, and two dozen containers."""
LEAST_DISK = 1024
"""MiB, where the golden image is made."""
IDS = (Path("/etc/subuid"), Path("/etc/subgid"))
"""The lab has its own in their places."""
NEW_NAMESPACES = 0x0002_0000 | 0x0400_0000 | 0x0800_0000 | 0x2000_0000 | 0x4000_0000
PREFLIGHT = Path(__file__).with_name("preflight")
NO_SERVICES = "#!/bin/sh\nexit 101\n"
"""What policy-rc.d says to have no package start anything."""
SECONDS_FOR_LOCK = 120
"""Seconds to wait while another process installs packages."""
LONGEST = 400
"""Characters of what apt-get says."""
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
"""Root does not always have that."""
SERVICES = ("lxc.service", "lxc-net.service", "lxc-monitord.service", "zfs-fuse.service")


class Unfit(Exception):
    """Why there can be no lab here, found only on the way to one."""


def unfit(*, uid: int | None = None, os_release: str | None = None) -> str | None:
    """Why there can be no lab here."""
    if problem := wrong_system("the lab", uid=uid, os_release=os_release):
        return problem
    if not FUSE.is_char_device():
        return f"the lab needs {FUSE}, which this machine does not have"
    return cannot_make_namespaces("the lab") or lacks_memory("the lab", LEAST_MEMORY)


def wrong_system(what: str, *, uid: int | None = None, os_release: str | None = None) -> str | None:
    """Why something that needs root on Debian 12 cannot be here."""
    if (os.geteuid() if uid is None else uid) != 0:
        return f"{what} needs root: it makes namespaces, mounts and interfaces of its own"
    text = OS_RELEASE.read_text(encoding="utf-8") if os_release is None and OS_RELEASE.exists() else os_release or ""
    found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if (found.get("ID", "").strip('"'), found.get("VERSION_ID", "").strip('"')) != ("debian", "12"):
        here = found.get("PRETTY_NAME", "another system").strip('"')
        return f"{what} runs on Debian 12, and this is {here}"
    return None


def cannot_make_namespaces(what: str) -> str | None:
    """Root of a container may not be allowed to."""
    pid = os.fork()
    if not pid:
        os._exit(1 if ctypes.CDLL(None).unshare(NEW_NAMESPACES) else 0)
    return None if os.waitpid(pid, 0)[1] == 0 else f"{what} needs namespaces, which this machine does not let root make"


def lacks_memory(what: str, least: int) -> str | None:
    """Why something that takes so many MiB cannot be here."""
    found = dict(line.split(":") for line in MEMORY.read_text(encoding="utf-8").splitlines())
    free = int(found["MemAvailable"].split()[0]) // 1024
    return None if free >= least else f"{what} takes {least} MiB of memory; {free} MiB are left"


def lacks_disk(folder: Path) -> str | None:
    free = shutil.disk_usage(folder).free // 1024**2
    return None if free >= LEAST_DISK else f"the golden image takes {LEAST_DISK} MiB; {folder} has {free} MiB left"


def preflight(group: str) -> int:
    """In new namespaces: UNFIT where the machine does not allow what a lab consists of, which has been said then."""
    environment = {**os.environ, "PYTHON": sys.executable}
    return subprocess.run([str(PREFLIGHT), group], env=environment, stdin=subprocess.DEVNULL, check=False).returncode


def lacking(packages: t.Sequence[str] = PACKAGES) -> list[str]:
    """Packages that are not installed."""
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    present = {line.split()[0] for line in asked.stdout.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in present]


def install(packages: t.Sequence[str]) -> None:
    """Packages, and nothing of them that would run: LXC's own bridge, for one, is not wanted on this machine.

    Raises Unfit.
    """
    policy = Path("/run/pixels-lab-policy-rc.d")
    policy.write_text(NO_SERVICES, encoding="utf-8")
    policy.chmod(0o755)
    real = Path("/usr/sbin/policy-rc.d")
    made = not real.exists()
    if made:
        real.touch()
    try:
        # Some source of packages that is not Debian's may not answer: all that counts is whether there is a package.
        _apt_get(policy, real, "update", "-qq")
        message = _apt_get(policy, real, "install", "-qq", "-y", "--no-install-recommends", *packages)
    finally:
        policy.unlink()
        if made:
            real.unlink()
    if message or lacking(packages):
        raise Unfit(f"the lab needs {' '.join(packages)}, and apt-get cannot install that: {message}")
    if "lxc" in packages or "zfs-fuse" in packages:
        _keep_from_starting_at_boot()
    for path in IDS:
        path.touch()


def _apt_get(policy: Path, real: Path, *words: str) -> str:
    """What it says when it fails."""
    command = f'mount --bind {policy} {real} && exec apt-get -o DPkg::Lock::Timeout={SECONDS_FOR_LOCK} "$@"'
    ended = subprocess.run(
        ["unshare", "--mount", "sh", "-c", command, "apt-get", *words],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = " ".join(line for line in ended.stderr.splitlines() if line.startswith("E: "))
    return (errors or f"it ended with {ended.returncode}")[:LONGEST] if ended.returncode else ""


def _keep_from_starting_at_boot() -> None:
    if shutil.which("systemctl"):
        with contextlib.suppress(subprocess.CalledProcessError):
            subprocess.run(["systemctl", "--quiet", "disable", *SERVICES], capture_output=True, check=True)
