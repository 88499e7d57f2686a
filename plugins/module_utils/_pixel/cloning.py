# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new pixel from a checkpoint of another one, in the time of a ZFS clone.

TrueNAS makes containers from images only, so a clone is made in two halves that are joined at the end:

1. the checkpoint is cloned to a dataset beside C(.ix-virt), which the NAS mounts by itself; nobody runs it, so its
   hostname, machine-id and SSH host keys are replaced before it ever meets a network;
2. a container is made from the image of the source, stopped, with a note that it is not finished;
3. its dataset is set aside, the clone is renamed into its place, and only then the one set aside is destroyed;
4. the note goes, which lets Incus write its own record of the container into the clone.

Whatever fails, nothing of it has ever run, so all of it can be taken back; what could not be taken back is found by the
note and the names, and the next run begins with that, once it is sure that nobody is at work on it.
"""

from __future__ import annotations

import re
import secrets
import threading
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    NotFound,
    PixelsError,
    Refused,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import (
    checkpoints,
    host_keys,
    identity,
    mending,
    names,
    whereabouts,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import Rootfs, Seen
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.trying import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import datasets, files

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import (
        Container,
        NewContainer,
        Nic,
        OnProgress,
    )

GRACE = 20.0
"""Seconds in which somebody who makes a clone right now comes on; what stays as it is for so long was left."""

LEAST = 60.0
"""Seconds there are to remove it, even when the time for the task is used up."""

SPECIFICATION = re.compile(r"(?P<name>[^@:]+)(?:[@:](?P<label>.+))?", re.DOTALL)


@dataclass(frozen=True)
class Origin:
    """What a clone is made from, as the user says it."""

    name: str
    """Full name of the source."""
    label: str | None = None
    """None is its present state."""

    def __str__(self) -> str:
        bare = names.bare_name(self.name)
        return f"{bare}@{self.label}" if self.label else bare


@dataclass(frozen=True)
class Source:
    """What a clone is made from, as it was found."""

    container: Container
    snapshot_id: str | None
    """None where the snapshot has yet to be taken."""
    label: str
    seen: Seen = field(default_factory=Seen, compare=False, repr=False)
    """In the files of its clones, which are the same in all of them: a snapshot that has clones cannot be replaced."""


class Sources:
    """What is cloned from, looked at once however many clones are made of it; safe to use from several threads."""

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        self._alone: dict[Origin, threading.Lock] = {}
        self._found: dict[Origin, tuple[Source, Nic | None]] = {}

    def find(self, origin: Origin, target: str) -> tuple[Source, Nic | None]:
        """What is to be cloned, with the network card of its pixel. Raises as C(find_source) does."""
        with self._alone.setdefault(origin, threading.Lock()):
            found = self._found.get(origin)
            if found is None or origin.name == target:
                source = find_source(self._pixels, origin, target)
                found = source, self._pixels.containers.nic(source.container.name)
                if source.snapshot_id is not None:
                    # Of its present state each clone has a snapshot of its own.
                    self._found[origin] = found
            return found


def parse(text: str) -> Origin:
    """C(base), C(base@label) or, as upstream writes it, C(base:label). Raises C(Invalid)."""
    found = SPECIFICATION.fullmatch(text)
    if found is None:
        problem = "write base, base@label or base:label"
        raise Invalid(f"{text!r} names nothing to clone from: {problem}", fields=(("from", problem),))
    return Origin(names.full_name(found["name"]), found["label"])


def find_source(pixels: Pixels, origin: Origin, target: str) -> Source:
    """What is to be cloned. Raises C(NotFound) for a pixel or a checkpoint that is not there."""
    if origin.name == target:
        raise Invalid(f"{names.bare_name(target)} cannot be cloned from itself", fields=(("from", "itself"),))
    with trying(f"cloning {names.bare_name(target)} from {origin}"):
        container = pixels.get(origin.name)
        if container.marks.cloning:
            raise Refused(f"{names.bare_name(origin.name)} is itself an unfinished clone of {container.marks.cloning}")
        if origin.label is not None:
            picked = checkpoints.pick(pixels, container, checkpoints.of(pixels, container), origin.label)
            return Source(container, picked.snapshot.id, origin.label)
        return Source(container, None, checkpoints.CLONE_ORIGIN + names.bare_name(target))


def is_from(container: Container, origin: Origin) -> bool:
    """Whether a pixel was cloned from there; from which of the checkpoints matters where one is named."""
    name, _at, label = (container.marks.origin or "").partition("@")
    return name == names.bare_name(origin.name) and origin.label in (None, label)


def image_of(container: Container) -> str | None:
    """An alias of the image a container was made from; TrueNAS keeps only what the image says of itself."""
    image = container.image
    if not image.os or not image.release:
        return None
    alias = f"{image.os}/{image.release}".lower()
    return f"{alias}/{image.variant}" if image.variant and image.variant != "default" else alias


@dataclass(frozen=True)
class Places:
    """The datasets a clone passes through. Two that make the same clone have only its home in common."""

    home: str
    """Where it lives in the end."""
    token: str
    """Who makes it."""

    @property
    def all_staged(self) -> str:
        """How the names of all begin that are on their way to this home."""
        pool, name = self.home.partition("/")[0], self.home.rpartition("/")[2]
        return f"{pool}/.pixels-{name}."

    @property
    def staged(self) -> str:
        return f"{self.all_staged}{self.token}"

    @property
    def all_unused(self) -> str:
        """The same of what was made from an image, and set aside for a clone."""
        return whereabouts.set_aside_as(self.home, "unused-")

    @property
    def unused(self) -> str:
        return f"{self.all_unused}{self.token}"

    @property
    def mounted(self) -> str:
        return f"/mnt/{self.staged}"


def places(dataset: str, name: str) -> Places:
    """For the clone C(name) of a container that lives in C(dataset); a clone cannot leave the pool."""
    return Places(f"{dataset.rpartition('/')[0]}/{name}", secrets.token_hex(4))


def clone(
    pixels: Pixels, source: Source, new: NewContainer, *, deadline: Deadline, progress: OnProgress | None = None
) -> None:
    """Make the container, stopped. What fails is taken back, or told."""
    bare = names.bare_name(new.name)
    origin = f"{names.bare_name(source.container.name)}@{source.label}"
    where = places(whereabouts.dataset_of(pixels, source.container), new.name)
    with trying(f"cloning {bare} from {origin} on {pixels.nas}"):
        clear(pixels, new.name, where, deadline=deadline)
        taken: str | None = None
        try:
            if source.snapshot_id is None:
                mending.mend(pixels, source.container)
                taken = take_origin(pixels, source)
                origin = f"{names.bare_name(source.container.name)}@{taken}"
            snapshot_id = source.snapshot_id or f"{whereabouts.dataset_of(pixels, source.container)}@{taken}"
            pixels.snapshots.clone(snapshot_id, where.staged)
            keys = renew(pixels, source, new.name, where)
            unfinished = replace(new, marks=replace(new.marks, cloning=origin, run=where.token))
            pixels.containers.create(unfinished, timeout=deadline.left, progress=progress)
            change_places(pixels, new.name, where)
            finish(pixels, new, origin, deadline=deadline)
        except PixelsError as error:
            # Without a clone of it the snapshot could be taken anew, with links where there were files.
            source.seen.forget()
            take_back(pixels, source, taken, new.name, where, error, deadline=deadline)
            raise
    alias = host_keys.alias(new.name, pixels.nas)
    for each in keys:
        pixels.host_keys.pin(alias, each.kind, each.key)


def take_origin(pixels: Pixels, source: Source) -> str:
    """A snapshot of the source as it is now, under a name that says what for; returns its label."""
    dataset = whereabouts.dataset_of(pixels, source.container)
    stale = pixels.snapshots.find(dataset, source.label)
    if stale and is_spare_origin(stale.properties) and not stale.clones and not stale.holds:
        # Of an earlier clone of that name: it shows the source as it was then.
        pixels.snapshots.delete(stale.id)
    return checkpoints.take(pixels, source.container, source.label, purpose=checkpoints.CLONE, exact=False)


def is_spare_origin(properties: t.Mapping[str, str]) -> bool:
    """Whether a snapshot was taken for one clone only, and is of no use without it."""
    return properties.get(checkpoints.MADE_BY) == checkpoints.US and (
        properties.get(checkpoints.PURPOSE) == checkpoints.CLONE
    )


def renew(pixels: Pixels, source: Source, name: str, where: Places) -> list[identity.PublicKey]:
    """An identity of its own for the clone, before anything runs in it."""
    path = f"{where.mounted}/rootfs"
    found = files.stat(pixels.wire, path)
    if found is None:
        raise Refused(f"the clone is not mounted at {where.mounted}, so it cannot be given a name and keys of its own")
    if found.uid != 0:
        # Incus shifted the ids in the files, and would do so again for a container it takes for new.
        raise Unsupported(
            f"the files in the checkpoint belong to the shifted user {found.uid}: this NAS cannot map ids at the "
            "mount, and Incus would shift those of a clone twice"
        )
    return identity.renew(Rootfs(pixels, name, path, seen=source.seen), name)


def change_places(pixels: Pixels, name: str, where: Places) -> None:
    """The clone for the container's own dataset, which goes only when the clone is there."""
    made = pixels.containers.find(name)
    if made is None or made.marks.run != where.token:
        raise Refused("somebody else has begun to make it anew")
    datasets.rename(pixels.wire, where.home, where.unused)
    datasets.rename(pixels.wire, where.staged, where.home)
    datasets.delete(pixels.wire, where.unused)


