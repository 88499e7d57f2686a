# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply a plan: create, change, start, stop, provision or destroy a pixel, and wait until it is ready."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api import hint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import recovery
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning import cloner
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import (
    base_recipes,
    destroyer,
    device_changes,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import (
    METADATA_FIELDS,
    RUNNING_STATES,
    SETTINGS,
    display_value,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import lifetime
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import provisioner
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import failure_report, quiesce, readiness
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions, with_stop_hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Metadata, NewContainer

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import CurrentState, PixelSpec
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, OnProgress


def apply_and_wait(
    pixels: Pixels,
    change: Change,
    found: CurrentState | None,
    spec: PixelSpec,
    *,
    options: ApplyOptions,
    deadline: Deadline,
) -> Container | None:
    """Apply a plan, wait as `options.wait` specifies, and return the container; None if it was destroyed."""
    if change.needed:
        apply(pixels, change, found, spec, options=options, deadline=deadline)
    return wait_for_state(pixels, change, found, spec, options=options, deadline=deadline)


def wait_for_state(
    pixels: Pixels,
    change: Change,
    found: CurrentState | None,
    spec: PixelSpec,
    *,
    options: ApplyOptions,
    deadline: Deadline,
) -> Container | None:
    """Wait as `options.wait` specifies for an applied plan, and return the container; None if it was destroyed."""
    known = found.container if found and not change.needed else None
    if change.after is None:
        return None
    if change.after["status"] != "running":
        return known or pixels.containers.find(spec.name)
    return readiness.wait_for(
        pixels, spec.name, options.wait, deadline=deadline, ssh_port=options.ssh_port, known=known
    )


def apply(
    pixels: Pixels,
    change: Change,
    found: CurrentState | None,
    spec: PixelSpec,
    *,
    options: ApplyOptions,
    deadline: Deadline,
    progress: OnProgress | None = None,
) -> None:
    """Change the NAS to `change.after`. Errors contain the current state of the pixel and a hint."""
    with failure_report.reporting_state(pixels, spec.name):
        if change.after is None:
            if found:
                destroyer.destroy(pixels, found, clones=spec.clones, options=options, deadline=deadline)
            return
        if found is None:
            create(pixels, spec, deadline=deadline, progress=progress)
            start_and_provision(pixels, spec, options=options, deadline=deadline, progress=progress)
            return
        apply_settings(pixels, change, found.container, spec, deadline=deadline)
        waits_for_stop = spec.state == "stopped" and device_changes.needs_stop(found)
        if change.touches("devices") and not waits_for_stop:
            device_changes.apply(pixels, spec, found)
        set_run_state(pixels, change, found.container, spec, options=options, deadline=deadline)
        if change.touches("devices") and waits_for_stop:
            device_changes.apply(pixels, spec, found)
        if found.container.metadata.stopped_by and "stopped_by" not in change.after:
            with trying(f"changing {spec.name.bare} on {pixels.nas}"):
                quiesce.record_stop(pixels, spec.name, None, timeout=deadline.left)
        if change.after["status"] == "running":
            # Where it was started, its files may be those of an earlier checkpoint.
            is_started = spec.state == "restarted" or not found.container.running
            restrict(pixels, spec, recorded=found.container.metadata.egress, is_new=is_started)
            provision(pixels, spec, options=options, deadline=deadline, progress=progress)
            base_recipes.set_up(pixels, spec, deadline=deadline)


def initial_metadata(spec: PixelSpec) -> Metadata:
    """Return the metadata that a container is created with."""
    metadata = Metadata(
        **(vars(spec.version) if spec.version else {}),
        # A clone has the files of its source. The image that its container is created from does not matter.
        image=spec.source.container.metadata.image if spec.source else spec.image,
        pending="autostart" if spec.autostart else None,
        egress=spec.egress.note if spec.egress else None,
    )
    return base_recipes.unfinished(spec, metadata) if spec.setup else metadata


def create(pixels: Pixels, spec: PixelSpec, *, deadline: Deadline, progress: OnProgress | None = None) -> None:
    """Create a stopped container. TrueNAS itself removes a container that it cannot finish."""
    new = NewContainer(
        name=spec.name,
        image=spec.image or pixels.defaults.image,
        cpu=spec.cpu,
        memory=spec.memory,
        environment=spec.environment or {},
        metadata=merged_metadata(pixels, spec, initial_metadata(spec)),
        pool=spec.pool,
        nic=spec.nic,
        devices=spec.devices or (),
    )
    # A new container of a known name is another machine: its host keys must not be compared with the old ones.
    pixels.host_keys.forget(known_hosts.alias(spec.name, pixels.nas))
    pixels.ssh_answers.forget(spec.name)
    if spec.source:
        cloner.clone(pixels, spec.source, new, deadline=deadline, progress=progress)
        return
    with trying(f"creating {spec.name.bare} on {pixels.nas}"):
        pixels.containers.create(new, timeout=deadline.left, progress=progress)


def start_and_provision(
    pixels: Pixels,
    spec: PixelSpec,
    *,
    options: ApplyOptions,
    deadline: Deadline,
    progress: OnProgress | None = None,
) -> None:
    """Start a new container, set its autostart and provision it, as specified."""
    bare = spec.name.bare
    try:
        if spec.state in RUNNING_STATES:
            pixels.containers.start(spec.name, timeout=deadline.left)
            # Before anything else: the pixel is on the network, and nothing of the user is in it.
            restrict(pixels, spec, is_new=True)
        if spec.autostart:
            # After the start: with autostart, the create job starts the container and hides a failure.
            made = pixels.get(spec.name)
            metadata = replace(made.metadata, pending=None)
            settings = {"autostart": True, "environment": made.environment, "metadata": metadata}
            pixels.containers.update(spec.name, settings, timeout=deadline.left)
        elif spec.state in RUNNING_STATES:
            # Without this, `backup.yaml` still says that the next start is the first one, at which Incus overwrites
            # /etc/hosts from the template of the image. A NAS that sets Incus up again reads it.
            pixels.containers.rewrite_record(spec.name, timeout=deadline.left)
        if spec.state in RUNNING_STATES:
            provision(pixels, spec, options=options, deadline=deadline, progress=progress)
            base_recipes.set_up(pixels, spec, deadline=deadline)
    except PixelsError as error:
        error.add_prefix(f"{bare} was created on {pixels.nas} and still exists, but its start or provisioning failed")
        causes = (each for each in error.hints if each.kind not in (hint.RUN_AGAIN, hint.STATE))
        error.hints = (*causes, Hint.run_again("to continue"), Hint.state("absent", bare, "to remove it"))
        raise


def merged_metadata(pixels: Pixels, spec: PixelSpec, current: Metadata) -> Metadata:
    """Return the current metadata with the values of the specification. A new lifetime starts now."""
    values = {name: getattr(spec, name) for name in METADATA_FIELDS if getattr(spec, name) is not None}
    if "protected" in values:
        values["protected"] = "yes" if spec.protected else None
    if spec.ttl and spec.ttl != display_value("ttl", current.ttl):
        values["expires"] = lifetime.expiry(spec.ttl, pixels.now)
    for name in ("ttl", "ttl_keep", "idle_stop"):
        if values.get(name) == lifetime.NEVER:
            values[name] = None
    return replace(current, **values)


def apply_settings(
    pixels: Pixels, change: Change, container: Container, spec: PixelSpec, *, deadline: Deadline
) -> None:
    """Change settings, metadata and network interface, and complete an interrupted operation."""
    settings = {name: getattr(spec, name) for name in change.touches(*SETTINGS)}
    if change.touches("environment", *METADATA_FIELDS) or container.metadata.pending:
        settings["environment"] = container.environment if spec.environment is None else spec.environment
        settings["metadata"] = replace(merged_metadata(pixels, spec, container.metadata), pending=None)
    with trying(f"changing {spec.name.bare} on {pixels.nas}"):
        if container.unfinished:
            pixels.containers.finish(spec.name)
        if settings:
            pixels.containers.update(spec.name, settings, timeout=deadline.left)
        if spec.nic and change.touches("nic"):
            pixels.containers.set_nic(spec.name, spec.nic)


def set_run_state(
    pixels: Pixels,
    change: Change,
    container: Container,
    spec: PixelSpec,
    *,
    options: ApplyOptions,
    deadline: Deadline,
) -> None:
    """Start, stop or restart the container."""
    bare = spec.name.bare
    if spec.state == "restarted" or not container.running:
        pixels.ssh_answers.forget(spec.name)
    if spec.state == "restarted" and (container.running or container.suspended):
        with trying(f"restarting {bare} on {pixels.nas}"), with_stop_hint(options):
            pixels.containers.restart(
                spec.name, graceful=options.stop_timeout, force=options.force, timeout=deadline.left
            )
    elif change.after and change.after["status"] == "running" and not container.running:
        with trying(f"starting {bare} on {pixels.nas}"):
            start(pixels, container, deadline=deadline)
    elif change.after and change.after["status"] == "stopped" and container.status != "stopped":
        with trying(f"stopping {bare} on {pixels.nas}"), with_stop_hint(options):
            pixels.containers.stop(spec.name, graceful=options.stop_timeout, force=options.force, timeout=deadline.left)


def start(pixels: Pixels, container: Container, *, deadline: Deadline) -> None:
    """Start a container. If the NAS refuses, complete an interrupted restore and start it then."""
    try:
        pixels.containers.start(container.name, timeout=deadline.left)
    except Refused:
        # An interrupted restore may have left the pixel without a dataset.
        if not recovery.recover(pixels, container):
            raise
        pixels.containers.start(container.name, timeout=deadline.left)


def restrict(pixels: Pixels, spec: PixelSpec, *, recorded: str | None = None, is_new: bool = False) -> None:
    """Enforce the egress policy of a running pixel: the requested one, else the `recorded` one."""
    if not (spec.egress or recorded):
        return
    # Only here: most pixels have no policy, and do not wait for what it imports.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import record

    if spec.egress:
        record.enforce(pixels, spec.name, spec.egress, is_new=is_new)
    else:
        record.enforce_recorded(pixels, spec.name, is_new=is_new)


class ProvisionProgress(t.NamedTuple):
    """The progress of provisioning, in the form of that of a job."""

    description: str
    percent: int = 0


def provision(
    pixels: Pixels,
    spec: PixelSpec,
    *,
    options: ApplyOptions,
    deadline: Deadline,
    progress: OnProgress | None = None,
) -> None:
    """Provision a running pixel, if the specification includes it."""
    if spec.provision:
        provisioner.provision(
            pixels,
            spec.name,
            spec.provision,
            deadline=deadline,
            stop_timeout=options.stop_timeout,
            ssh_port=options.ssh_port,
            say=lambda text: progress(ProvisionProgress(text)) if progress else None,
        )
