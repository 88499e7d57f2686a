# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lifecycle verbs print: a summary of each pixel, or after Ctrl-C the state and how to continue."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._cli import arguments
from ansible_collections.pixels.truenas.plugins.module_utils._cli import output as output_of
from ansible_collections.pixels.truenas.plugins.module_utils._cli.hints import text_of
from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import FAILED, failure
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import serialize
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import memory_size

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import fleet
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

DONE = {"create": "Created", "start": "Started", "stop": "Stopped", "restart": "Restarted", "destroy": "Destroyed"}
UNCHANGED = {"create": "already exists", "start": "is already running", "stop": "is already stopped"}


@dataclass(frozen=True)
class VerbResult:
    """The result of a verb for one pixel."""

    name: str
    """The bare name."""
    outcome: fleet.Outcome
    seconds: float
    container: Container | None = None
    warning: str | None = None
    """What did not happen in time. It is not an error."""


def report(context: CliContext, verb: str, ended: t.Sequence[VerbResult], missing: t.Sequence[PixelsError]) -> int:
    """Print the results, and errors for the names in `missing`. Return the exit status."""
    output = context.output
    if output.json:
        output.print_json([as_json(context, each) for each in ended] + output_of.missing(missing))
    for each in ended:
        if each.outcome.error:
            output.report(each.outcome.error)
            continue
        for line in summary(context, verb, each):
            output.say(line)
        if each.warning and each.container and each.container.address:
            output.warn(each.warning)
    for error in missing:
        output.report(error)
    return FAILED if missing or any(each.outcome.error for each in ended) else 0


def as_json(context: CliContext, ended: VerbResult) -> dict[str, t.Any]:
    """Return the result for one pixel as JSON."""
    shown: dict[str, t.Any] = {"name": ended.name, "changed": ended.outcome.result not in ("unchanged", "failed")}
    if ended.outcome.error:
        shown["error"] = failure(ended.outcome.error)
    shown["container"] = serialize.container(ended.container, context.pixels) if ended.container else None
    if ended.warning:
        shown["warning"] = ended.warning
    return shown


def summary(context: CliContext, verb: str, ended: VerbResult) -> t.Iterator[str]:
    """Yield the lines that describe the result for one pixel, with its address."""
    container, word = ended.container, ended.outcome.result
    headline = f"{DONE[verb]} {ended.name}"
    if word == "unchanged" and verb in UNCHANGED:
        headline = f"{ended.name} {UNCHANGED[verb]}"
    elif verb == "create":
        headline = f"Created px-{ended.name} in {ended.seconds:.1f}s"
        if word == "changed":
            headline = f"{ended.name} already exists and was {changed_settings(ended.outcome.planned.change)}"
    if verb in ("stop", "destroy"):
        yield headline
        return
    if container is None or container.address is None:
        yield f"{headline} (no IP assigned)"
        return
    yield headline
    yield f"  IP:  {container.address}"
    yield f"  SSH: ssh {context.ssh.user}@{container.address}"


def changed_settings(change: Change | None) -> str:
    """Return how the settings of an existing pixel changed."""
    before, after = (change.before or {}, change.after or {}) if change else ({}, {})
    differences = [
        f"{name} {format_value(name, before.get(name))} to {format_value(name, value)}"
        for name, value in after.items()
        if value != before.get(name) and name not in ("status", "provisioned")
    ]
    return f"changed: {', '.join(differences)}" if differences else "started"


def format_value(name: str, value: t.Any) -> str:
    """Return the value of a setting as text."""
    if value is None:
        return "none"
    if name == "devices":
        return " and ".join(map(format_device, value)) or "none"
    return memory_size.format_memory(value) or "none" if name == "memory" and isinstance(value, int) else str(value)


def format_device(device: t.Mapping[str, t.Any]) -> str:
    """Return a device as the option `--device` of create has it."""
    return ",".join(f"{name}={value}" for name, value in device.items()).removeprefix("type=")


def print_interrupted_state(args: argparse.Namespace, context: CliContext, verb: str, bare: t.Sequence[str]) -> None:
    """After Ctrl-C, print the state of each pixel and the commands that continue or undo the verb."""
    output = context.output
    headline = interrupted(context)
    output.error(headline)
    shown: list[dict[str, t.Any]] = []
    for name in bare:
        try:
            found = context.pixels.find(name)
        except PixelsError as error:
            output.error(f"  {name}: unknown, {text_of(error)}")
            shown.append({"name": name, "error": failure(error)})
            continue
        shown.append({"name": name, "status": found.status if found else None})
        if found:
            output.error(f"  {name} is {found.status}")
        elif verb == "create":
            output.error(f"  {name} does not exist yet: the NAS may still be creating it")
        else:
            output.error(f"  {name} does not exist any longer")
    commands = {"go_on": arguments.again(args)}
    if verb == "create":
        commands["undo"] = f"{arguments.command_for_same_nas(args)} destroy {' '.join(bare)}"
    output.error(f"To continue: {commands['go_on']}")
    if "undo" in commands:
        output.error(f"To undo: {commands['undo']}")
    if output.json:
        output.print_json({"error": {"kind": "Interrupted", "message": headline}, "pixels": shown, **commands})


def interrupted(context: CliContext) -> str:
    """Return the headline after Ctrl-C."""
    return f"Interrupted. {context.nas} still completes the requests that it received:"
