# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build a new version of a base beside the earlier one, and remove what is no longer needed.

1. The container is created from an image, or cloned from the base below, with a lock in its metadata.
2. If its recipe requires that, it is started, restricted, provisioned, set up and stopped.
3. Its checkpoint `ready` is taken.
4. The lock is removed. From then on it is the newest version, and the next clones come from it.
5. Earlier versions from which no pixel was cloned are destroyed.

A failure up to step 4 destroys the new version; what remains of an interrupted build is destroyed by the next one.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api import hint as hints
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    JobAborted,
    PixelsError,
    Refused,
    TimedOut,
    Unsupported,
    may_still_happen,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.bases import lock, planner
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import checkpoints
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import Origin
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import (
    applier,
    defaults,
    destroyer,
    network,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import (
    BaseVersion,
    CurrentState,
    PixelSpec,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import base_versions, lifetime
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import failure_report, readiness
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.bases.planner import BasePlan, Link
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.book import RecipeBook
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

CLEANUP_TIMEOUT_S = 60.0
"""Seconds for removing what a failed build has made, at least, even if the timeout of the task has expired."""

UPDATE_TIMEOUT_S = 60.0
LONGEST_PAUSE_S = 5.0
"""Between two looks at a version that another client builds."""

Say = t.Callable[[str], None]


@dataclass(frozen=True)
class BuildOptions:
    """How bases are built."""

    timeout_s: float = 3600.0
    apply: ApplyOptions = field(default_factory=ApplyOptions)
    hold: bool = False
    """Whether the version is left running and unfinished, for further tasks in it and `finish_held`."""
    say: Say = lambda _text: None
    """Shows the progress."""


def reject_release(pixels: Pixels, name: str) -> None:
    """Raise `Unsupported` for a NAS that cannot clone, which has no use for bases."""
    reason = pixels.containers.no_swap_reason
    if reason:
        raise Unsupported(f"cannot build the base {name} on {pixels.nas}: {reason}").with_hints(
            Hint.advice(
                f"declare it with [bases.{name}] in the configuration file, and create pixels from base:{name}: "
                "its recipe is applied to each of them"
            )
        )


def ensure(
    pixels: Pixels, book: RecipeBook, name: str, *, rebuild: bool = False, options: BuildOptions
) -> Container | None:
    """Build a base and those below it, the root first, as far as they differ from their recipes.

    Returns the newest version of the base, with `options.hold` the unfinished one. Another client that builds one of
    them is waited for.
    """
    deadline = Deadline(options.timeout_s)
    if options.hold:
        cancel_held(pixels, name, options=options)
    with trying(f"building the base {name} on {pixels.nas}"):
        while True:
            planned = planner.plan(pixels, book, name, pixels.list(), rebuild=rebuild)
            for each in planned.interrupted:
                remove_interrupted(pixels, each, options=options, deadline=deadline)
            link = planned.to_build
            if link is None:
                break
            if planned.in_progress:
                wait_for_other(pixels, planned.in_progress[0], options=options, deadline=deadline)
                continue
            built = build(pixels, planned, link, options=options, deadline=deadline)
            if built and link is planned.base:
                if options.hold:
                    return pixels.containers.find(built)
                rebuild = False
    with trying(f"the base {name} on {pixels.nas} is complete. Removing what it replaces"):
        finish(pixels, planned, options=options, deadline=deadline)
    return pixels.containers.find(planned.base.newest.name) if planned.base.newest else None


def find_held(listing: t.Iterable[Container], base: str) -> Container | None:
    """Return the unfinished version of a base that an earlier task of this play has begun; None if there is none."""
    for each in base_versions.versions(listing, base):
        held = lock.parse(each.metadata.building)
        if held and lock.is_of_parent(held):
            return each
    return None


def cancel_held(pixels: Pixels, name: str, *, options: BuildOptions) -> None:
    """Destroy the version that an earlier task has begun, if any."""
    held = find_held(pixels.list(), name)
    if held:
        with trying(f"cancelling the build of the base {name} on {pixels.nas}"):
            destroy(pixels, held, options=options, deadline=Deadline(options.timeout_s))


def finish_held(pixels: Pixels, book: RecipeBook, name: str, *, options: BuildOptions) -> Container | None:
    """Stop and complete the version that an earlier task has begun, and remove what it replaces."""
    deadline = Deadline(options.timeout_s)
    with trying(f"building the base {name} on {pixels.nas}"):
        listing = pixels.list()
        held = find_held(listing, name)
        if held is None:
            raise Refused("this play has not begun to build it").with_hints(Hint.option("step", "begin"))
        if held.metadata.recipe != planner.plan(pixels, book, name, listing).base.digest:
            raise Refused("this play has begun to build it from another recipe").with_hints(
                Hint.advice("repeat the options of the step begin")
            )
        with failure_report.reporting_state(pixels, held.name):
            destroyer.stop_or_kill(pixels, held, options=options.apply, deadline=deadline)
            complete(pixels, held.name, deadline=deadline)
    return ensure(pixels, book, name, options=replace(options, hold=False))


def finish(pixels: Pixels, planned: BasePlan, *, options: BuildOptions, deadline: Deadline) -> None:
    """Update the description of a base that is complete, and destroy the earlier versions without clones."""
    newest = planned.base.newest
    if newest and planned.changes_description:
        metadata = replace(newest.metadata, description=planned.base.recipe.description or None)
        update(pixels, newest, metadata)
    for each in planned.superseded:
        options.say(f"{each.metadata.base}: removing {each.name.bare}")
        destroy(pixels, each, options=options, deadline=deadline)


def update(pixels: Pixels, container: Container, metadata: t.Any) -> None:
    """Replace the metadata of a version."""
    with (
        failure_report.reporting_state(pixels, container.name),
        trying(f"changing {container.name.bare} on {pixels.nas}"),
    ):
        settings = {"environment": container.environment, "metadata": metadata}
        pixels.containers.update(container.name, settings, timeout=UPDATE_TIMEOUT_S)


def destroy(pixels: Pixels, version: Container, *, options: BuildOptions, deadline: Deadline) -> None:
    """Destroy a version of a base. Raises `Refused` if pixels were cloned from it."""
    with failure_report.reporting_state(pixels, version.name):
        found = checkpoints_of(pixels, version)
        clones = destroyer.dependents(found.checkpoints)
        if clones:
            raise Refused(f"{version.name.bare} was not destroyed: these were cloned from it: {', '.join(clones)}")
        destroyer.destroy(pixels, found, clones="refuse", options=options.apply, deadline=deadline)


def checkpoints_of(pixels: Pixels, version: Container) -> CurrentState:
    """Return a version as the destroyer needs it. The dataset of an unfinished clone is that of another container."""
    found = () if version.metadata.cloning else destroyer.checkpoints_destroyed_with(pixels, version)
    return CurrentState(pixels.settled(version) or version, checkpoints=found)


def remove_interrupted(pixels: Pixels, version: Container, *, options: BuildOptions, deadline: Deadline) -> None:
    """Destroy what an interrupted build left."""
    held = lock.parse(version.metadata.building)
    by = f" by {held.description}" if held else ""
    pixels.warn(f"removing {version.name.bare} on {pixels.nas}: its build{by} was interrupted")
    destroy(pixels, version, options=options, deadline=deadline)


def wait_for_other(pixels: Pixels, version: Container, *, options: BuildOptions, deadline: Deadline) -> None:
    """Wait until another client has built a version, or has given up. Raises `TimedOut`."""
    held = lock.parse(version.metadata.building)
    by = held.description if held else "another client"
    options.say(f"{version.metadata.base}: waiting for {by}, which builds {version.name.bare}")

    def has_ended() -> bool | None:
        found = pixels.containers.find(version.name)
        if found is None or found.metadata.building != version.metadata.building:
            return True
        return planner.is_interrupted(pixels, found) or None

    if deadline.wait_until(has_ended, longest=LONGEST_PAUSE_S) is None:
        until = f", at the latest until {lifetime.format_time(held.until)}" if held else ""
        raise TimedOut(
            f"{by} is building {version.name.bare}{until}, and was not done after {deadline.seconds:g} s"
        ).with_hints(Hint.run_again("later"), Hint.state("absent", version.name.bare, "if that build has ended"))


def build(
    pixels: Pixels, planned: BasePlan, link: Link, *, options: BuildOptions, deadline: Deadline
) -> PixelName | None:
    """Build a version of a base, and return its name; None if another client has begun to build it just before."""
    recipe = link.recipe
    name = base_versions.next_name(planned.listing, recipe.name)
    hold = options.hold and link is planned.base
    held = lock.acquire(pixels.now, deadline.left, of_parent=hold)
    version = BaseVersion(recipe.name, link.digest, str(held), recipe.description or None)
    try:
        with failure_report.reporting_state(pixels, name):
            try:
                options.say(f"{recipe.name}: creating {name.bare}")
                create(pixels, planned, link, name, version, deadline=deadline)
            except PixelsError as error:
                made = find_calmly(pixels, name, error)
                if made and made.metadata.building != version.building:
                    return None
                clean_up(pixels, name, version, error, options=options, deadline=deadline)
                raise
            try:
                set_up(pixels, link, name, options=options, deadline=deadline, hold=hold)
                if not hold:
                    complete(pixels, name, deadline=deadline)
            except BaseException as error:
                clean_up(pixels, name, version, error, options=options, deadline=deadline)
                raise
    finally:
        lock.release(held)
    return name


def create(
    pixels: Pixels, planned: BasePlan, link: Link, name: PixelName, version: BaseVersion, *, deadline: Deadline
) -> None:
    """Create the container of a version, stopped."""
    recipe = link.recipe
    origin = None
    if recipe.source:
        below = base_versions.newest(planned.listing, recipe.source)
        if below is None:
            raise Refused(f"the base {recipe.source} was destroyed meanwhile").with_hints(Hint.run_again())
        origin = Origin(below.name, base_versions.READY)
    spec = spec_of(link, name, version, origin)
    spec = defaults.resolve_defaults(pixels, spec, None, default_nic=lambda: network.detect_nic(pixels, pixels.warn))
    applier.create(pixels, spec, deadline=deadline)


def spec_of(link: Link, name: PixelName, version: BaseVersion | None, origin: Origin | None) -> PixelSpec:
    """Return the specification of a version."""
    recipe = link.recipe
    return PixelSpec(
        name,
        image=recipe.image,
        origin=origin,
        autostart=False,
        provision=recipe.provision,
        egress=recipe.egress,
        version=version,
    )


def set_up(
    pixels: Pixels, link: Link, name: PixelName, *, options: BuildOptions, deadline: Deadline, hold: bool = False
) -> None:
    """Start a version, set it up as its recipe says, and stop it, unless `hold` leaves it running."""
    recipe = link.recipe
    made = pixels.get(name)
    if not (recipe.runs or hold):
        return
    start(pixels, link, made, options=options, deadline=deadline)
    if recipe.setup:
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes import setup_script

        options.say(f"{recipe.name}: running the setup script in {name.bare}")
        setup_script.run(pixels, name, recipe.setup, step=setup_script.step_of(recipe.name), timeout=deadline.left)
    if hold:
        return
    options.say(f"{recipe.name}: stopping {name.bare}")
    destroyer.stop_or_kill(pixels, pixels.get(name), options=options.apply, deadline=deadline)


def start(pixels: Pixels, link: Link, made: Container, *, options: BuildOptions, deadline: Deadline) -> None:
    """Start a version, restrict it, wait until it has booted and has an address, and provision it."""
    name = made.name
    spec = replace(spec_of(link, name, None, None), provision=link.recipe.provision)
    with trying(f"starting {name.bare} on {pixels.nas}"):
        pixels.containers.start(name, timeout=deadline.left)
    # Before anything else: the pixel is on the network.
    applier.restrict(pixels, spec, recorded=made.metadata.egress, is_new=True)
    # As for other new pixels: without this, the next start would be the first one to Incus.
    pixels.containers.rewrite_record(name, timeout=deadline.left)
    for step in ("address", "ready"):
        readiness.wait_for(pixels, name, step, deadline=deadline, ssh_port=options.apply.ssh_port)
    if spec.provision:
        options.say(f"{link.recipe.name}: provisioning {name.bare}")
        base = link.recipe.name
        applier.provision(
            *(pixels, spec),
            options=options.apply,
            deadline=deadline,
            progress=lambda step: options.say(f"{base}: {step.description}"),
        )


def complete(pixels: Pixels, name: PixelName, *, deadline: Deadline) -> None:
    """Take the checkpoint, and then make the version the newest one."""
    made = pixels.get(name)
    checkpoints.take(pixels, made, base_versions.READY)
    metadata = replace(made.metadata, building=None)
    with trying(f"completing {name.bare} on {pixels.nas}"):
        settings = {"environment": made.environment, "metadata": metadata}
        pixels.containers.update(name, settings, timeout=max(deadline.left, UPDATE_TIMEOUT_S))


def find_calmly(pixels: Pixels, name: PixelName, error: PixelsError) -> Container | None:
    """Return a container after an error; None if it does not exist. If it cannot be read, add that to the error."""
    try:
        return pixels.containers.find(name)
    except PixelsError as another:
        error.add_suffix(f"Then {name.bare} could not be read: {another.message}")
        return None


def clean_up(
    pixels: Pixels,
    name: PixelName,
    version: BaseVersion,
    error: BaseException,
    *,
    options: BuildOptions,
    deadline: Deadline,
) -> None:
    """After a failure, destroy the new version. If that fails too, add it to the error."""
    try:
        found = pixels.containers.find(name)
        if found and found.metadata.building == version.building:
            time_left = Deadline(max(deadline.left, CLEANUP_TIMEOUT_S))
            state = checkpoints_of(pixels, found)
            destroyer.destroy(pixels, state, clones="refuse", options=options.apply, deadline=time_left)
    except PixelsError as another:
        if isinstance(error, PixelsError):
            error.add_suffix(f"Removing what had been created failed as well: {another.message}")
    if isinstance(error, PixelsError):
        causes = [each for each in error.hints if each.kind not in (hints.RUN_AGAIN, hints.STATE)]
        passing = may_still_happen(error) or isinstance(error, (ConnectionFailed, JobAborted))
        again = Hint.run_again("to build it again") if passing else failure_report.REMOVE_THE_CAUSE
        error.hints = (*causes, again)
