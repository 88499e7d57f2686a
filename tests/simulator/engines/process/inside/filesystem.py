# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a guest's namespaces, and its tree out of the image, the machine's programs and the guest's own files."""

from __future__ import annotations

import errno
import fcntl
import os
import pathlib
import signal
import socket
import struct
import uuid

from tests.simulator.engines.process.inside import kernel
from tests.simulator.engines.process.inside.kernel import MS_NODEV, MS_NOSUID, mount
from tests.simulator.engines.process.inside.wire import Layout

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
DEVICE_LINKS = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
TTY_GROUP = 5
SIOCSIFFLAGS, IFF_UP_AND_RUNNING = 0x8914, 0x41


def enter_namespaces(layout: Layout) -> None:
    """Only root has a range of ids to give, and only from outside can it be given."""
    if layout.ids == 1:
        uid, gid = os.getuid(), os.getgid()
        kernel.enter_new_namespaces()
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
        return
    entered, tell = os.pipe()
    process = os.getpid()
    mapper = os.fork()
    if mapper == 0:
        os.read(entered, 1)
        for name in ("uid_map", "gid_map"):
            pathlib.Path(f"/proc/{process}/{name}").write_text(f"0 {layout.first_id} {layout.ids}")
        os._exit(0)
    kernel.enter_new_namespaces()
    os.write(tell, b"1")
    if os.waitpid(mapper, 0)[1] != 0:
        raise OSError(errno.EPERM, "give the guest's user namespace a range of ids: Operation not permitted")
    os.close(entered)
    os.close(tell)


def build_root(layout: Layout) -> None:
    """As pid 1: build the tree in `root` of the working directory and move into it."""
    mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    # Still as the machine's user, which can read directories that the guest's ids cannot, such as a home with an
    # interpreter in it. From here on paths are relative, because the parent directories may be unreadable as well.
    kernel.bind(layout.image, "image")
    kernel.bind(layout.guest, "guest")
    for number, below in enumerate(layout.overlays.values()):
        kernel.bind(below, f"below{number}")
    for number, shared in enumerate(layout.shared.values()):
        kernel.bind(shared, f"shared{number}")
    _become_guest_root(layout)
    _lay_over("", ["image/root"])
    for number, path in enumerate(layout.overlays):
        _lay_over(path, [f"image/{layer(path)}", f"below{number}"])
    for number, path in enumerate(layout.shared):
        os.makedirs(f"root/{path}", exist_ok=True)
        kernel.bind(f"shared{number}", f"root/{path}")
    mount("proc", "root/proc", "proc", MS_NOSUID | MS_NODEV)
    for path, mode in (("dev", "0755"), ("run", "0755"), ("tmp", "1777")):
        _mount_memory(path, mode)
    _create_devices(TTY_GROUP if layout.ids > 1 else 0)
    os.chdir("root")
    kernel.become_root_folder()


def layer(path: str) -> str:
    """Return the name of the directory of an overlay's files, in the image and in each guest."""
    return path.replace("/", "-") or "root"


def settle(hostname: str) -> None:
    """The first boot's work: a guest and a clone get their name, and a guest without one gets a machine id."""
    socket.sethostname(hostname)
    written = pathlib.Path("/etc/hostname")
    try:
        if not written.exists() or written.read_text() != f"{hostname}\n":
            written.write_text(f"{hostname}\n")
            hosts = f"127.0.0.1\tlocalhost\n127.0.1.1\t{hostname}\n::1\tlocalhost ip6-localhost\n"
            pathlib.Path("/etc/hosts").write_text(hosts)
        if not os.path.exists("/etc/machine-id"):
            pathlib.Path("/etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")
    except OSError:
        pass  # a guest that has spoilt its /etc starts all the same
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_AND_RUNNING))
    os.makedirs("/run/systemd/system")  # how programs ask whether systemctl can be used
    os.makedirs("/run/lock")


def _become_guest_root(layout: Layout) -> None:
    if layout.ids > 1:
        os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    kernel.end_with_parent(signal.SIGKILL)  # only now: a change of user forgets it


def _lay_over(path: str, lower: list[str]) -> None:
    own = f"upperdir=guest/files/{layer(path)},workdir=guest/work/{layer(path)}"
    mount("overlay", f"root/{path}", "overlay", options=f"lowerdir={':'.join(lower)},{own},userxattr")


def _mount_memory(path: str, mode: str) -> None:
    mount("tmpfs", f"root/{path}", "tmpfs", MS_NOSUID | MS_NODEV, f"mode={mode},size=512m")


def _create_devices(tty_group: int) -> None:
    for name in DEVICES:
        pathlib.Path(f"root/dev/{name}").touch()
        kernel.bind(f"/dev/{name}", f"root/dev/{name}")
    for name in ("pts", "shm"):
        os.mkdir(f"root/dev/{name}")
    mount("devpts", "root/dev/pts", "devpts", MS_NOSUID, f"newinstance,ptmxmode=0666,mode=0620,gid={tty_group}")
    _mount_memory("dev/shm", "1777")
    for name, target in DEVICE_LINKS.items():
        os.symlink(target, f"root/dev/{name}")
