# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of a clone: the pixel and the checkpoint that its files come from."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, NotFound, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import checkpoints
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.single_flight import SingleFlight
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import base_versions
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.rootfs import ReadCache
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Nic


SPECIFICATION = re.compile(r"(?P<name>[^@:]+)(?:[@:](?P<label>.+))?", re.DOTALL)


@dataclass(frozen=True)
class Origin:
    """The source of a clone as the user specifies it."""

    name: PixelName
    """Full name of the source."""
    label: str | None = None
    """None is its current state."""
    base: str | None = None
    """The base whose newest version is the source; `name` and `label` do not matter then."""

    def __str__(self) -> str:
        if self.base:
            return f"{base_versions.PREFIX_IN_ORIGIN}{self.base}"
        return f"{self.name.bare}@{self.label}" if self.label else self.name.bare


@dataclass(frozen=True)
class Source:
    """The source of a clone as found on the NAS."""

    container: Container
    snapshot_id: str | None
    """None if the snapshot is not taken yet."""
    label: str
    files: ReadCache = field(default_factory=ReadCache, compare=False, repr=False)
    """Reads of files in its clones, which are equal in all: ZFS cannot replace a snapshot that has clones."""


class SourceCache:
    """The sources of several clones, each read once. Several threads can use it."""

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        self._found: SingleFlight[Origin, tuple[Source, Nic | None]] = SingleFlight()

    def find(self, origin: Origin, target: PixelName) -> tuple[Source, Nic | None]:
        """Return a source with the network interface of its pixel. Raises the errors of `find_source`."""
        if origin.name == target:
            raise cloned_from_itself(target)

        def read_sources() -> tuple[Source, Nic | None]:
            source = find_source(self._pixels, origin, target)
            return source, self._pixels.containers.nic(source.container.name)

        # Each clone of the current state has a snapshot of its own.
        return self._found.get(origin, read_sources, keep=lambda found: found[0].snapshot_id is not None)


def parse_origin(text: str) -> Origin:
    """Parse `web`, `web@label`, the notation of upstream pixels, `web:label`, or `base:NAME`. Raises `Invalid`."""
    if text.startswith(base_versions.PREFIX_IN_ORIGIN):
        base = base_versions.check_name("from", text.removeprefix(base_versions.PREFIX_IN_ORIGIN))
        return Origin(PixelName(), base=base)
    found = SPECIFICATION.fullmatch(text)
    if found is None:
        problem = "write NAME, NAME@LABEL or base:NAME"
        raise Invalid.in_field("from", f"invalid source {text!r}", problem)
    return Origin(PixelName.parse(found["name"]), found["label"])


def find_source(pixels: Pixels, origin: Origin, target: PixelName) -> Source:
    """Return the source of a clone. Raises `NotFound` for a pixel or a checkpoint that does not exist."""
    if origin.name == target:
        raise cloned_from_itself(target)
    with trying(f"cloning {target.bare} from {origin}"):
        if origin.base:
            newest = base_versions.newest(pixels.list(), origin.base)
            if newest is None:
                raise missing_base(pixels, origin.base)
            origin = Origin(newest.name, base_versions.READY)
        container = pixels.get(origin.name)
        if container.metadata.cloning:
            bare = origin.name.bare
            raise Refused(f"{bare} is itself an unfinished clone of {container.metadata.cloning}. Finish it first")
        if origin.label is not None:
            picked = checkpoints.get_checkpoint(
                pixels, container, checkpoints.list_checkpoints(pixels, container), origin.label
            )
            return Source(container, picked.snapshot.id, origin.label)
        return Source(container, None, checkpoints.CLONE_ORIGIN + target.bare)


def missing_base(pixels: Pixels, base: str) -> NotFound:
    """Return the error for a base that has no complete version."""
    return NotFound(f"there is no base named {base} on {pixels.nas}").with_hints(
        Hint.advice(f"build it with pixels_base or pixels bases build {base}"),
        Hint.option("from", f"base@{base}", "to clone a checkpoint of the pixel base"),
    )


def cloned_from_itself(target: PixelName) -> Invalid:
    """Return the error for a clone whose source is the clone itself."""
    return Invalid(f"{target.bare} cannot be cloned from itself", fields=(("from", "itself"),))


def is_clone_of(container: Container, origin: Origin) -> bool:
    """Return whether a pixel was cloned from a source; the checkpoint matters only if the source names one."""
    recorded = recorded_origin(container.metadata.origin)
    if recorded and origin.base:
        # A clone of an earlier version keeps its files.
        return origin.base in (recorded.base, base_versions.base_of(recorded.name))
    return recorded is not None and recorded.name == origin.name and origin.label in (None, recorded.label)


def recorded_origin(text: str | None) -> Origin | None:
    """Return the source in the metadata of a clone; None for a pixel that is no clone, and for an invalid text."""
    try:
        return parse_origin(text or "")
    except Invalid:
        return None


def image_alias(container: Container) -> str | None:
    """Return an alias of the image of a container, from the properties of the image that TrueNAS keeps."""
    image = container.image
    if not image.os or not image.release:
        return None
    alias = f"{image.os}/{image.release}".lower()
    return f"{alias}/{image.variant}" if image.variant and image.variant != "default" else alias
