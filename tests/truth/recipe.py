# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the disk of the virtual machine: Debian 12 with its backported Incus and OpenZFS, and two images for Incus.

Everything is a package of Debian, from the archive that this machine uses. The result is kept under build/ by the hash
of the files that make it; the modules of ZFS, which take a quarter of an hour, apart by the versions of kernel and ZFS.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import typing as t
from pathlib import Path

from tests.lab import mounts
from tests.lab.recipe import RETRIES, archive, proxies, run

SUITE = "bookworm"
BACKPORTED = "incus* linux-* zfs* libzfs* libnvpair* libuutil* libzpool* lxcfs liblxc*"
PIN = f"Package: {BACKPORTED}\nPin: release n={SUITE}-backports\nPin-Priority: 990\n"
SYSTEM = """
    systemd-sysv udev kmod dbus iproute2 nftables dnsmasq-base incus-base incus-client linux-image-cloud-amd64
    initramfs-tools lxcfs zfsutils-linux python3 uidmap squashfs-tools xz-utils attr acl procps busybox-static
""".split()
BUILDER = "linux-headers-cloud-amd64 dkms autoconf gcc make libc6-dev xz-utils kmod python3 zfs-dkms".split()
GUEST = """
    ca-certificates dbus iproute2 iputils-ping netbase nftables openssh-server procps python3 sudo systemd systemd-sysv
    systemd-resolved
""".split()
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")
MASKED = """
    apt-daily-upgrade.timer apt-daily.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
    systemd-networkd-wait-online.service zfs-import-cache.service zfs-import-scan.service zfs-import.target
    zfs-mount.service zfs-share.service zfs-volume-wait.service
""".split()
"""What imports pools automatically, which the middleware does on TrueNAS, or slows down the start."""
DISABLED = ("incus.service", "incus.socket", "incus-startup.service", "incus-user.socket", "incus-user.service")
"""The set-up starts Incus, once the pool is there."""
GUEST_MASKED = """
    apt-daily-upgrade.timer apt-daily.timer console-getty.service container-getty@.service dpkg-db-backup.timer
    e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-networkd-wait-online.service
""".split()
"""Not udevd: without it networkd never asks for an address."""
SUBORDINATE_IDS = "root:2147000001:458752\nroot:568:568\n"
"""As TrueNAS has them."""
ADDRESS, ROUTER, PREFIX = "192.168.77.2", "192.168.77.1", 24
FILES = {
    "etc/hostname": "truth\n",
    "etc/hosts": "127.0.0.1 localhost truth\n::1 localhost\n",
    "etc/fstab": "/dev/vda / ext4 defaults,noatime 0 0\n",
    "etc/subuid": SUBORDINATE_IDS,
    "etc/subgid": SUBORDINATE_IDS,
    "etc/systemd/network/uplink.network": (
        f"[Match]\nName=en* eth*\n[Network]\nAddress={ADDRESS}/{PREFIX}\nGateway={ROUTER}\nLinkLocalAddressing=no\n"
    ),
    "etc/systemd/journald.conf.d/truth.conf": "[Journal]\nStorage=volatile\n",
    "etc/sysctl.d/truth.conf": "net.ipv4.ip_forward=1\nfs.inotify.max_user_instances=4096\n",
    "etc/systemd/system/truth-agent.service": (
        "[Unit]\nAfter=systemd-networkd.service\n[Service]\nExecStart=/usr/bin/python3 /opt/truth/agent.py\n"
        "Restart=on-failure\nKillMode=process\n[Install]\nWantedBy=multi-user.target\n"
    ),
}
GUEST_FILES = {
    "etc/hostname": "image\n",
    "etc/machine-id": "",
    "etc/systemd/network/eth0.network": "[Match]\nName=eth*\n[Network]\nDHCP=yes\n[DHCPv4]\nClientIdentifier=mac\n",
    "etc/systemd/journald.conf.d/truth.conf": "[Journal]\nStorage=volatile\n",
    # An image has no host key, or all containers would have the same.
    "etc/systemd/system/ssh.service.d/host-key.conf": (
        "[Service]\nExecStartPre=\n"
        "ExecStartPre=/bin/sh -c 'ls /etc/ssh/ssh_host_*_key >/dev/null 2>&1 || "
        'ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key\'\n'
        "ExecStartPre=/usr/sbin/sshd -t\n"
    ),
}
METADATA = """\
architecture: x86_64
creation_date: 1700000000
properties:
  architecture: amd64
  description: {os} {release} amd64 (truth)
  os: {os}
  release: {release}
  serial: "20250601_05:24"
  type: squashfs
  variant: default
templates:
  /etc/hostname:
    when: [create, copy]
    create_only: false
    template: hostname.tpl
    properties: {{}}
  /etc/hosts:
    when: [create, copy]
    create_only: false
    template: hosts.tpl
    properties: {{}}
"""
TEMPLATES = {
    "hostname.tpl": "{{ container.name }}\n",
    "hosts.tpl": "127.0.1.1\t{{ container.name }}\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n",
}
DISK_MIB = 3072
FOLDER = Path(__file__).parent
AGENT = FOLDER / "guest" / "agent.py"


