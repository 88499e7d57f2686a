# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of the sweep: the setup of the NAS, and the task to run."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.modules import (
    pixels_authorize,
    pixels_base,
    pixels_checkpoint,
    pixels_checkpoint_restore,
    pixels_container,
    pixels_exec,
    pixels_fleet,
)

if t.TYPE_CHECKING:
    from tests.sweeps.nas import Nas

INCUS = ("25.04", "25.10")
WITH_CHECKPOINTS = (*INCUS, "26.0.0-BETA.3")
"""The release candidate of 26 protects containers from snapshots."""
RELEASES = (*WITH_CHECKPOINTS, "26")
READY = frozenset({"ready"})
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHZ2bWVlcmthdHJ1bm5pbmdpbnRoZWRlc2VydDEyMzQ1 me@here"


@dataclass(frozen=True)
class Operation:
    """A task of a playbook, with the setup of the NAS that it requires."""

    name: str
    module: t.Any
    params: t.Mapping[str, t.Any]
    set_up: t.Callable[[Nas], None]
    pixels: tuple[str, ...] = ("web",)
    """The pixels that the task changes. Errors must name the one that failed."""
    says_state: bool = True
    """Whether errors must contain the state of the pixel: not if no state-changing call of the task changes it."""
    releases: tuple[str, ...] = RELEASES
    idempotent: bool = True
    """Whether a second run of the task changes nothing."""
    engine: str = "paper"
    removes: frozenset[str] = field(default_factory=frozenset)
    """Labels of the checkpoints that the task deletes."""
    keeps_base: str | None = None
    """A base that pixels can be cloned from at any time, also after a fault."""


def nothing(nas: Nas) -> None:
    """Leave the NAS empty."""


def a_pixel(nas: Nas, status: str = "RUNNING") -> None:
    nas.add("px-web", status=status)


def a_stopped_pixel(nas: Nas) -> None:
    a_pixel(nas, "STOPPED")


def two_checkpoints(nas: Nas) -> None:
    a_pixel(nas)
    nas.checkpoint("web", "ready")
    nas.checkpoint("web", "later")


def one_checkpoint(nas: Nas) -> None:
    a_pixel(nas)
    nas.checkpoint("web", "ready")


def a_snapshot(nas: Nas) -> None:
    """One that another program took, as each release allows."""
    a_pixel(nas)
    nas.world.add_snapshot("px-web", "auto")


def a_base(nas: Nas) -> None:
    nas.add("px-base")
    nas.checkpoint("base", "ready")


def a_clone(nas: Nas) -> None:
    nas.add("px-base")
    nas.run(pixels_container, {"name": "web", "from": "base", "wait": "running"})


def a_cloned_base(nas: Nas) -> None:
    a_base(nas)
    nas.run(pixels_container, {"name": "copy", "from": "base@ready", "wait": "running"})


def a_restored_pixel(nas: Nas) -> None:
    one_checkpoint(nas)
    nas.run(pixels_checkpoint_restore, {"name": "web", "label": "ready", "safety": True, "wait": "running"})


def a_fleet(nas: Nas) -> None:
    nas.add("px-old", environment=nas.metadata(fleet="demo"))


def two_datasets(nas: Nas) -> None:
    for name in ("data", "other"):
        nas.world.storage.zfs.add(f"tank/{name}")
        (nas.world.files.root / "mnt/tank" / name).mkdir(exist_ok=True)


def a_pixel_with_disks(nas: Nas) -> None:
    two_datasets(nas)
    nas.run(pixels_container, {"name": "web", "state": "present", "devices": [disk("data"), disk("other")]})


def disk(name: str, source: str | None = None) -> dict[str, str]:
    return {"type": "disk", "source": f"tank/{source or name}", "path": f"/{name}"}


def an_old_base(nas: Nas) -> None:
    nas.run(pixels_base, {"name": "tools", "image": "debian/12"})


def an_old_base_with_a_clone(nas: Nas) -> None:
    an_old_base(nas)
    nas.run(pixels_container, {"name": "web", "from": "base:tools", "wait": "running"})


def a_chain_of_bases(nas: Nas) -> None:
    nas.run(pixels_base, {"name": "below", "image": "debian/12"})
    nas.run(pixels_base, {"name": "tools", "from": "below"})


def base(name: str, set_up: t.Callable[[Nas], None], params: t.Mapping[str, t.Any], **more: t.Any) -> Operation:
    options = {"name": "tools", "wait_timeout": 30, "stop_timeout": 5, **params}
    more = {"releases": INCUS, "removes": READY, "keeps_base": "tools", **more}
    more = {"pixels": ("base-tools-1", "base-tools-2"), **more}
    return Operation(name, pixels_base, options, set_up, **more)


def container(name: str, set_up: t.Callable[[Nas], None], params: t.Mapping[str, t.Any], **more: t.Any) -> Operation:
    options = {"name": "web", "wait": "running", "wait_timeout": 20, "delete_delay": 0, **params}
    return Operation(name, pixels_container, options, set_up, **more)


def checkpoint(name: str, set_up: t.Callable[[Nas], None], params: t.Mapping[str, t.Any], **more: t.Any) -> Operation:
    options = {"name": "web", "wait": "running", "wait_timeout": 20, **params}
    return Operation(name, pixels_checkpoint, options, set_up, releases=WITH_CHECKPOINTS, **more)


