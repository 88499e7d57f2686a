# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the current state of a pixel and compare it with its specification."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import checkpoints
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import is_clone_of
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import destroyer, device_changes
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import (
    METADATA_FIELDS,
    RUNNING_STATES,
    SETTINGS,
    CurrentState,
    display_value,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import image_match
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import provisioner

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import PixelSpec
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container


class Immutable(Unsupported):
    """A difference from an existing pixel that cannot be changed: the pixel would have to be replaced."""


def find(pixels: Pixels, spec: PixelSpec) -> CurrentState | None:
    """Return the current state of a pixel as far as the plan depends on it; None if it does not exist."""
    container = pixels.containers.find(spec.name)
    return inspect(pixels, spec, container) if container else None


def inspect(pixels: Pixels, spec: PixelSpec, container: Container) -> CurrentState | None:
    """Read what the plan depends on and the record of the container does not contain."""
    settled = pixels.settled(container)
    if settled is None:
        return None
    container = settled
    if spec.state == "absent":
        destroyed = destroyer.checkpoints_destroyed_with(pixels, container)
        clones = destroyer.dependents(destroyed, without=spec.also_destroyed)
        if pixels.containers.no_swap_reason:
            destroyer.reject_clones(pixels, container, clones, policy=spec.clones)
        promoting = spec.clones == "promote"
        if promoting and clones:
            refused = f"{container.name.bare} on {pixels.nas} was not destroyed, and nothing was changed"
            checkpoints.reject_tracked(pixels, container, destroyed, refused)
        labels = destroyer.labels_of_clones(pixels, destroyed) if promoting else {}
        return CurrentState(container, checkpoints=destroyed, labels_of_clones=labels)
    if spec.origin and container.metadata.cloning and container.status == "stopped":
        # An unfinished clone, in which no process has ever run, is created again.
        return None
    nic = pixels.containers.nic(spec.name) if spec.nic else None
    provisioned = None
    if spec.provision and container.running:
        provisioned = provisioner.is_complete(pixels, spec.name, spec.provision)
    egress = None
    if spec.egress and container.running:
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import record

        egress = record.inspect(pixels, container)
    found = CurrentState(container, nic, provisioned=provisioned, egress=egress)
    if spec.devices is None:
        return found
    devices = pixels.containers.devices
    return replace(found, devices=devices.list(spec.name), has_live_devices=devices.is_live)


def plan(found: CurrentState | None, spec: PixelSpec) -> Change:
    """Compare the current state with the specification. What the specification leaves open is unchanged.

    Raises `Unsupported` for differences that TrueNAS cannot change on an existing container.
    """
    before = describe(found, spec) if found else None
    if spec.state == "absent":
        if found:
            destroyer.reject_destroy(found, spec)
        return Change(before, None)
    if found:
        reject_immutable_changes(found.container, spec)

    after: dict[str, t.Any] = {"status": "stopped", **(before or {})}
    for name in SETTINGS + METADATA_FIELDS:
        value = getattr(spec, name)
        if value is not None:
            after[name] = display_value(name, value)
    if spec.nic:
        after["nic"] = display_value("nic", spec.nic)
    after.pop("unfinished", None)
    if spec.state != "present" or after["status"] == "running":
        after.pop("stopped_by", None)
    if spec.state != "present":
        after["status"] = "running" if spec.state in RUNNING_STATES else "stopped"
    after |= {name: True for name, wanted in (("provisioned", spec.provision), ("set_up", spec.setup)) if wanted}
    device_changes.plan(found, spec, before, after)
    plan_egress(found, spec, before, after)
    if found is None:
        after["image"] = spec.image
        after["storage_pool"] = spec.pool
        if spec.origin:
            after["from"] = str(spec.origin)
    return Change(before, after, always=spec.state == "restarted")


def plan_egress(
    found: CurrentState | None, spec: PixelSpec, before: dict[str, t.Any] | None, after: dict[str, t.Any]
) -> None:
    """Add the egress policy to what is compared. Raises `Unsupported` where a stopped pixel would need another one."""
    if spec.egress is None:
        return
    if found and found.egress:
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import record

        change = record.plan(found.container, found.egress, spec.egress)
        was, then = dict(change.before or {}), dict(change.after or {})
    else:
        then = spec.egress.as_dict()
        if found and spec.egress.is_recorded(found.container.metadata.egress):
            was = then
        else:
            was = {"mode": "unknown" if found and found.container.metadata.egress else "unrestricted"}
    if was != then and after["status"] != "running":
        bare = spec.name.bare
        raise Unsupported(
            f"the egress policy of {bare} cannot be changed while {bare} is {after['status']}"
        ).with_hints(Hint.state("started", bare))
    if before is not None:
        before["egress"] = was
    after["egress"] = then


def describe(found: CurrentState, spec: PixelSpec) -> dict[str, t.Any]:
    """Return the current state as the diff shows it."""
    container = found.container
    state: dict[str, t.Any] = {"status": container.status}
    state.update({name: display_value(name, getattr(container, name)) for name in SETTINGS})
    if container.metadata.pending:
        state[container.metadata.pending] = None
    if container.unfinished:
        state["unfinished"] = list(container.unfinished)
    if container.metadata.stopped_by:
        state["stopped_by"] = container.metadata.stopped_by
    # Only specified metadata: a diff of empty fields is noise.
    names = (name for name in METADATA_FIELDS if getattr(spec, name) is not None)
    state.update({name: display_value(name, getattr(container.metadata, name)) for name in names})
    if spec.nic:
        state["nic"] = display_value("nic", found.nic)
    if spec.provision and spec.state != "absent":
        state["provisioned"] = found.provisioned
    if spec.setup:
        state["set_up"] = False
    if spec.origin and spec.state != "absent":
        state["from"] = container.metadata.origin
    return state


def reject_immutable_changes(container: Container, spec: PixelSpec) -> None:
    """Raise `Unsupported` for another image, pool or source, and for a clone that is not finished."""
    bare = container.name.bare
    recreate = Hint.advice(f"destroy {bare} and create it again")
    if container.metadata.cloning:
        raise Unsupported(
            f"{bare} is an unfinished clone of {container.metadata.cloning} ({container.status})"
        ).with_hints(
            Hint.advice("destroy it"),
            Hint.option("from", container.metadata.cloning, "to finish it if it is stopped", pixel=bare),
        )
    if spec.origin and not is_clone_of(container, spec.origin):
        is_from = f"was cloned from {container.metadata.origin}" if container.metadata.origin else "is not a clone"
        raise Immutable(f"{bare} {is_from}, and cannot become a clone of {spec.origin}").with_hints(
            recreate, Hint.omit("from")
        )
    if spec.image and image_match.differs(container.image, spec.image, container.metadata.image):
        is_now = f"{container.image.os} {container.image.release}".strip().lower()
        raise Immutable(f"{bare} was made from {is_now}, and TrueNAS cannot change it to {spec.image}").with_hints(
            recreate, Hint.omit("image")
        )
    if spec.pool and container.pool and spec.pool != container.pool:
        raise Immutable(f"{bare} is on pool {container.pool}, and TrueNAS cannot move it to {spec.pool}").with_hints(
            recreate, Hint.omit("storage_pool")
        )