def digest() -> str:
    """Return what changes with anything that the disk consists of, except changes of the archive."""
    return hashlib.sha256(Path(__file__).read_bytes() + AGENT.read_bytes()).hexdigest()[:16]


def make(target: Path, modules: Path, _group: str) -> int:
    """As pid 1 of namespaces that have the machine's network: `root.img`, `kernel` and `initrd`."""
    mounts.mount("--make-rprivate", "/")
    mounts.mount("-t", "proc", "proc", "/proc")
    work = target / "work"
    work.mkdir()
    os.environ["TMPDIR"] = str(work)
    work.chmod(0o755)
    root = work / "root"
    bootstrap(root, SYSTEM, backports=True)
    images = root / "opt/truth/images"
    images.mkdir(parents=True)
    make_image(work / "debian", images, "Debian", SUITE, bootstrap_guest)
    make_image(work / "busybox", images, "Busybox", "1", lambda folder: lay_out_busybox(root, folder))
    install_modules(root, modules, work)
    finish(root)
    for name, pattern in (("kernel", "vmlinuz-*"), ("initrd", "initrd.img-*")):
        shutil.copyfile(next((root / "boot").glob(pattern)), target / name)
    run("truncate", "--size", f"{DISK_MIB}M", str(target / "root.img"))
    run("mkfs.ext4", "-q", "-F", "-m", "0", "-d", str(root), str(target / "root.img"))
    shutil.rmtree(work)
    return 0


def bootstrap(root: Path, packages: t.Sequence[str], *, backports: bool) -> None:
    """A minimal Debian with these packages, without what they recommend."""
    source = archive()
    lines = [f"deb {source} {SUITE} main contrib"]
    if backports:
        lines += [f"deb {source} {SUITE}-{part} main contrib" for part in ("updates", "backports")]
    pin = root.with_suffix(".pin")
    pin.write_text(PIN, encoding="utf-8")
    hook = f'mkdir -p "$1/etc/apt/preferences.d" && cp {pin} "$1/etc/apt/preferences.d/truth"'
    options = [f"--dpkgopt=path-exclude={each}" for each in LEFT_OUT]
    options += ["--dpkgopt=force-unsafe-io", f'--aptopt=Acquire::Retries "{RETRIES}"']
    options += [f"--setup-hook={hook}"] if backports else []
    run(
        *("mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", f"--include={','.join(packages)}", *options),
        *(SUITE, str(root), *lines),
        env={**os.environ, **proxies()},
    )


# modules of ZFS


def install_modules(root: Path, cache: Path, work: Path) -> None:
    (kernel,) = [each.name for each in (root / "lib/modules").iterdir()]
    version = run("dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${Version}", "zfsutils-linux").strip()
    ready = cache / f"{kernel}_{version.replace('~', '_')}"
    if not ready.exists():
        build_modules(ready, kernel, version, work)
    folder = root / "lib/modules" / kernel / "updates"
    folder.mkdir(exist_ok=True)
    for module in ready.iterdir():
        shutil.copyfile(module, folder / module.name)
    run("chroot", str(root), "depmod", kernel)


