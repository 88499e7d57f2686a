# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb ssh-config: make OpenSSH and programs that use it reach pixels by the name `web.pixels`."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._api import atomic_file
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    Invalid,
    NotPermitted,
    PixelsError,
    Refused,
)
from ansible_collections.pixels.truenas.plugins.module_utils._cli import openssh_route
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._cli.hints import text_of
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import private_key, ssh_probe
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import control_master, openssh
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh.quoting import quote_path
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import user_dirs
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

DOMAIN = "pixels"
CONCURRENCY = 8
CONNECT_TIMEOUT_S = 5
"""For a server that has already answered."""
UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")
WORDS = re.compile(r'"([^"]*)"|(\S+)')
COMMENT = "# Pixels; kept up to date by: pixels ssh-config --install"


def show(args: argparse.Namespace, output: Output) -> int:
    """Print, install or remove the configuration."""
    context = CliContext(args, output)
    if args.undo:
        return uninstall(output)
    found = context.pixels.list()
    if args.install:
        pin(context, found)
    text = configuration(context, found)
    if not args.install:
        # ssh stores keys only in an existing directory. To print the configuration, it is not required.
        with contextlib.suppress(Refused):
            context.host_keys.make_directory()
        output.document(text)
        return 0
    context.host_keys.make_directory()
    path = directory() / file_name(context)
    included = install(path, text)
    if output.json:
        output.print_json({"file": str(path), "config": str(user_file())})
        return 0
    output.say(f"Wrote {path}")
    output.say(f"{'Included' if included else 'Already included'} in {user_file()}")
    return 0


def uninstall(output: Output) -> int:
    """Remove the files and the line that includes them."""
    installed = files()
    exclude()
    for path in installed:
        try:
            path.unlink()
        except OSError as error:
            raise Refused(f"cannot remove {path}: {error.strerror}") from None
    if output.json:
        output.print_json({"removed": [str(path) for path in installed]})
    for path in installed:
        output.say(f"Removed {path}")
    return 0


def keep_up_to_date(context: CliContext) -> None:
    """Update the file after pixels changed, if it is installed for this NAS. A failure is only a warning."""
    path = next((path for path in files() if path.name == file_name(context)), None)
    if path is None:
        return
    try:
        found = context.pixels.list()
        pin(context, found)
        atomic_file.replace(path, os.fsencode(configuration(context, found)))
    except PixelsError as error:
        context.output.warn(
            f"{path} is outdated: {text_of(error).rstrip('.')}. Update it with pixels ssh-config --install"
        )


def install(path: Path, text: str) -> bool:
    """Write the file and include it; both or neither. Return False if OpenSSH already includes it."""
    is_new = not os.path.exists(path)
    try:
        atomic_file.replace(path, os.fsencode(text))
    except Refused as error:
        error.add_suffix("Set XDG_CONFIG_HOME to a directory that can be written")
        raise
    try:
        return include()
    except Refused as error:
        if is_new:
            path.unlink()
        problem = str(error)
    hint = f"make the file writable, or add this line at its top: {line_of_include()}"
    raise Refused(f"{problem}. Nothing was installed: {hint}")


def pin(context: CliContext, found: t.Iterable[Container]) -> None:
    """Pin the host keys of the pixels that answer. Only now the NAS confirms their addresses."""
    from concurrent.futures import ThreadPoolExecutor

    unknown = [
        each
        for each in found
        if each.running and each.address and not context.host_keys.find(known_hosts.alias(each.name, context.nas))
    ]
    if not unknown or openssh.program() is None:
        return

    def pin_one(each: Container) -> None:
        address = str(each.address)
        if ssh_probe.greeting(address, context.ssh.port):
            # The host key is pinned before the login, which may fail.
            with contextlib.suppress(ConnectionFailed, NotPermitted):
                control_master.ControlMaster(openssh_route.login(context, each.name, address), context.host_keys).open(
                    timeout=CONNECT_TIMEOUT_S
                )

    with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
        list(pool.map(pin_one, unknown))


def configuration(context: CliContext, found: t.Iterable[Container]) -> str:
    """Return a block for each pixel."""
    taken = names_of_others(context)
    blocks = [COMMENT, *(block(context, each, hosts_of(context, each, taken)) for each in found)]
    return "\n\n".join(blocks) + "\n"


