# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb bases: list, build and destroy bases."""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, NotFound, PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._cli import arguments, lifecycle_verbs
from ansible_collections.pixels.truenas.plugins.module_utils._cli import output as output_of
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import public_keys
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.bases import builder, remover, summary
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import users
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.book import RecipeBook
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output

HEADER = ("NAME", "FROM", "STATUS", "VERSION", "CREATED", "DESCRIPTION")
BUILDS_AT_ONCE = 4
DELETE_TIMEOUT_S = 600.0


def recipe_book(context: CliContext) -> RecipeBook:
    """Return the recipes of the configuration file, and those that are built in."""

    def provision() -> ProvisionSpec:
        key = public_keys.read(public_keys.path_beside(context.ssh.key))
        return ProvisionSpec(public_keys=(key,), user=users.check(context.ssh.user))

    return RecipeBook(context.settings.defaults.bases, provision=provision)


def show_list(args: argparse.Namespace, output: Output) -> int:
    """List the bases of the NAS, and those that have a recipe only."""
    context = CliContext(args, output)
    found = summary.summarize_all(context.pixels, recipe_book(context), with_checkpoint=True)
    if output.json:
        output.print_json(found)
        return 0
    rows = []
    for each in found:
        cells = (each["from"] or each["image"], each["status"], each["version"], each["created"], each["description"])
        rows.append((each["name"], *(cell or "—" for cell in cells)))
    output.table(HEADER, rows)
    for each in found:
        if each["built_by"]:
            output.say(f"{each['name']} is being built by {each['built_by']}")
    return 0


def build(args: argparse.Namespace, output: Output) -> int:
    """Build bases, several at the same time."""
    context = CliContext(args, output)
    book = recipe_book(context)
    names = list(dict.fromkeys([*args.bases, *(each.name for each in book.configured if args.all)]))
    if not names:
        raise Invalid("cannot build bases: no base is named. Name one, or use --all for all that are configured")
    for name in names:
        book.get(name)
        builder.reject_release(context.pixels, name)
    with output.progress(f"Building {', '.join(names)}...") as progress:

        def build_one(name: str) -> dict[str, t.Any]:
            return build_base(context, book, name, rebuild=args.rebuild, say=progress.update)

        def build_all() -> list[dict[str, t.Any]]:
            with ThreadPoolExecutor(max_workers=BUILDS_AT_ONCE) as pool:
                return list(pool.map(build_one, names))

        try:
            built = lifecycle_verbs.run_interruptibly(build_all)
        except KeyboardInterrupt:
            progress.make_room()
            output.error(
                "Interrupted. What is unfinished remains on the NAS until the next build on this machine, or: "
                f"{arguments.command_for_same_nas(args)} bases delete {' '.join(names)}"
            )
            output_of.exit_immediately()
    if output.json:
        output.print_json([{name: value for name, value in each.items() if name != "exception"} for each in built])
    for each in built:
        if "error" in each:
            output.report(each["exception"])
        elif each["changed"]:
            output.say(f"Built {each['name']} ({each['version']}) in {each['seconds']:.1f}s")
        else:
            output.say(f"{each['name']} is up to date ({each['version']})")
    return output_of.FAILED if any("error" in each for each in built) else 0


def build_base(
    context: CliContext, book: RecipeBook, name: str, *, rebuild: bool, say: t.Callable[[str], None]
) -> dict[str, t.Any]:
    """Build one base, and return its result."""
    pixels, began = context.pixels, time.monotonic()
    options = builder.BuildOptions(apply=ApplyOptions(ssh_port=context.ssh.port), say=say)
    try:
        before = {each.name for each in pixels.list()}
        made = builder.ensure(pixels, book, name, rebuild=rebuild, options=options)
    except PixelsError as error:
        return {"name": name, "changed": False, "error": output_of.failure(error), "exception": error}
    version = made.name.bare if made else None
    changed = made is not None and made.name not in before
    return {"name": name, "changed": changed, "version": version, "seconds": round(time.monotonic() - began, 1)}


def delete(args: argparse.Namespace, output: Output) -> int:
    """Destroy all versions of bases, after a confirmation."""
    context = CliContext(args, output)
    pixels = context.pixels
    errors: list[PixelsError] = []
    planned = {}
    for name in dict.fromkeys(args.bases):
        try:
            planned[name] = remover.plan(pixels, name, clones=args.clones)
            if not planned[name]:
                raise NotFound(f"there is no base named {name} on {pixels.nas}")
        except PixelsError as error:
            errors.append(error)
    existing = {name: removals for name, removals in planned.items() if removals}
    if existing and not args.force:
        answer = output.ask(f"Destroy the {'base' if len(existing) == 1 else 'bases'} {', '.join(existing)}? [y/N] ")
        if not answer:
            output.error("Aborted: no confirmation (use --force to skip it)")
            return output_of.FAILED
        if answer.strip().lower() not in ("y", "yes"):
            output.say("Aborted.")
            return 0
    deleted = []
    for name, removals in existing.items():
        try:
            remover.apply(
                pixels,
                # Others may have cloned the base while the question was open.
                removals if args.force else remover.plan(pixels, name, clones=args.clones),
                options=ApplyOptions(ssh_port=context.ssh.port),
                deadline=Deadline(DELETE_TIMEOUT_S),
            )
        except PixelsError as error:
            errors.append(error)
        else:
            deleted.append(name)
            output.say(f"Destroyed the base {name}")
    if output.json:
        output.print_json({"deleted": deleted, "errors": [output_of.failure(each) for each in errors]})
    for each in errors:
        output.report(each)
    return output_of.FAILED if errors else 0
