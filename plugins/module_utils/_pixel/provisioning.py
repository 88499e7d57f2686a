# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fresh pixel gets so that SSH can reach it: keys, name servers, and an SSH server.

C(outfitting.py) does it from inside, through the shell of the NAS. What is below is for accounts that may not open one:
files, and a script for the first boot, are written through the file API of the NAS into the filesystem of the running
container, as root of the NAS. That needs FULL_ADMIN, and it follows symlinks on the NAS, which the root of a container
could plant: so every parent of a path is looked at first, and nothing is written unless the container's filesystem is
really mounted there.
"""

from __future__ import annotations

import threading
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError, Refused, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import environment, names, readiness
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.first_boot import FAILED, MARKER, MINE, RC_LOCAL
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.trying import trying
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import files

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline

T = t.TypeVar("T")

AUTHORIZED_KEYS = "/root/.ssh/authorized_keys"
RESOLVED = "/etc/systemd/resolved.conf.d/pixels-dns.conf"
FIRST_BOOT = "/etc/rc.local"

# TrueNAS takes no empty file (C(filesystem.file_receive): content of at least one character).
NOTHING = "\n"


@dataclass(frozen=True)
class Provision:
    """What to put into a pixel."""

    public_keys: tuple[str, ...]
    """Lines for the authorized_keys of root and the user."""
    user: str = "root"
    """Whom SSH logs in as. One that is not there is made; with the method C(rootfs), there is none but root."""
    dns: tuple[str, ...] | None = None
    """Addresses of name servers; empty leaves the image's own, None means those a new pixel usually gets."""
    method: str = "shell"
    """C(shell), from inside; or C(rootfs), through the file API of the NAS."""
    environment: environment.Pairs = field(default=(), repr=False)
    """Variables of every login; others that are there stay."""
    accept_env: tuple[str, ...] = ()
    """Names of variables that SSH clients may bring."""


@dataclass(frozen=True)
class File:
    """A file as it should be in the container."""

    path: str
    content: str
    mode: int
    restart: bool
    """Whether it does something at boot only."""


def with_usual_dns(provision: Provision, dns: tuple[str, ...]) -> Provision:
    """Provision a new pixel: with these name servers, unless others or none are asked for."""
    return replace(provision, dns=dns) if provision.dns is None else provision


def with_usual_environment(pixels: Pixels, provision: Provision) -> Provision:
    """Provision with the variables of the user's settings. Raises C(Invalid) for one that cannot be written."""
    usual = pixels.defaults.environment
    return replace(provision, environment=environment.to_write(usual), accept_env=usual.names)


def wanted_files(provision: Provision, present: t.Callable[[str], str]) -> list[File]:
    """The files of a provisioned pixel, given what those hold now that others write to as well."""
    wanted = [
        File(AUTHORIZED_KEYS, merge_keys(present(AUTHORIZED_KEYS), provision.public_keys), 0o600, restart=False),
        File(FIRST_BOOT, RC_LOCAL, 0o755, restart=True),
    ]
    if provision.environment:
        path = environment.FILE
        wanted.insert(0, File(path, environment.merged(present(path), provision.environment), 0o644, restart=False))
    if provision.accept_env:
        path = environment.ACCEPTED
        wanted.insert(0, File(path, environment.accepting(present(path), provision.accept_env), 0o644, restart=True))
    if provision.dns:
        wanted.insert(0, File(RESOLVED, f"[Resolve]\nDNS={' '.join(provision.dns)}\n", 0o644, restart=True))
    return wanted


def merge_keys(present: str, keys: t.Iterable[str]) -> str:
    """Authorized keys with ours among them; a key that is there under another comment or option is there."""
    lines = present.splitlines()
    for key in keys:
        if not any(key_body(key) in line.split() for line in lines):
            lines.append(key.strip())
    return "".join(f"{line}\n" for line in lines)