def build_modules(ready: Path, kernel: str, version: str, work: Path) -> None:
    """Compile them in a system of their own, which has the compiler."""
    builder = work / "builder"
    bootstrap(builder, BUILDER, backports=True)
    built = [*(builder / "lib/modules" / kernel).glob("updates/dkms/*.ko*")]
    if {each.name.partition(".")[0] for each in built} != {"spl", "zfs"}:
        raise RuntimeError(f"zfs-dkms {version} did not build the modules spl and zfs for the kernel {kernel}: {built}")
    new = ready.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for module in built:
        shutil.copyfile(module, new / module.name)
    new.rename(ready)
    shutil.rmtree(builder)


# images for Incus


def bootstrap_guest(root: Path) -> None:
    bootstrap(root, GUEST, backports=False)
    shutil.rmtree(root / "var/lib/apt/lists")
    run("chroot", str(root), "apt-get", "clean")
    write_files(root, GUEST_FILES)
    for unit in GUEST_MASKED:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    run("chroot", str(root), "systemctl", "--quiet", "enable", "systemd-networkd", "systemd-resolved")
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()


def lay_out_busybox(system: Path, root: Path) -> None:
    """A system of 2 MB that starts fast: BusyBox is its init."""
    for name in ("bin", "dev", "etc/init.d", "proc", "root", "sys", "tmp", "usr/share/udhcpc", "var/run"):
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(system / "bin/busybox", root / "bin/busybox")
    (root / "bin/busybox").chmod(0o755)
    applets = run("chroot", str(root), "/bin/busybox", "--list").split()
    for applet in applets:
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    (root / "sbin").symlink_to("bin")
    write_files(
        root,
        {
            "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
            "etc/group": "root:x:0:\n",
            "etc/inittab": "::sysinit:/etc/init.d/rcS\n::ctrlaltdel:/bin/poweroff\n::shutdown:/bin/true\n",
            "etc/init.d/rcS": (
                "#!/bin/sh\nip link set lo up\nip link set eth0 up\n"
                "udhcpc -b -i eth0 -s /usr/share/udhcpc/lease >/dev/null 2>&1\n"
            ),
            "usr/share/udhcpc/lease": ('#!/bin/sh\n[ "$1" != bound ] || ip address add "$ip/$mask" dev "$interface"\n'),
        },
    )
    for name in ("etc/init.d/rcS", "usr/share/udhcpc/lease"):
        (root / name).chmod(0o755)


def make_image(root: Path, images: Path, name: str, release: str, fill: t.Callable[[Path], None]) -> None:
    """Write `NAME.tar.xz` with the metadata and `NAME.squashfs` with the files, as `incus image import` takes them."""
    fill(root)
    described = root.with_name(f"{root.name}-metadata")
    write_files(described, {f"templates/{each}": text for each, text in TEMPLATES.items()})
    write_files(described, {"metadata.yaml": METADATA.format(os=name, release=release)})
    with tarfile.open(images / f"{root.name}.tar.xz", "w:xz") as packed:
        for each in sorted(described.iterdir()):
            packed.add(each, each.name)
    run("mksquashfs", str(root), str(images / f"{root.name}.squashfs"), "-quiet", "-no-progress", "-comp", "gzip")
    shutil.rmtree(root)


# the system


def finish(root: Path) -> None:
    shutil.rmtree(root / "var/lib/apt/lists")
    run("chroot", str(root), "apt-get", "clean")
    write_files(root, FILES)
    shutil.copyfile(AGENT, root / "opt/truth/agent.py")
    chroot = ("chroot", str(root), "systemctl", "--quiet")
    subprocess.run([*chroot, "disable", *DISABLED], capture_output=True, check=False)
    run(*chroot, "enable", "systemd-networkd", "truth-agent")
    for unit in MASKED:
        link = root / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")


def write_files(root: Path, files: t.Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
