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
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import first_boot, step_record
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.rootfs import Rootfs
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import nas

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

CONCURRENCY = 8
HEADER = ("NAME", "STATUS", "IP", "SSH", "PROVISIONING")
STEP_HEADER = ("NAME", "STEP", "STATE", "TIME", "OUTPUT")
SHOWN_LINES = 3
"""Lines of output of a failed step that the table shows; JSON has all that are kept."""


def show(args: argparse.Namespace, output: Output) -> int:
    """Show the status of pixels, without names that of the NAS."""
    context = CliContext(args, output)
    if not args.names and not args.all:
        return show_nas(context)
    from concurrent.futures import ThreadPoolExecutor

    chosen = targets.find(context.pixels, args.names, everything=args.all, with_bases=True)
    with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
        rows = list(pool.map(lambda each: row(context, each), chosen.found))
    if output.json:
        output.print_json([each.as_json() for each in rows] + missing(chosen.missing))
    elif rows:
        output.table(HEADER, [each.cells() for each in rows])
        steps = [cells for each in rows for cells in step_cells(each, everything=len(rows) == 1)]
        if steps:
            output.say("")
            output.table(STEP_HEADER, steps)
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
    steps: tuple[step_record.Step, ...]

    def as_json(self) -> dict[str, t.Any]:
        """Return the row as JSON, with the IPv6 address only if there is no IPv4 address."""
        shown = {key: value for key, value in self._asdict().items() if key != "ipv6" or (value and not self.ipv4)}
        return {**shown, "steps": [step.as_dict() for step in self.steps]}

    def cells(self) -> tuple[str, str, str, str, str]:
        """Return the row of the table."""
        address, ssh, provisioning = (word or "—" for word in (self.ipv4 or self.ipv6, self.ssh, self.provisioning))
        return self.name, self.status.upper(), address, ssh, provisioning


def row(context: CliContext, found: Container) -> Row:
    """Return the status of a pixel."""
    ssh = None
    if found.address:
        ssh = "ready" if ssh_probe.greeting(found.address, context.ssh.port) else "no answer"
    record = provisioning(context, found)
    return Row(found.name.bare, found.status, found.ipv4, found.ipv6, ssh, record.state, record.steps)


def provisioning(context: CliContext, found: Container) -> step_record.Record:
    """Return what a pixel has recorded about its provisioning; nothing if the account cannot see it."""
    if not found.running:
        return step_record.Record()
    try:
        with WebShellClient(context.pixels, found.name) as shell:
            return step_record.read(shell)
    except PixelsError:
        # An account without the web shell can be one that reads files.
        return step_record.Record(first_boot=first_boot_state(context, found))


def first_boot_state(context: CliContext, found: Container) -> str | None:
    """Return `done`, `failed` or `running`; None if the first boot provisions nothing or the account cannot see it."""
    rootfs = Rootfs(context.pixels, found.name)
    words = {first_boot.MARKER_PATH: "done", first_boot.FAILURE_PATH: "failed", first_boot.SCRIPT_PATH: "running"}
    try:
        return next((word for path, word in words.items() if rootfs.has(path)), None)
    except PixelsError:
        # Only a full administrator can read files of a container.
        return None


def step_cells(row: Row, *, everything: bool) -> t.Iterator[tuple[str, ...]]:
    """Yield the rows of the table of steps: all steps of a pixel, or those that are not done."""
    for step in row.steps:
        if everything or step.state != step_record.DONE:
            state = f"{step.state} ({step.rc})" if step.rc else step.state
            first, *others = step.output[-SHOWN_LINES:] or ("",)
            yield row.name, step.name, state, duration(step), first
            for line in others:
                yield "", "", "", "", line


def duration(step: step_record.Step) -> str:
    """Return how long a step took."""
    if step.started is None or step.ended is None:
        return "—"
    return f"{max(step.ended - step.started, 0)} s"


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