def block(context: CliContext, found: Container, hosts: t.Sequence[str]) -> str:
    """Return the block of a pixel. Without an address, ssh fails with the reason instead of asking DNS."""
    if not (found.running and found.address):
        return f"Host {' '.join(hosts)}\n    ProxyCommand sh -c 'echo \"{no_address_reason(found)}\" >&2'"
    alias = known_hosts.alias(found.name, context.nas)
    key_file = private_key.to_offer(context.ssh.key)
    settings = {
        "HostName": found.address,
        "User": context.ssh.user,
        "Port": context.ssh.port,
        "IdentityFile": key_file and quote_path(key_file),
        "HostKeyAlias": alias,
        "UserKnownHostsFile": quote_path(str(context.host_keys.path)),
        # By the time that ssh reads the file, the address may belong to another machine.
        "StrictHostKeyChecking": "yes" if context.host_keys.find(alias) else "ask",
        # Entries with hashed names could not be found to be removed.
        "HashKnownHosts": "no",
        "CheckHostIP": "no",
    }
    lines = [f"    {name} {value}" for name, value in settings.items() if value]
    return "\n".join([f"Host {' '.join(hosts)}", *lines])


def no_address_reason(found: Container) -> str:
    """Return why ssh cannot connect, without characters that ssh_config or a shell would interpret."""
    bare = found.name.bare
    if not found.running:
        return f"{bare} is {found.status}. Start it: pixels start {bare}"
    return f"{bare} has no IP address. Use the web shell: pixels console {bare}"


def hosts_of(context: CliContext, found: Container, taken: t.Container[str]) -> list[str]:
    """Return the host names of a pixel: with the profile, if any, and without it unless another NAS uses that name."""
    short = f"{found.name.bare}.{DOMAIN}"
    profile = context.resolved.profile
    if not profile:
        return [short]
    full = f"{found.name.bare}.{profile}.{DOMAIN}"
    return [full] if short in taken else [full, short]


def names_of_others(context: CliContext) -> set[str]:
    """Return the host names in the files of other NASes."""
    own = file_name(context)
    found: set[str] = set()
    for path in files():
        if path.name != own:
            lines = atomic_file.read(path).decode("utf-8", "replace").splitlines()
            found.update(name for line in lines if line.startswith("Host ") for name in line.split()[1:])
    return found


def directory() -> Path:
    """Return the directory of the files that OpenSSH includes. Raises `Invalid` for a user without a home."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(user_dirs.home(), ".config")
    return Path(base) / "pixels" / "ssh"


def files() -> list[Path]:
    """Return the files that are installed."""
    try:
        return sorted(directory().glob("*.conf"))
    except Invalid:
        return []


def file_name(context: CliContext) -> str:
    """Return the name of the file of this NAS."""
    return f"{UNSAFE.sub('_', context.nas)}.conf"


def user_file() -> Path:
    """Return the OpenSSH configuration of the user. Raises `Invalid` for a user without a home."""
    return Path(user_dirs.home()) / ".ssh" / "config"


def line_of_include() -> str:
    """Return the line that includes the files."""
    return f"Include {quote_path(str(directory()) + '/')}*.conf"


def include() -> bool:
    """Include the files in the configuration of the user. Return False if they already are.

    The line goes to the top, because below a `Host` or `Match` it would apply to those hosts only. The rest of the file
    is not changed, and may be in any encoding.
    """
    path = user_file()
    content = atomic_file.read(path)
    if any(is_include(line) for line in lines_for_all(content)):
        return False
    first_line, _newline, _rest = content.partition(b"\n")
    newline = b"\r\n" if first_line.endswith(b"\r") else b"\n"
    atomic_file.replace(path, os.fsencode(line_of_include()) + newline + content)
    return True


def exclude() -> None:
    """Remove the line that `include` added, anywhere in the file."""
    path = user_file()
    content = atomic_file.read(path)
    line = os.fsencode(line_of_include())
    left = b"".join(each for each in content.splitlines(keepends=True) if each.strip() != line)
    if left != content:
        atomic_file.replace(path, left)


def lines_for_all(content: bytes) -> t.Iterator[str]:
    """Yield the lines that apply to every host: those before the first `Host` or `Match`."""
    for line in content.split(b"\n"):
        text = os.fsdecode(line).strip()
        if re.match(r"(host|match)\b", text, re.IGNORECASE):
            return
        yield text


def is_include(line: str) -> bool:
    """Return whether a line includes the files, in any form that ssh_config(5) allows."""
    if line == line_of_include():
        return True
    found = re.fullmatch(r"include(?:\s*=\s*|\s+)(.+)", line, re.IGNORECASE)
    words = [quoted or plain for quoted, plain in WORDS.findall(found[1])] if found else []
    paths = (os.path.join(user_file().parent, os.path.expanduser(word)) for word in words)
    return os.path.join(directory(), "*.conf") in {os.path.normpath(path) for path in paths}