def finish(pixels: Pixels, new: NewContainer, origin: str, *, deadline: Deadline) -> None:
    """Note that it is whole. Any update has Incus write its record of the container into the dataset, too."""
    settings = {"environment": new.environment, "marks": replace(new.marks, origin=origin)}
    pixels.containers.update(new.name, settings, timeout=deadline.left)


def take_back(
    pixels: Pixels,
    source: Source,
    taken: str | None,
    name: str,
    where: Places,
    error: PixelsError,
    *,
    deadline: Deadline,
) -> None:
    """After a failure: leave nothing, or say in the error what is left."""
    try:
        if datasets.exists(pixels.wire, where.staged):
            datasets.delete(pixels.wire, where.staged)
        made = pixels.containers.find(name)
        if made and made.marks.run == where.token:
            remove(pixels, made, where.unused, deadline=deadline)
        drop_origin(pixels, source.container, taken or (None if source.snapshot_id else source.label))
    except PixelsError as another:
        told = f"{error}. Taking back what had been done failed as well: {another}"
        way_out = "Run this again to go on, or remove what is left with state absent"
        error.args = (f"{told}. {way_out}", *error.args[1:])


def clear(pixels: Pixels, name: str, where: Places, *, deadline: Deadline) -> None:
    """Remove what an unfinished clone of that name left; C(Refused) for one that is being made, or was started."""

    def look() -> tuple[tuple[str, ...], Container | None]:
        # Asked in a way that takes the right to remove it: who lacks that fails here, before anything is made.
        staged = datasets.starting_with(pixels.wire, where.all_staged)
        return tuple(each.name for each in staged), pixels.containers.find(name)

    staged, left = found = look()
    if left:
        refuse_what_is_not_unfinished(pixels, left)
    if not staged and not left:
        return
    if Deadline(min(GRACE, deadline.left)).wait_until(lambda: look() != found or None):
        raise Refused(f"somebody else is making {names.bare_name(name)} right now: run this again in a moment")
    for each in staged:
        datasets.delete(pixels.wire, each)
    if left:
        for unused in datasets.starting_with(pixels.wire, where.all_unused):
            datasets.delete(pixels.wire, unused.name)
        pixels.containers.delete(name, timeout=max(deadline.left, LEAST))