def restore(name: str, set_up: t.Callable[[Nas], None], params: t.Mapping[str, t.Any], **more: t.Any) -> Operation:
    options = {"name": "web", "label": "ready", "wait": "running", "wait_timeout": 20, **params}
    return Operation(
        name,
        pixels_checkpoint_restore,
        options,
        set_up,
        idempotent=False,
        **{"releases": WITH_CHECKPOINTS, **more},
    )


OPERATIONS = (
    container("create", nothing, {}),
    container("create stopped", nothing, {"state": "present"}),
    container(
        "change", a_pixel, {"state": "present", "cpu": "0-3", "labels": {"role": "front"}, "nic": {"parent": "eno1"}}
    ),
    container("create with devices", two_datasets, {"devices": [disk("data"), disk("other")], "state": "present"}),
    container(
        "remove, change and add devices",
        a_pixel_with_disks,
        {"state": "present", "devices": [disk("data", "other"), disk("third", "data")], "purge_devices": True},
    ),
    container("start", a_stopped_pixel, {}),
    container("stop", a_pixel, {"state": "stopped"}),
    container("restart", a_pixel, {"state": "restarted"}, idempotent=False),
    container("destroy", one_checkpoint, {"state": "absent"}, releases=WITH_CHECKPOINTS, removes=frozenset({"ready"})),
    container("destroy with a snapshot", a_snapshot, {"state": "absent"}, removes=frozenset({"auto"})),
    container("clone a checkpoint", a_base, {"from": "base@ready"}, releases=INCUS),
    container("clone the present state", a_base, {"from": "base"}, releases=INCUS),
    container("destroy a clone", a_clone, {"state": "absent"}, releases=INCUS, removes=frozenset({"px-clone-web"})),
    container(
        "destroy a restored pixel",
        a_restored_pixel,
        {"state": "absent"},
        releases=INCUS,
        removes=frozenset({"ready", "px-safety-TIME"}),
    ),
    container(
        "destroy a base, its clone keeps its checkpoints",
        a_cloned_base,
        {"name": "base", "state": "absent", "clones": "promote"},
        pixels=("base",),
        releases=INCUS,
    ),
    container("clone a base", an_old_base, {"from": "base:tools"}, releases=INCUS),
    base("build a base", an_old_base, {"image": "debian/13"}),
    base("build a base from another one", a_chain_of_bases, {"from": "below", "version": "2"}),
    base("build a base of which a clone exists", an_old_base_with_a_clone, {"image": "debian/13"}),
    base("set up a base", an_old_base, {"image": "debian/12", "setup": "echo new >/root/state"}, engine="process"),
    base(
        "set up a base with keys",
        an_old_base,
        {
            "image": "debian/12",
            "provision": {"public_keys": [KEY]},
            "setup": "echo new >/root/state",
            "wait_timeout": 60,
        },
        engine="process",
        releases=INCUS[-1:],
    ),
    base("destroy a base", a_chain_of_bases, {"state": "absent"}, keeps_base=None),
    container("restart by force", a_pixel, {"state": "restarted", "force": True}, idempotent=False),
    container(
        "provision by files",
        a_pixel,
        {"provision": {"public_keys": [KEY], "method": "rootfs"}, "wait_timeout": 60},
        engine="process",
    ),
    checkpoint("checkpoint", a_pixel, {"label": "new"}),
    checkpoint("checkpoint, stopped for it", a_pixel, {"label": "new", "quiesce": "stop"}),
    checkpoint(
        "delete a checkpoint", two_checkpoints, {"label": "ready", "state": "absent"}, removes=frozenset({"ready"})
    ),
    checkpoint(
        "prune checkpoints", two_checkpoints, {"label": "new", "keep": 1}, removes=frozenset({"ready", "later"})
    ),
    checkpoint(
        "prune checkpoints, stopped for it",
        two_checkpoints,
        {"label": "new", "keep": 1, "quiesce": "stop"},
        removes=frozenset({"ready", "later"}),
    ),
    restore("restore", one_checkpoint, {}),
    restore("restore, stopped afterwards", one_checkpoint, {"started": False}),
    restore("restore, newer ones discarded", two_checkpoints, {"discard_newer": True}, removes=frozenset({"later"})),
    restore("restore, present state kept", two_checkpoints, {"safety": True}, releases=INCUS),
    Operation(
        "fleet",
        pixels_fleet,
        {
            "pixels": ["web", {"name": "old", "state": "absent"}],
            "fleet": "demo",
            "concurrency": 1,
            "defaults": {"wait": "running", "wait_timeout": 20, "delete_delay": 0},
        },
        a_fleet,
        pixels=("web", "old"),
    ),
    Operation(
        "exec",
        pixels_exec,
        {"name": "web", "cmd": "true", "transport": "shell"},
        a_pixel,
        idempotent=False,
        engine="process",
        says_state=False,
    ),
    Operation(
        "authorize",
        pixels_authorize,
        {"name": "web", "public_keys": [KEY], "transport": "shell"},
        a_pixel,
        engine="process",
    ),
    container("provision", a_pixel, {"provision": {"public_keys": [KEY]}}, engine="process"),
)
