# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the system that every container of the lab begins as, and its package mirror.

Made once from Debian's archive, which needs the machine's network, and kept under build/ by the hash of this file and
those that make the rest of it.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import tempfile
import typing as t
from pathlib import Path

from tests.lab import machine, mounts
from tests.lab.network import MIRROR
from tests.simulator.engines.lxc.addresses import ROUTER_V4

SUITE = "bookworm"
BASE = """
    ca-certificates dbus iproute2 iputils-ping netbase nftables procps python3 sudo systemd systemd-sysv
""".split()
"""Beside what is essential. All of python3: Ansible's modules need more than python3-minimal."""
MIRRORED = ("openssh-server", "openssh-sftp-server", "curl", "dnsmasq-base", "python3-apt", "tree")
"""With what they depend on, in the lab's own package source."""
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")
MASKED = """
    apt-daily-upgrade.timer apt-daily.timer console-getty.service container-getty@.service dev-hugepages.mount
    dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer getty@tty1.service
    sys-kernel-debug.mount sys-kernel-tracing.mount systemd-journal-flush.service systemd-pstore.service
    systemd-ask-password-console.path systemd-ask-password-wall.path systemd-logind.service
    systemd-udevd.service systemd-udev-trigger.service
""".split()
"""Slow, not needed in a container, or watching files: all containers share 128 inotify watches."""
FILES = {
    "etc/apt/sources.list": f"deb [trusted=yes] http://{MIRROR.name}/debian {SUITE} main\n",
    "etc/apt/apt.conf.d/99lab": 'Acquire::Languages "none";\nAPT::Install-Recommends "false";\n',
    "etc/dpkg/dpkg.cfg.d/lab": "force-unsafe-io\n",
    "etc/resolv.conf": f"nameserver {ROUTER_V4}\n",
    "etc/systemd/journald.conf.d/lab.conf": "[Journal]\nStorage=volatile\n",
    # An image has no host key, or all containers would have the same.
    "etc/systemd/system/ssh.service.d/host-key.conf": (
        "[Service]\nExecStartPre=\n"
        "ExecStartPre=/bin/sh -c 'ls /etc/ssh/ssh_host_*_key >/dev/null 2>&1 || "
        'ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key\'\n'
        "ExecStartPre=/usr/sbin/sshd -t\n"
    ),
    "etc/machine-id": "",
    "etc/hostname": "golden\n",
}
USER = "ubuntu"
ARCHIVE = "http://deb.debian.org/debian"
RETRIES = 3
ASK = f"/usr/lib/apt/apt-helper -o Acquire::Retries={RETRIES} -o Acquire::http::Timeout=20 download-file".split()
MAKERS = ("recipe.py", "golden.py", "shifted_ids.c")


def digest() -> str:
    """Changes with anything that the result depends on, the archive's own changes excepted."""
    folder = Path(__file__).parent
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in MAKERS)).hexdigest()[:16]


def make(target: Path, archive: str, group: str) -> int:
    """As pid 1 of namespaces that have the machine's network: `base.tar`, `mirror` and `shifted_ids.so`."""
    mounts.mount("--make-rprivate", "/")
    mounts.mount("-t", "proc", "proc", "/proc")
    work = target / "work"
    mounts.memory(work)
    root = work / "root"
    # Where big files go on the way, too.
    environment = {**os.environ, "TMPDIR": str(work), **proxies()}
    options = [f"--dpkgopt=path-exclude={each}" for each in LEFT_OUT]
    options += [f'--aptopt=Acquire::Retries "{RETRIES}"']
    run(
        *("mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", f"--include={','.join(BASE)}", *options),
        *(SUITE, str(root), archive),
        env=environment,
    )
    mirror(root, target / "mirror" / "debian")
    finish(root)
    run("tcc", "-shared", "-o", str(target / "shifted_ids.so"), str(Path(__file__).with_name("shifted_ids.c")))
    run("tar", "--create", "--numeric-owner", f"--directory={root}", f"--file={target / 'base.tar'}", ".")
    return 0


def mirror(root: Path, folder: Path) -> None:
    """A package source with what apt-get would download into this root."""
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    apt_get = ("chroot", str(root), "apt-get", "-qq", "-o", f"Acquire::Retries={RETRIES}")
    environment = {**os.environ, **proxies(), "TMPDIR": "/tmp"}
    run(*apt_get, "update", env=environment)
    run(*apt_get, "--download-only", "--no-install-recommends", "install", *MIRRORED, env=environment)
    architecture = run("dpkg", "--print-architecture").strip()
    index = folder / "dists" / SUITE / "main" / f"binary-{architecture}"
    for each in (folder / "pool", index):
        each.mkdir(parents=True)
    for package in (root / "var/cache/apt/archives").glob("*.deb"):
        shutil.move(package, folder / "pool")
    packages = run("apt-ftparchive", "packages", "pool", cwd=folder)
    (index / "Packages").write_text(packages, encoding="utf-8")
    (index / "Packages.gz").write_bytes(gzip.compress(packages.encode()))
    fields = {"Suite": SUITE, "Codename": SUITE, "Components": "main", "Architectures": architecture}
    words = [word for name, value in fields.items() for word in ("-o", f"APT::FTPArchive::Release::{name}={value}")]
    release = run("apt-ftparchive", *words, "release", str(index.parents[1]))
    (index.parents[1] / "Release").write_text(release, encoding="utf-8")


def finish(root: Path) -> None:
    shutil.rmtree(root / "var/lib/apt/lists")
    run("chroot", str(root), "apt-get", "clean")
    for name, text in FILES.items():
        path = root / name
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    # What systemctl would do, which not every machine has.
    for unit in MASKED:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    # Images of Ubuntu come with this user.
    words = ("--create-home", "--uid", "1000", "--groups", "sudo", "--shell", "/bin/bash", USER)
    run("chroot", str(root), "useradd", *words)


def archive() -> str:
    """Where this machine's own packages come from, which answers. Raises `machine.Unfit`."""
    words = ("apt-get", "indextargets", "--format", "$(REPO_URI)")
    which = ("Created-By: Packages", "Origin: Debian", f"Codename: {SUITE}")
    uris = run(*words, *which).split()
    # Where no list of packages was ever had, apt-get does not know.
    found = uris[0].rstrip("/") if uris else ARCHIVE
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        try:
            run(*ASK, f"{found}/dists/{SUITE}/InRelease", f"{folder}/InRelease")
        except RuntimeError as error:
            message = str(error).splitlines()[-1]
            raise machine.Unfit(f"the golden image comes from {found}, which does not answer: {message}") from error
    return found


def proxies() -> dict[str, str]:
    """Return the package sources of this machine's apt-get."""
    found = {}
    for scheme in ("http", "https"):
        if proxy := run("apt-config", "--format", "%v%n", "dump", f"Acquire::{scheme}::Proxy").strip():
            found[f"{scheme}_proxy"] = proxy
    return found


def run(*words: str, **more: t.Any) -> str:
    """What a command printed. Raises with all that it said."""
    ended = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, **more)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return t.cast(str, ended.stdout)
