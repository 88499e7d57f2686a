# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs extend, protect and reap: how long pixels exist."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._cli import output as output_of
from ansible_collections.pixels.truenas.plugins.module_utils._cli import ssh_config, targets
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import control_master
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import lifetimes
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

CONCURRENCY = 8

PAST = {lifetimes.DESTROY: "destroyed", lifetimes.STOP: "stopped", lifetimes.KEEP: "kept"}
FUTURE = {lifetimes.DESTROY: "would be destroyed", lifetimes.STOP: "would be stopped", lifetimes.KEEP: "kept"}


def extend(args: argparse.Namespace, output: Output) -> int:
    """Extend the lifetimes of pixels."""

    def change(context: CliContext, container: Container) -> tuple[Container, str]:
        changed = lifetimes.extend(context.pixels, container.name, args.duration)
        return changed, f"expires at {changed.metadata.expires}" if changed.metadata.expires else "does not expire"

    return change_each(args, output, change)


def protect(args: argparse.Namespace, output: Output) -> int:
    """Protect pixels from being destroyed and restored, or end that."""

    def change(context: CliContext, container: Container) -> tuple[Container, str]:
        changed = lifetimes.protect(context.pixels, container.name, protected=not args.off)
        return changed, "is not protected" if args.off else "is protected"

    return change_each(args, output, change)


def change_each(
    args: argparse.Namespace,
    output: Output,
    change: t.Callable[[CliContext, Container], tuple[Container, str]],
) -> int:
    """Change the pixels that the command line names, and print the result of each. Return the exit status."""
    context = CliContext(args, output)
    chosen = targets.find(context.pixels, args.names)
    errors: list[PixelsError] = list(chosen.missing)
    changed: list[dict[str, t.Any]] = []
    for container in chosen.found:
        try:
            result, text = change(context, container)
        except PixelsError as error:
            errors.append(error)
            changed.append({"name": container.name.bare, "error": output_of.failure(error)})
            continue
        changed.append(
            {
                "name": container.name.bare,
                "changed": result.metadata != container.metadata,
                "expires": result.metadata.expires,
                "protected": bool(result.metadata.protected),
            }
        )
        output.say(f"{container.name.bare} {text}")
    if output.json:
        output.print_json(changed + output_of.missing(chosen.missing))
    for each in errors:
        output.report(each)
    return output_of.FAILED if errors else 0


def reap(args: argparse.Namespace, output: Output) -> int:
    """Destroy the pixels whose lifetime has ended, and stop those that are idle."""
    context = CliContext(args, output)
    pixels = context.pixels
    options = ApplyOptions(stop_timeout=args.stop_timeout, wait="none", ssh_port=context.ssh.port)
    expired = lifetimes.find_due(
        pixels, clones=args.clones, options=options, concurrency=CONCURRENCY, dry_run=args.dry_run
    )
    words = FUTURE if args.dry_run else PAST
    if not args.dry_run:
        expired = lifetimes.reap(pixels, expired, concurrency=CONCURRENCY, say=output.detail)
        for each in expired:
            if each.action != lifetimes.KEEP:
                context.addresses.forget(each.container.name)
                control_master.close_connections(each.container.name)
        ssh_config.keep_up_to_date(context)
    for each in expired:
        if each.error:
            output.report(each.error)
        else:
            output.say(f"{each.name}: {words[each.action]}: {each.reason}")
    if output.json:
        output.print_json([as_json(each, done=not args.dry_run) for each in expired])
    elif not expired:
        output.say("No pixel has expired or is idle.")
    return output_of.FAILED if any(each.error for each in expired) else 0


def as_json(expired: lifetimes.Expired, *, done: bool) -> dict[str, t.Any]:
    """Return the result for a pixel as JSON."""
    shown: dict[str, t.Any] = {
        "name": expired.name,
        "action": expired.action,
        "reason": expired.reason,
        "changed": done and expired.action != lifetimes.KEEP and expired.error is None,
    }
    if expired.error:
        shown["error"] = output_of.failure(expired.error)
    return shown