def key_body(key: str) -> str:
    """The base64 part of a public key line, which is what makes two keys the same."""
    words = key.split()
    return words[1] if len(words) > 1 else key.strip()


def is_complete(pixels: Pixels, name: str, provision: Provision) -> bool:
    """Whether a running pixel has all of it already, its first boot included.

    Raises C(Refused) when the container's filesystem cannot be looked at safely.
    """
    provision = with_usual_environment(pixels, provision)
    if provision.method == "shell":
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel import outfitting

        return outfitting.is_complete(pixels, name, provision)
    return not Rootfs(pixels, name).missing(provision)


def provision(
    pixels: Pixels, name: str, wanted: Provision, *, deadline: Deadline, stop_timeout: float, ssh_port: int
) -> None:
    """Put everything in place, restart where something only works at boot, and wait for SSH.

    Raises what went wrong with what is in place by then; running it again goes on from there.
    """
    wanted = with_usual_environment(pixels, wanted)
    if wanted.method == "shell":
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel import outfitting

        return outfitting.provision(pixels, name, wanted, deadline=deadline, ssh_port=ssh_port)
    where = f"{names.bare_name(name)} on {pixels.nas}"
    written: list[str] = []
    with trying(f"provisioning {where}"), telling(written):
        rootfs = Rootfs(pixels, name)
        rootfs.wait_until_mounted(deadline)
        lacking = rootfs.missing(wanted)
        for file in lacking:
            rootfs.write(file)
            written.append(file.path)
        if any(file.restart for file in lacking):
            rootfs.forget_failure()
            pixels.containers.restart(name, graceful=stop_timeout, timeout=deadline.left)
            rootfs.wait_for_first_boot(deadline)
        readiness.wait_for(pixels, name, "ssh", deadline=deadline, ssh_port=ssh_port)
    return None


@contextmanager
def telling(written: t.Sequence[str]) -> t.Iterator[None]:
    """Add to an error what had been written when it happened."""
    try:
        yield
    except PixelsError as error:
        if written:
            error.args = (f"{error} ({', '.join(written)} in place by then)", *error.args[1:])
        raise


class Seen:
    """What was found in files that nobody changes: those of clones not yet started, the same in all of one snapshot."""

    def __init__(self) -> None:
        self._alone = threading.RLock()
        self._found: dict[tuple[str, str], t.Any] = {}

    def once(self, what: str, path: str, ask: t.Callable[[], T]) -> T:
        """The first who needs an answer asks, in whichever thread; the others wait for it, and take the same."""
        with self._alone:
            if (what, path) not in self._found:
                self._found[what, path] = ask()
            found: T = self._found[what, path]
            return found

    def forget(self) -> None:
        """Look at all of it anew: it may not be the same any more."""
        with self._alone:
            self._found.clear()


