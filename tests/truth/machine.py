# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the virtual machine, on the processor's own virtualization where a guest really runs on it."""

from __future__ import annotations

import ipaddress
import os
import selectors
import shutil
import socket
import subprocess
import time
import typing as t
from pathlib import Path

from tests.lab import machine as lab_machine
from tests.lab.network import ip
from tests.simulator.engines.incus.agent import ADDRESS, PORT
from tests.simulator.instance import Instance
from tests.truth.recipe import PREFIX, ROUTER

UNFIT, Unfit = lab_machine.UNFIT, lab_machine.Unfit
PACKAGES = (
    *("apt-utils", "e2fsprogs", "iproute2", "lxc", "mmdebstrap", "openssh-client", "qemu-system-x86", "squashfs-tools"),
    *("uidmap", "util-linux", "xz-utils"),
)
WHAT = "the virtual machine"
TUN = Path("/dev/net/tun")
KVM = Path("/dev/kvm")
MEMORY_MIB = 3072
LEAST_MEMORY_MIB = 4096
LEAST_DISK_MIB = 6144
"""For the image as it is made."""
POOL_GIB = 16
TAP = "tap0"
EMULATED = "max,-cx16,-la57,-pku,-smap,-smep"
"""A guest with all that QEMU 7.2 emulates panics in kmem_cache_alloc."""
KERNEL_OPTIONS = "console=ttyS0 mitigations=off nokaslr tsc=reliable clocksource=tsc panic=-1"
SECONDS_TO_PROBE = 20
"""In which a kernel must say that it ran, up to where it finds no disk."""
RAN = b"Unable to mount root fs"
SECONDS_TO_BOOT = 900
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_CONNECT = 2
REFERENCE_BOOT_SECONDS = 37.0
"""Under emulation on two cores that have little else to do."""


def unfit(*, uid: int | None = None, os_release: str | None = None) -> str | None:
    """Why there can be no virtual machine here."""
    if problem := lab_machine.wrong_system(WHAT, uid=uid, os_release=os_release):
        return problem
    if not TUN.is_char_device():
        return f"{WHAT} needs {TUN}, which this machine does not have"
    return lab_machine.cannot_make_namespaces(WHAT) or lab_machine.lacks_memory(WHAT, LEAST_MEMORY_MIB)


def lacks_disk(folder: Path) -> str | None:
    free = shutil.disk_usage(folder).free // 1024**2
    return None if free >= LEAST_DISK_MIB else f"the image takes {LEAST_DISK_MIB} MiB; {folder} has {free} MiB left"


class VirtualMachine:
    """Its disks are the image and an empty one for the pool; what is written to them ends with it."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.console = folder / "console"
        pool = folder / "pool.img"
        with pool.open("wb") as file:
            file.truncate(POOL_GIB * 1024**3)
        drives = [(image / "root.img", "root"), (pool, "pool")]
        command = [
            *("qemu-system-x86_64", *accelerator(image, folder), "-smp", "2", "-m", str(MEMORY_MIB)),
            *("-nodefaults", "-display", "none", "-serial", f"file:{self.console}", "-device", "virtio-rng-pci"),
            *("-kernel", str(image / "kernel"), "-initrd", str(image / "initrd")),
            *("-append", f"root=/dev/vda rw {KERNEL_OPTIONS}"),
            *("-netdev", f"tap,id=net0,ifname={TAP},script=no,downscript=no"),
            *("-device", "virtio-net-pci,netdev=net0,mac=00:16:3e:77:00:02"),
        ]
        for path, name in drives:
            command += ["-drive", f"file={path},format=raw,if=virtio,cache=unsafe,snapshot=on,id={name}"]
        # Where the changes of the disks go, in a file that has no name.
        environment = {**os.environ, "TMPDIR": str(folder)}
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for_agent(self) -> float:
        """Return how long it took, in seconds. Raises RuntimeError with the end of its console."""
        began = time.monotonic()
        while self._process.poll() is None and time.monotonic() < began + SECONDS_TO_BOOT:
            try:
                socket.create_connection((ADDRESS, PORT), timeout=SECONDS_TO_CONNECT).close()
            except OSError:
                time.sleep(SECONDS_BETWEEN_LOOKS)
            else:
                return time.monotonic() - began
        raise RuntimeError(f"the virtual machine did not start; its console ends with:\n{self.last_lines()}")

    def last_lines(self, lines: int = 20) -> str:
        text = self.console.read_text(encoding="utf-8", errors="replace") if self.console.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def stop(self) -> None:
        """Switch it off: nothing of it is kept."""
        self._process.kill()
        self._process.wait()


def connect_network() -> None:
    """In a network namespace of its own: the interface of the virtual machine, and routes to its containers."""
    ip("link", "set", "lo", "up")
    ip("tuntap", "add", TAP, "mode", "tap")
    ip("address", "add", f"{ROUTER}/{PREFIX}", "dev", TAP)
    ip("link", "set", TAP, "up")
    ip("route", "add", network_of(Instance.networks[0]), "via", ADDRESS)


def network_of(gateway: str) -> str:
    return str(ipaddress.ip_interface(gateway).network)


def accelerator(image: Path, folder: Path) -> list[str]:
    """Return the options of QEMU: where there is /dev/kvm, a guest may not get past the start of its kernel on it."""
    if KVM.is_char_device() and os.access(KVM, os.R_OK | os.W_OK) and runs_on_kvm(image, folder):
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=multi", "-cpu", EMULATED]


def runs_on_kvm(image: Path, folder: Path) -> bool:
    """Whether a kernel without disks gets as far as to miss them."""
    command = [
        *("qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "512", "-nodefaults", "-display", "none"),
        *("-serial", "stdio", "-no-reboot", "-kernel", str(image / "kernel"), "-append", KERNEL_OPTIONS),
    ]
    quiet = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, **quiet) as started:
        try:
            return _says(t.cast("t.IO[bytes]", started.stdout), RAN, SECONDS_TO_PROBE)
        finally:
            started.kill()


def _says(output: t.IO[bytes], text: bytes, seconds: float) -> bool:
    said, until = b"", time.monotonic() + seconds
    with selectors.DefaultSelector() as waiting:
        waiting.register(output, selectors.EVENT_READ)
        while text not in said:
            if not waiting.select(max(0.0, until - time.monotonic())):
                return False
            piece = os.read(output.fileno(), 65536)
            if not piece:
                return False
            said += piece
    return True
