# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb ssh-config: lets OpenSSH, and all that is built on it, reach pixels by the name C(web.pixels)."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionFailed, NotPermitted
from ansible_collections.pixels.truenas.plugins.module_utils._command import inside
from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import host_keys, names, openssh, readiness
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.grouping import as_ssh_reads

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

DOMAIN = "pixels"
CONCURRENCY = 8
# Seconds for a connection to one that has greeted already.
MEETING = 5
UNFIT = re.compile(r"[^A-Za-z0-9.-]+")
COMMENT = "# Pixels; kept up to date by: pixels ssh-config --install"


def show(asked: argparse.Namespace, output: Output) -> int:
    place = Place(asked, output)
    if asked.undo:
        return take_back(output)
    found = place.pixels.list()
    if asked.install:
        pin(place, found)
    text = configuration(place, found)
    # ssh pins keys in a folder that is there, and in no other.
    place.host_keys.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not asked.install:
        if output.json:
            output.give({"text": text})
        else:
            output.say(text.rstrip("\n"))
        return 0
    path = own_file(place)
    write(path, text)
    included = include()
    if output.json:
        output.give({"file": str(path), "config": str(user_file())})
        return 0
    output.say(f"Wrote {path}")
    output.say(f"{'Included' if included else 'It is included already'} in {user_file()}")
    return 0


def take_back(output: Output) -> int:
    files = sorted(folder().glob("*.conf"))
    for path in files:
        path.unlink()
    exclude()
    if output.json:
        output.give({"removed": [str(path) for path in files]})
    for path in files:
        output.say(f"Removed {path}")
    return 0


def keep_up_to_date(place: Place) -> None:
    """After pixels came, went or moved: write it anew, where it was installed for this NAS."""
    path = own_file(place)
    if path.exists():
        found = place.pixels.list()
        pin(place, found)
        write(path, configuration(place, found))


def pin(place: Place, found: t.Iterable[Container]) -> None:
    """The host keys of those that answer, now that the NAS vouches for their addresses: later nobody does."""
    from concurrent.futures import ThreadPoolExecutor

    unknown = [
        each
        for each in found
        if each.running and each.ipv4 and not place.host_keys.find(host_keys.alias(each.name, place.nas))
    ]
    if not unknown or openssh.program() is None:
        return

    def meet(each: Container) -> None:
        address = str(each.ipv4)
        if readiness.greeting(address, place.ssh.port):
            # Whoever is let in or not: the key is pinned before that is asked.
            with contextlib.suppress(ConnectionFailed, NotPermitted):
                openssh.Master(inside.login(place, each.name, address), place.host_keys).open(timeout=MEETING)

    with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
        list(pool.map(meet, unknown))


def configuration(place: Place, found: t.Iterable[Container]) -> str:
    """A block for each pixel that has an address."""
    taken = names_of_others(place)
    shown = [each for each in found if each.running and each.ipv4]
    blocks = [COMMENT, *(block(place, each, hosts_of(place, each, taken)) for each in shown)]
    return "\n\n".join(blocks) + "\n"


def block(place: Place, found: Container, hosts: t.Sequence[str]) -> str:
    alias = host_keys.alias(found.name, place.nas)
    said = {
        "HostName": found.ipv4,
        "User": place.ssh.user,
        "Port": place.ssh.port,
        "IdentityFile": place.ssh.key and as_ssh_reads(os.path.expanduser(place.ssh.key)),
        "HostKeyAlias": alias,
        "UserKnownHostsFile": as_ssh_reads(str(place.host_keys.path)),
        # The address is of now, and the file is read later: nobody unknown is taken for this pixel without a question.
        "StrictHostKeyChecking": "yes" if place.host_keys.find(alias) else "ask",
        # Hashed names could not be found again to be forgotten.
        "HashKnownHosts": "no",
        "CheckHostIP": "no",
    }
    lines = [f"    {name} {value}" for name, value in said.items() if value]
    return "\n".join([f"Host {' '.join(hosts)}", *lines])


def hosts_of(place: Place, found: Container, taken: t.Container[str]) -> list[str]:
    """What a pixel is called: with its profile, if it has one; and without, unless that is another NAS's pixel."""
    short = f"{names.bare_name(found.name)}.{DOMAIN}"
    profile = place.survey.profile
    if not profile:
        return [short]
    full = f"{names.bare_name(found.name)}.{profile}.{DOMAIN}"
    return [full] if short in taken else [full, short]


def names_of_others(place: Place) -> set[str]:
    """The hosts that are written in the files of other NASes."""
    own = own_file(place)
    found: set[str] = set()
    for path in sorted(folder().glob("*.conf")):
        if path != own:
            lines = path.read_text(encoding="utf-8").splitlines()
            found.update(name for line in lines if line.startswith("Host ") for name in line.split()[1:])
    return found


def folder() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(base) / "pixels" / "ssh"


def own_file(place: Place) -> Path:
    return folder() / f"{UNFIT.sub('_', place.nas)}.conf"


def user_file() -> Path:
    return Path(os.path.expanduser("~")) / ".ssh" / "config"


def line_of_include() -> str:
    return f"Include {as_ssh_reads(str(folder()) + '/')}*.conf"


def include() -> bool:
    """Have OpenSSH read our files; False where it does already. First of all, or it would count for one host only."""
    path = user_file()
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if line_of_include() in text.splitlines():
        return False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write(path, f"{line_of_include()}\n{text}")
    return True


def exclude() -> None:
    path = user_file()
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        left = [line for line in lines if line.rstrip("\n") != line_of_include()]
        if left != lines:
            write(path, "".join(left))


def write(path: Path, text: str) -> None:
    """All or nothing, for its owner alone; where it is a link, what it leads to."""
    path = path.resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, new = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(new, path)
