# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb status: whether pixels are ready, or the state of the NAS."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._cli import targets
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import FAILED, missing
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import ssh_probe
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import first_boot
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.rootfs import Rootfs
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import nas

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

CONCURRENCY = 8
HEADER = ("NAME", "STATUS", "IP", "SSH", "PROVISIONING")


def show(args: argparse.Namespace, output: Output) -> int:
    """Show the status of pixels, without names that of the NAS."""
    context = CliContext(args, output)
    if not args.names and not args.all:
        return show_nas(context)
    from concurrent.futures import ThreadPoolExecutor

    chosen = targets.find(context.pixels, args.names, everything=args.all)
    with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
        rows = list(pool.map(lambda each: row(context, each), chosen.found))
    if output.json:
        output.print_json([each.as_json() for each in rows] + missing(chosen.missing))
    elif rows:
        output.table(HEADER, [each.cells() for each in rows])
    for error in chosen.missing:
        output.report(error)
    return FAILED if chosen.missing else 0


class Row(t.NamedTuple):
    """The status of a pixel."""

    name: str
    status: str
    ipv4: str | None
    ipv6: str | None
    ssh: str | None
    provisioning: str | None

    def as_json(self) -> dict[str, str | None]:
        """Return the row as JSON, with the IPv6 address only if there is no IPv4 address."""
        return {key: value for key, value in self._asdict().items() if key != "ipv6" or (value and not self.ipv4)}

    def cells(self) -> tuple[str, str, str, str, str]:
        """Return the row of the table."""
        address, ssh, provisioning = (word or "—" for word in (self.ipv4 or self.ipv6, self.ssh, self.provisioning))
        return self.name, self.status.upper(), address, ssh, provisioning


def row(context: CliContext, found: Container) -> Row:
    """Return the status of a pixel."""
    ssh = None
    if found.address:
        ssh = "ready" if ssh_probe.greeting(found.address, context.ssh.port) else "no answer"
    name = found.name.bare
    return Row(name, found.status, found.ipv4, found.ipv6, ssh, provisioned(context, found))


def provisioned(context: CliContext, found: Container) -> str | None:
    """Return `done`, `failed` or `running`; None if the pixel was not provisioned or the account cannot see it."""
    if not found.running:
        return None
    rootfs = Rootfs(context.pixels, found.name)
    words = {first_boot.MARKER_PATH: "done", first_boot.FAILURE_PATH: "failed", first_boot.SCRIPT_PATH: "running"}
    try:
        return next((word for path, word in words.items() if rootfs.has(path)), None)
    except PixelsError:
        # Only a full administrator can read files of a container.
        return None


def show_nas(context: CliContext) -> int:
    """Show the release, the account, the pools and the number of pixels of the NAS."""
    wire = context.pixels.wire
    account = nas.account(wire)
    listing = context.pixels.list()
    running = sum(each.running for each in listing)
    status = {
        "nas": context.nas,
        "release": nas.release(wire),
        "account": account.username,
        "pools": list(context.pixels.containers.pools()),
        "pixels": len(listing),
        "running": running,
    }
    if context.output.json:
        context.output.print_json(status)
        return 0
    context.output.say(f"{'NAS:':<12}{status['nas']}, TrueNAS {status['release']}")
    context.output.say(f"{'Account:':<12}{account.username}")
    context.output.say(f"{'Pools:':<12}{', '.join(context.pixels.containers.pools()) or '—'}")
    context.output.say(f"{'Pixels:':<12}{len(listing)}, {running} running")
    return 0