class Rootfs:
    """The filesystem of a running container as the NAS has it mounted, or at C(path) that of one not yet started.

    C(seen) is for the latter: where nobody is inside who could put a symlink in the place of something, one look at
    each is enough.
    """

    def __init__(self, pixels: Pixels, name: str, path: str | None = None, *, seen: Seen | None = None) -> None:
        self._wire = pixels.wire
        self._nas = pixels.nas
        self._name = name
        self._path = path or pixels.containers.rootfs(name)
        self._seen = seen
        self._was_mounted = False
        self._written: set[str] = set()

    @property
    def mounted(self) -> bool:
        """Whether the container's dataset is there; when it is not, the same path is a folder of the boot pool."""
        dataset = files.stat(self._wire, self._path.removesuffix("/rootfs"))
        return dataset is not None and dataset.is_mountpoint and files.stat(self._wire, self._path) is not None

    def missing(self, provision: Provision) -> list[File]:
        """The files that are not as they should be, and the first-boot script until it has done its work."""
        wanted = wanted_files(provision, lambda path: self.read(path) or "")
        lacking = [file for file in wanted if file.path != FIRST_BOOT and self.read(file.path) != file.content]
        if not self.has(MARKER):
            lacking += [file for file in wanted if file.path == FIRST_BOOT]
        return lacking

    def has(self, path: str) -> bool:
        return self._look(path) is not None

    def is_symlink(self, path: str) -> bool:
        """Whether a path ends in a symlink that leads somewhere; what that is, is not looked at."""
        found = self._stat(path)
        return found is not None and found.type == "symlink"

    def read(self, path: str) -> str | None:
        """The text of a file, None when there is none."""
        found = self._look(path)
        if found is None:
            return None
        if found.type != "file":
            raise Refused(f"{path} in {self._name} is a {found.type}: it is not touched")
        if not found.size:
            return ""
        content = self._once("content", path, lambda: files.read(self._wire, self._path + path))
        return content.decode("utf-8", "replace")

    def write(self, file: File) -> None:
        if file.path == FIRST_BOOT:
            present = self.read(FIRST_BOOT)
            if present and MINE not in present:
                raise Refused(f"{self._name} has a {FIRST_BOOT} of its own, which is not overwritten")
        self._look(file.path)
        self._written.add(file.path)
        files.write(self._wire, self._path + file.path, file.content.encode("utf-8"), mode=file.mode)

    def _look(self, path: str) -> files.Stat | None:
        """What is at a path, sure that no parent of it is a symlink that leads out of the container."""
        if not (self._seen and self._was_mounted) and not self.mounted:
            raise Refused(f"the filesystem of {self._name} is not mounted on {self._nas}: is the container running?")
        self._was_mounted = True
        parents = path.split("/")[1:-1]
        for depth in range(1, len(parents) + 1):
            parent = "/" + "/".join(parents[:depth])
            found = self._stat(parent)
            if found is None:
                return None
            if found.type != "directory":
                raise Refused(
                    f"{parent} in {self._name} is a {found.type}: nothing is written through it, "
                    f"since it could lead to a file of {self._nas} itself"
                )
        found = self._stat(path)
        if found is not None and found.type == "symlink":
            raise Refused(
                f"{path} in {self._name} is a symlink: nothing is written through it, "
                f"since it could lead to a file of {self._nas} itself"
            )
        return found

    def _stat(self, path: str) -> files.Stat | None:
        return self._once("stat", path, lambda: files.stat(self._wire, self._path + path))

    def _once(self, what: str, path: str, ask: t.Callable[[], T]) -> T:
        if self._seen is None or path in self._written:
            return ask()
        return self._seen.once(what, path, ask)

    def wait_until_mounted(self, deadline: Deadline) -> None:
        """A container that just started may not have its filesystem in sight yet."""
        if deadline.wait_until(lambda: self.mounted or None) is None:
            raise TimedOut(f"its filesystem was not mounted on {self._nas} after {deadline.seconds:g} s")

    def forget_failure(self) -> None:
        """Empty the note of an earlier failure: until the script runs again it would be taken for one of this run."""
        if self.has(FAILED):
            self.write(File(FAILED, NOTHING, 0o600, restart=False))

    def wait_for_first_boot(self, deadline: Deadline) -> None:
        """Wait until the first-boot script has ended, and tell what it said when it failed."""
        ended = deadline.wait_until(self._first_boot_ended, first=0.2)
        if ended is None:
            raise TimedOut(
                f"the first-boot script {FIRST_BOOT} had not ended after {deadline.seconds:g} s; "
                "it installs an SSH server where there is none, so the pixel needs a network and a package source"
            )
        if ended == FAILED:
            said = (self.read(FAILED) or "nothing").strip().splitlines()
            raise Refused(
                f"the first-boot script {FIRST_BOOT} failed, and is tried again at the next start. "
                f"It said: {' / '.join(said[-3:])}"
            )

    def _first_boot_ended(self) -> str | None:
        if not self.mounted:
            return None
        if self.has(MARKER):
            return MARKER
        failed = self._look(FAILED)
        return FAILED if failed and failed.size > len(NOTHING) else None
