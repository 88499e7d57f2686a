# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to a pixel from its making to its end: plan compares, converge acts."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    PixelsError,
    Refused,
    TimedOut,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import (
    checkpoints,
    cloning,
    host_keys,
    images,
    leaving,
    mending,
    names,
    provisioning,
    readiness,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.defaults import Defaults
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.sizes import format_memory
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.trying import trying
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import network
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Marks, NewContainer, Nic

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, OnProgress

# What an existing container is compared on and changed in, by one job of the NAS.
SETTINGS = ("cpu", "memory", "environment", "autostart")
NOTES = ("fleet", "owner", "labels")

RUNNING_STATES = ("started", "restarted")


@dataclass(frozen=True)
class Wanted:
    """What is asked of one pixel; None is "as it is", and the default where there is none yet."""

    name: str
    """Full name."""
    state: str = "started"
    """C(present), C(started), C(stopped), C(restarted) or C(absent)."""
    image: str | None = None
    cpu: str | None = None
    memory: int | None = None
    """Bytes."""
    environment: t.Mapping[str, str] | None = None
    autostart: bool | None = None
    fleet: str | None = None
    owner: str | None = None
    labels: t.Mapping[str, str] | None = None
    pool: str | None = None
    nic: Nic | None = None
    provision: provisioning.Provision | None = None
    origin: cloning.Origin | None = None
    """What a new one is cloned from; None is from an image."""
    source: cloning.Source | None = None
    """The same as it was found, once C(complete) has looked."""
    clones: str = "refuse"
    """What becomes of those cloned from a pixel that is to be absent: C(refuse), C(promote) or C(leave)."""
    going: frozenset[str] = frozenset()
    """Full names of those that go along with it; a clone among them is in nobody's way."""


@dataclass(frozen=True)
class Patience:
    """How hard to try where a NAS takes its time; seconds."""

    stop_timeout: float = 30
    force: bool = False
    delete_retries: int = 3
    delete_delay: float = 2
    wait: str = "address"
    """C(none), C(running), C(address) or C(ssh)."""
    ssh_port: int = 22


@dataclass(frozen=True)
class Found:
    """What is there, as far as it was asked about."""

    container: Container
    nic: Nic | None = None
    provisioned: bool | None = None
    """None where that cannot be seen: the files of a stopped container are out of sight."""
    checkpoints: tuple[checkpoints.Checkpoint, ...] = ()
    """Looked at before it is destroyed."""
    labels_of_clones: t.Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Looked at before they are handed over to their clones."""


def find(pixels: Pixels, wanted: Wanted) -> Found | None:
    """Look at all that the plan depends on, and at nothing else."""
    container = pixels.containers.find(wanted.name)
    return look(pixels, wanted, container) if container else None


def look(pixels: Pixels, wanted: Wanted, container: Container) -> Found | None:
    """Look at what a container's own record does not say, as far as the plan depends on it."""
    if wanted.state == "absent":
        along = leaving.what_it_takes_along(pixels, container)
        if pixels.containers.fixed:
            clones = leaving.dependents(along, without=wanted.going)
            leaving.refuse_clones(pixels, container, clones, asked=wanted.clones)
        promoting = wanted.clones == "promote"
        return Found(
            container,
            checkpoints=along,
            labels_of_clones=leaving.labels_of_clones(pixels, along) if promoting else {},
        )
    if wanted.origin and container.marks.cloning and container.status == "stopped":
        # A clone that was not finished is made anew: nothing has ever run in it.
        return None
    nic = pixels.containers.nic(wanted.name) if wanted.nic else None
    provisioned = None
    if wanted.provision and container.running:
        provisioned = provisioning.is_complete(pixels, wanted.name, wanted.provision)
    return Found(container, nic, provisioned)


def complete(
    pixels: Pixels,
    wanted: Wanted,
    found: Found | None,
    *,
    default_nic: t.Callable[[], Nic | None],
    sources: cloning.Sources | None = None,
) -> Wanted:
    """Fill in what a new container gets when it is not said. Raises C(Invalid) for what this NAS does not have.

    C(default_nic) is asked where no interface is named, by the user's settings neither; C(detect_nic) finds one. Who
    completes several gives C(sources), for those that are cloned from the same.
    """
    if wanted.provision and wanted.state not in RUNNING_STATES:
        problem = "provisioning needs the pixel running: use state started or restarted"
        raise Invalid(f"cannot provision {names.bare_name(wanted.name)}: {problem}", fields=(("provision", problem),))
    if wanted.state == "absent":
        return wanted
    if wanted.provision:
        # What cannot be written is told before anything is made.
        provisioning.with_usual_environment(pixels, wanted.provision)
    refuse_limits(pixels, wanted)
    if wanted.nic and shown("nic", found and found.nic) != shown("nic", wanted.nic):
        refuse_unknown_parent(pixels, wanted.nic)
    if found:
        # One whose creation was broken off gets what it would have got.
        late = found.container.marks.pending == "autostart" and wanted.autostart is None
        return replace(wanted, autostart=True) if late else wanted
    if wanted.origin:
        return like_its_source(
            pixels, wanted, wanted.origin, sources or cloning.Sources(pixels), default_nic=default_nic
        )
    defaults = pixels.defaults
    pools = pixels.containers.pools()
    pool = wanted.pool or defaults.pool
    if pool and pools and pool not in pools:
        problem = f"{pixels.nas} keeps containers on {', '.join(pools)} only"
        raise Invalid(f"storage pool {pool} cannot be used: {problem}", fields=(("storage_pool", problem),))
    return replace(
        wanted,
        image=wanted.image or defaults.image,
        cpu=wanted.cpu or usual_limit(pixels, "cpu"),
        memory=wanted.memory or usual_limit(pixels, "memory"),
        environment=wanted.environment or {},
        autostart=True if wanted.autostart is None else wanted.autostart,
        pool=pool or (pools[0] if pools else None),
        nic=wanted.nic or usual_nic(defaults, default_nic),
        provision=wanted.provision and provisioning.with_usual_dns(wanted.provision, defaults.dns),
    )


def like_its_source(
    pixels: Pixels,
    wanted: Wanted,
    origin: cloning.Origin,
    sources: cloning.Sources,
    *,
    default_nic: t.Callable[[], Nic | None],
) -> Wanted:
    """Fill in for a clone what its source has. Raises C(NotFound) where there is no such source or checkpoint."""
    if pixels.containers.fixed:
        bare = names.bare_name(wanted.name)
        raise Unsupported(f"{bare} cannot be cloned from {origin} on {pixels.nas}: {pixels.containers.fixed}")
    source, nic = sources.find(origin, wanted.name)
    model = source.container
    if wanted.pool and wanted.pool != model.pool:
        problem = f"{names.bare_name(model.name)} lives on pool {model.pool}, and a clone cannot leave it"
        raise Invalid(f"storage pool {wanted.pool} cannot be used: {problem}", fields=(("storage_pool", problem),))
    nic = wanted.nic or nic or usual_nic(pixels.defaults, default_nic)
    dns = pixels.defaults.dns
    return replace(
        wanted,
        source=source,
        image=wanted.image or cloning.image_of(model) or pixels.defaults.image,
        cpu=wanted.cpu or model.cpu,
        memory=wanted.memory or model.memory,
        environment=model.environment if wanted.environment is None else wanted.environment,
        autostart=True if wanted.autostart is None else wanted.autostart,
        pool=model.pool,
        nic=nic,
        provision=wanted.provision and provisioning.with_usual_dns(wanted.provision, dns),
    )


def refuse_limits(pixels: Pixels, wanted: Wanted) -> None:
    """Raises C(Unsupported) for what no container can have on this NAS, before anything is done."""
    with trying(f"preparing {names.bare_name(wanted.name)} on {pixels.nas}"):
        pixels.containers.refuse_limits(cpu=wanted.cpu, memory=wanted.memory)


def usual_limit(pixels: Pixels, name: str) -> t.Any:
    """The limit a new pixel gets that is not said: that of the user's settings, or ours where there can be one."""
    value = getattr(pixels.defaults, name)
    if value == getattr(Defaults, name):
        try:
            pixels.containers.refuse_limits(**{name: value})
        except Unsupported:
            # Nobody asked for it.
            return None
    else:
        with trying(f"the settings have default_{name}"):
            pixels.containers.refuse_limits(**{name: value})
    return value


def refuse_unknown_parent(pixels: Pixels, nic: Nic) -> None:
    """Raises C(Invalid) for an interface this NAS does not have, or not for a card of that type."""
    parents = pixels.containers.parents(nic.type)
    if parents is not None and nic.parent not in parents:
        problem = f"{pixels.nas} has {', '.join(parents) or 'no interface'} for the type {nic.type}"
        raise Invalid(f"no container can be attached to {nic.parent}: {problem}", fields=(("nic.parent", problem),))


def usual_nic(defaults: Defaults, default_nic: t.Callable[[], Nic | None]) -> Nic | None:
    """The interface the user's settings name, else what is found; None is the bridge of the NAS itself."""
    if defaults.parent:
        return Nic(parent=defaults.parent, type=defaults.nic_type)
    return None if defaults.network else default_nic()


def detect_nic(pixels: Pixels, warn: t.Callable[[str], None]) -> Nic | None:
    """The interface of the NAS whose network holds the default gateway, else the first that is up with IPv4."""
    with trying(
        f"looking for the network interface of {pixels.nas} to attach a new container to (option nic skips this)"
    ):
        candidates = network.interfaces(pixels.wire)
        chosen = network.preferred(candidates, network.default_gateway(pixels.wire))
    if chosen is None:
        warn(
            f"{pixels.nas} shows no interface that is up and has an IPv4 address: the new container is attached to the "
            "internal bridge of TrueNAS and cannot be reached from outside. Name an interface with the option nic."
        )
        return None
    return chosen.nic()


def plan(found: Found | None, wanted: Wanted) -> Change:
    """Compare what is there with what is asked for; what is not asked for stays.

    Raises C(Unsupported) for a difference that cannot be changed on an existing container.
    """
    before = describe(found, wanted) if found else None
    if wanted.state == "absent":
        if found:
            leaving.refuse_to_destroy(found, wanted)
        return Change(before, None)
    if found:
        refuse_what_cannot_change(found.container, wanted)

    after: dict[str, t.Any] = {"status": "stopped", **(before or {})}
    for name in SETTINGS + NOTES:
        value = getattr(wanted, name)
        if value is not None:
            after[name] = shown(name, value)
    if wanted.nic:
        after["nic"] = shown("nic", wanted.nic)
    if wanted.state != "present":
        after["status"] = "running" if wanted.state in RUNNING_STATES else "stopped"
    if wanted.provision:
        after["provisioned"] = True
    if found is None:
        after["image"] = wanted.image
        after["storage_pool"] = wanted.pool
        if wanted.origin:
            after["from"] = str(wanted.origin)
    return Change(before, after, always=wanted.state == "restarted")


def describe(found: Found, wanted: Wanted) -> dict[str, t.Any]:
    container = found.container
    state: dict[str, t.Any] = {"status": container.status}
    state.update({name: shown(name, getattr(container, name)) for name in SETTINGS})
    if container.marks.pending:
        state[container.marks.pending] = None
    # Only where somebody asks: most pixels have no notes, and a diff need not say so.
    state.update(
        {name: shown(name, getattr(container.marks, name)) for name in NOTES if getattr(wanted, name) is not None}
    )
    if wanted.nic:
        state["nic"] = shown("nic", found.nic)
    if wanted.provision and wanted.state != "absent":
        state["provisioned"] = found.provisioned
    if wanted.origin and wanted.state != "absent":
        state["from"] = container.marks.origin
    return state


def shown(name: str, value: t.Any) -> t.Any:
    """A setting as a diff shows it."""
    if name == "memory":
        return format_memory(value)
    if name == "nic":
        return {"parent": value.parent, "type": value.type} if value else None
    return dict(value) if name in ("environment", "labels") else value


def refuse_what_cannot_change(container: Container, wanted: Wanted) -> None:
    bare = names.bare_name(container.name)
    way_out = f"destroy {bare} and create it again, or leave the option out"
    if container.marks.cloning:
        raise Unsupported(
            f"{bare} is an unfinished clone of {container.marks.cloning} ({container.status}): destroy it, "
            f"or where it does not run, finish it with from: {container.marks.cloning}"
        )
    if wanted.origin and not cloning.is_from(container, wanted.origin):
        is_from = f"was cloned from {container.marks.origin}" if container.marks.origin else "is no clone"
        raise Unsupported(f"{bare} {is_from}, and cannot become one of {wanted.origin}: {way_out}")
    if wanted.image and images.differs(container.image, wanted.image, container.marks.image):
        is_now = f"{container.image.os} {container.image.release}".strip().lower()
        raise Unsupported(f"{bare} was made from {is_now}, and TrueNAS cannot change it to {wanted.image}: {way_out}")
    if wanted.pool and container.pool and wanted.pool != container.pool:
        raise Unsupported(
            f"{bare} lives on pool {container.pool}, and TrueNAS cannot move it to {wanted.pool}: {way_out}"
        )


def reach(
    pixels: Pixels,
    change: Change,
    found: Found | None,
    wanted: Wanted,
    *,
    patience: Patience,
    deadline: Deadline,
    progress: OnProgress | None = None,
) -> Container | None:
    """Do what the plan says, wait as asked, and return the container as it is then; None when it is gone."""
    if change.needed:
        converge(pixels, change, found, wanted, patience=patience, deadline=deadline, progress=progress)
    return arrive(pixels, change, found, wanted, patience=patience, deadline=deadline)


def arrive(
    pixels: Pixels, change: Change, found: Found | None, wanted: Wanted, *, patience: Patience, deadline: Deadline
) -> Container | None:
    """Wait as asked for what was done, and return the container as it is then; None when it is gone."""
    seen = found.container if found and not change.needed else None
    if change.after is None:
        return None
    if change.after["status"] != "running":
        return seen or pixels.containers.find(wanted.name)
    return readiness.wait_for(
        pixels, wanted.name, patience.wait, deadline=deadline, ssh_port=patience.ssh_port, seen=seen
    )


def converge(
    pixels: Pixels,
    change: Change,
    found: Found | None,
    wanted: Wanted,
    *,
    patience: Patience,
    deadline: Deadline,
    progress: OnProgress | None = None,
) -> None:
    """Make the NAS look like C(change.after)."""
    if change.after is None:
        if found:
            leaving.destroy(pixels, found, clones=wanted.clones, patience=patience, deadline=deadline)
        return
    if found is None:
        create(pixels, wanted, deadline=deadline, progress=progress)
        bring_up(pixels, wanted, patience=patience, deadline=deadline)
        return
    apply_settings(pixels, change, found.container, wanted, deadline=deadline)
    set_run_state(pixels, change, found.container, wanted, patience=patience, deadline=deadline)
    if change.after["status"] == "running":
        provision(pixels, wanted, patience=patience, deadline=deadline)


def first_marks(wanted: Wanted) -> Marks:
    """What is noted with a container as it is made."""
    return Marks(
        # A clone has the files of its source, whatever image its container is made from.
        image=wanted.source.container.marks.image if wanted.source else wanted.image,
        pending="autostart" if wanted.autostart else None,
    )


def create(pixels: Pixels, wanted: Wanted, *, deadline: Deadline, progress: OnProgress | None = None) -> None:
    """Make the container, stopped. What TrueNAS could not finish it takes back itself."""
    new = NewContainer(
        name=wanted.name,
        image=wanted.image or pixels.defaults.image,
        cpu=wanted.cpu,
        memory=wanted.memory,
        environment=wanted.environment or {},
        marks=noted(wanted, first_marks(wanted)),
        pool=wanted.pool,
        nic=wanted.nic,
    )
    # A name that comes back is another machine: what was pinned for the last one of that name must not be believed.
    pixels.host_keys.forget(host_keys.alias(wanted.name, pixels.nas))
    if wanted.source:
        cloning.clone(pixels, wanted.source, new, deadline=deadline, progress=progress)
        return
    with trying(f"creating {names.bare_name(wanted.name)} on {pixels.nas}"):
        pixels.containers.create(new, timeout=deadline.left, progress=progress)


def bring_up(pixels: Pixels, wanted: Wanted, *, patience: Patience, deadline: Deadline) -> None:
    """Bring a container that was just made to the state that is asked for."""
    bare = names.bare_name(wanted.name)
    try:
        if wanted.state in RUNNING_STATES:
            pixels.containers.start(wanted.name, timeout=deadline.left)
        if wanted.autostart:
            # Only now: set earlier, a failed start would have been hidden in the create job.
            made = pixels.get(wanted.name)
            settings = {"autostart": True, "environment": made.environment, "marks": replace(made.marks, pending=None)}
            pixels.containers.update(wanted.name, settings, timeout=deadline.left)
        if wanted.state in RUNNING_STATES:
            provision(pixels, wanted, patience=patience, deadline=deadline)
    except PixelsError as error:
        told = f"{bare} was created on {pixels.nas}, but could not be brought up: {error}"
        way_out = "It is still there: run this again to go on, or remove it with state absent"
        error.args = (f"{told}. {way_out}", *error.args[1:])
        raise


def noted(wanted: Wanted, now: Marks) -> Marks:
    """What is noted of a pixel once it is as wanted."""
    return replace(now, **{name: getattr(wanted, name) for name in NOTES if getattr(wanted, name) is not None})


def apply_settings(pixels: Pixels, change: Change, container: Container, wanted: Wanted, *, deadline: Deadline) -> None:
    settings = {name: getattr(wanted, name) for name in change.touches(*SETTINGS)}
    if change.touches("environment", *NOTES) or container.marks.pending:
        settings["environment"] = container.environment if wanted.environment is None else wanted.environment
        settings["marks"] = replace(noted(wanted, container.marks), pending=None)
    with trying(f"changing {names.bare_name(wanted.name)} on {pixels.nas}"):
        if settings:
            pixels.containers.update(wanted.name, settings, timeout=deadline.left)
        if wanted.nic and change.touches("nic"):
            pixels.containers.set_nic(wanted.name, wanted.nic)


def set_run_state(
    pixels: Pixels, change: Change, container: Container, wanted: Wanted, *, patience: Patience, deadline: Deadline
) -> None:
    bare = names.bare_name(wanted.name)
    if wanted.state == "restarted" and container.running:
        with trying(f"restarting {bare} on {pixels.nas}"), naming_the_way_out(patience):
            pixels.containers.restart(
                wanted.name, graceful=patience.stop_timeout, force=patience.force, timeout=deadline.left
            )
    elif change.after and change.after["status"] == "running" and not container.running:
        with trying(f"starting {bare} on {pixels.nas}"):
            start(pixels, container, deadline=deadline)
    elif change.after and change.after["status"] == "stopped" and container.status != "stopped":
        with trying(f"stopping {bare} on {pixels.nas}"), naming_the_way_out(patience):
            pixels.containers.stop(
                wanted.name, graceful=patience.stop_timeout, force=patience.force, timeout=deadline.left
            )


def start(pixels: Pixels, container: Container, *, deadline: Deadline) -> None:
    try:
        pixels.containers.start(container.name, timeout=deadline.left)
    except Refused:
        # Where a restore was broken off there may be no files to start from.
        if not mending.mend(pixels, container):
            raise
        pixels.containers.start(container.name, timeout=deadline.left)


@contextmanager
def naming_the_way_out(patience: Patience) -> t.Iterator[None]:
    """Say what helps against a stop that took too long."""
    try:
        yield
    except TimedOut as error:
        if not patience.force:
            error.args = (f"{error}. Give it longer with stop_timeout, or kill it with force: true", *error.args[1:])
        raise


def provision(pixels: Pixels, wanted: Wanted, *, patience: Patience, deadline: Deadline) -> None:
    if wanted.provision:
        provisioning.provision(
            pixels,
            wanted.name,
            wanted.provision,
            deadline=deadline,
            stop_timeout=patience.stop_timeout,
            ssh_port=patience.ssh_port,
        )
