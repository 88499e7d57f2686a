# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb checkpoint: create, list, restore, delete and clone checkpoints of pixels."""

from __future__ import annotations

import shlex
import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._cli import lifecycle_report, lifecycle_verbs, ssh_config
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._cli.hints import text_of
from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import FAILED, exit_immediately, failure
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import serialize as shown
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import control_master
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import (
    checkpoints,
    dataset_layout,
    restorer,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import parse_origin
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import PixelSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import failure_report, quiesce
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

T = t.TypeVar("T")

CONCURRENCY = 8
CREATE_TIMEOUT_S = 60.0
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def create(args: argparse.Namespace, output: Output) -> int:
    """Create a checkpoint of each pixel."""
    from concurrent.futures import ThreadPoolExecutor

    context = CliContext(args, output)
    pixels = context.pixels
    chosen = lifecycle_verbs.select(args, context)
    wanted = checkpoints.CheckpointSpec(label=args.label)
    options = ApplyOptions(wait="none")
    ended: list[dict[str, t.Any]] = []

    def create_one(container: Container) -> dict[str, t.Any]:
        try:
            found = checkpoints.list_checkpoints(pixels, container)
            planned = checkpoints.plan(pixels, container, found, wanted)
            with (
                failure_report.reporting_state(pixels, container.name),
                # Starts a pixel that an interrupted checkpoint left stopped.
                quiesce.quiesced(
                    pixels, container, options=options, deadline=Deadline(CREATE_TIMEOUT_S), enabled=False
                ),
            ):
                label = checkpoints.apply(pixels, container, planned, wanted)
        except PixelsError as error:
            result: dict[str, t.Any] = {"name": container.name.bare, "error": failure(error)}
        else:
            result = {"name": container.name.bare, "label": label or args.label, "changed": planned.change.needed}
            if label is None and planned.change.needed:
                result["started"] = True
        ended.append(result)
        return result

    def create_all() -> list[dict[str, t.Any]]:
        with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
            return list(pool.map(create_one, chosen.found))

    def print_state() -> None:
        lines = {each["name"]: created_line(each) for each in list(ended)}
        for bare in (each.name.bare for each in chosen.found):
            output.error(f"  {lines.get(bare, f'{bare}: unknown yet, see pixels checkpoint list {bare}')}")
        output.error("To continue: run the same command again. With --label, no second checkpoint is created")

    results = interruptible(context, create_all, print_state)
    results += [{"error": failure(error)} for error in chosen.missing]
    if output.json:
        output.print_json(results)
    for each in results:
        if "error" in each:
            output.error(created_line(each))
        else:
            output.say(created_line(each))
    return FAILED if any("error" in each for each in results) else 0


def created_line(result: t.Mapping[str, t.Any]) -> str:
    """Return the line about the checkpoint of one pixel."""
    if "error" in result:
        return f"Error: {result['error']['message']}"
    if result.get("started"):
        return f'{result["name"]} already has a checkpoint "{result["label"]}" and was started'
    if result["changed"]:
        return f'Checkpoint "{result["label"]}" created for {result["name"]}'
    return f'{result["name"]} already has a checkpoint "{result["label"]}"'


def interruptible(context: CliContext, work: t.Callable[[], T], print_state: t.Callable[[], None]) -> T:
    """Run `work`. After Ctrl-C, print the state, because the NAS completes what it has begun, and exit."""
    try:
        return lifecycle_verbs.run_interruptibly(work)
    except KeyboardInterrupt:
        context.output.error(lifecycle_report.interrupted(context))
        try:
            print_state()
        except PixelsError as error:
            context.output.error(f"  the state could not be read: {text_of(error)}")
        exit_immediately()


def show(args: argparse.Namespace, output: Output) -> int:
    """List the checkpoints of a pixel."""
    context = CliContext(args, output)
    container = context.pixels.get(args.name)
    found = checkpoints.list_checkpoints(context.pixels, container)
    if output.json:
        output.print_json([shown.checkpoint(each, order) for order, each in enumerate(found, 1)])
    elif found:
        rows = [(each.label, size(each.snapshot.referenced), local(each)) for each in found]
        output.table(("LABEL", "SIZE", "CREATED"), rows)
    else:
        output.say(f"No checkpoints for {container.name.bare}.")
    return 0


def local(checkpoint: checkpoints.Checkpoint) -> str:
    """Return the time of a checkpoint in the local time zone."""
    return f"{checkpoint.snapshot.created.astimezone():%Y-%m-%d %H:%M:%S}"


def size(amount: float) -> str:
    """Return a size in bytes as upstream shows it: `512 B`, `1.5 KiB`."""
    for unit in UNITS:
        if amount < 1024 or unit == UNITS[-1]:
            break
        amount /= 1024
    return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"


def restore(args: argparse.Namespace, output: Output) -> int:
    """Restore a pixel to a checkpoint."""
    began = time.monotonic()
    context = CliContext(args, output)
    pixels = context.pixels
    container = pixels.get(args.name)
    bare = container.name.bare
    wanted = restorer.RestoreSpec(
        args.label, safety=args.safety, discard_newer=args.discard_newer, unprotect=args.force
    )
    planned = restorer.plan_restore(pixels, container, wanted)
    if container.running:
        output.error(f"Stopping {bare}...")
    context.addresses.forget(container.name)
    context.ssh_answers.forget(container.name)
    control_master.close_connections(container.name)
    found, safety = interruptible(
        context,
        lambda: restorer.restore(
            pixels,
            container,
            planned,
            options=ApplyOptions(
                stop_timeout=args.stop_timeout, force=args.force, wait="none", ssh_port=context.ssh.port
            ),
            deadline=Deadline(lifecycle_verbs.OPERATION_TIMEOUT_S),
        ),
        lambda: print_interrupted_state(context, container, args),
    )
    warning = None
    if found and found.running and args.wait != "none":
        try:
            found, warning = lifecycle_verbs.wait_until_reachable(context, "start", found, args.wait, provisioned=None)
        except TimedOut as error:
            warning = text_of(error)
    if found and found.running and found.address:
        context.addresses.note(found.name, found.address)
        ssh_config.keep_up_to_date(context)
    if output.json:
        output.print_json(
            {
                "name": bare,
                "label": planned.target.label,
                "safety": safety,
                "discarded": list(planned.discarded),
                "container": found and shown.container(found, pixels),
            }
        )
    output.say(f'Restored {bare} to "{planned.target.label}" in {time.monotonic() - began:.1f}s')
    if safety:
        output.say(f'  The previous state is kept as "{safety}"')
    if planned.discarded:
        output.say(f"  Deleted newer checkpoints: {', '.join(planned.discarded)}")
    if found and found.address:
        output.say(f"  SSH: ssh {context.ssh.user}@{found.address}")
    if warning:
        output.warn(warning)
    return 0


def print_interrupted_state(context: CliContext, container: Container, args: argparse.Namespace) -> None:
    """After Ctrl-C in a restore, print the state of the pixel and the commands that continue."""
    pixels, output = context.pixels, context.output
    bare = container.name.bare
    now = pixels.find(bare)
    output.error(f"  {bare} is {now.status if now else 'destroyed'}")
    if now and dataset_layout.find_interrupted_restore(pixels, now):
        output.error("  The restore is incomplete. Nothing is lost: the next restore, checkpoint or start completes it")
    options = [f"--{name}" for name in ("safety", "discard-newer") if getattr(args, name.replace("-", "_"))]
    output.error(f"To continue: {shlex.join(['pixels', 'checkpoint', 'restore', bare, args.label, *options])}")
    output.error(f"To start it as it is: pixels start {bare}")


def delete(args: argparse.Namespace, output: Output) -> int:
    """Delete a checkpoint."""
    context = CliContext(args, output)
    pixels = context.pixels
    container = pixels.get(args.name)
    found = checkpoints.list_checkpoints(pixels, container)
    checkpoints.get_checkpoint(pixels, container, found, args.label)
    wanted = checkpoints.CheckpointSpec("absent", args.label)
    planned = checkpoints.plan(pixels, container, found, wanted)
    with failure_report.reporting_state(pixels, container.name):
        checkpoints.apply(pixels, container, planned, wanted)
    if output.json:
        output.print_json({"name": container.name.bare, "label": args.label, "changed": True})
    output.say(f'Deleted checkpoint "{args.label}" from {container.name.bare}')
    return 0


def clone(args: argparse.Namespace, output: Output) -> int:
    """Create pixels from a checkpoint."""
    full = [PixelName.parse(name) for name in args.names]
    wanted = PixelSpec(name=PixelName(), origin=parse_origin(args.source))
    return lifecycle_verbs.create_pixels(args, CliContext(args, output), full, wanted)