def remove(pixels: Pixels, unfinished: Container, unused: str, *, deadline: Deadline) -> None:
    pixels.containers.delete(unfinished.name, timeout=max(deadline.left, LEAST))
    datasets.delete(pixels.wire, unused)


def refuse_what_is_not_unfinished(pixels: Pixels, container: Container) -> None:
    bare = names.bare_name(container.name)
    if not container.marks.cloning:
        raise Refused(f"there is a pixel {bare} on {pixels.nas} by now, which this did not make: it stays as it is")
    if container.status != "stopped":
        raise Refused(
            f"{bare} on {pixels.nas} is an unfinished clone of {container.marks.cloning} that somebody started "
            f"({container.status}): keep what is needed from it, and remove it with state absent"
        )


def drop_origin(pixels: Pixels, source: Container, label: str | None) -> None:
    """Delete the snapshot that was taken for a clone that is gone; any other stays."""
    if label is None or not label.startswith(checkpoints.CLONE_ORIGIN):
        return
    found = pixels.snapshots.find(whereabouts.dataset_of(pixels, source), label)
    if found and is_spare_origin(found.properties) and not found.clones and not found.holds:
        try:
            pixels.snapshots.delete(found.id)
        except NotFound:
            return


def sweep(pixels: Pixels, gone: Container) -> None:
    """After a pixel was destroyed: what only its being a clone had left behind."""
    made_from = gone.marks.origin or gone.marks.cloning
    if made_from is None:
        return
    if gone.marks.cloning:
        where = places(whereabouts.dataset_of(pixels, gone), gone.name)
        for each in datasets.starting_with(pixels.wire, where.all_staged):
            datasets.delete(pixels.wire, each.name)
    name, _at, label = made_from.partition("@")
    source = pixels.containers.find(names.full_name(name))
    if source:
        drop_origin(pixels, source, label)
