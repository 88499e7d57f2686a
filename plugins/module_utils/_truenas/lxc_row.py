# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a row of `container.query` says: containers from TrueNAS 26."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import cpuset, metadata_line, values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Address, Container, Image
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.image_alias import CODENAMES, parts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.values import Warn

Row = t.Mapping[str, t.Any]


def container(row: Row, addresses: tuple[Address, ...] = (), warn: Warn = values.ignore) -> Container:
    """Convert a row of `container.query`."""
    metadata = metadata_line.metadata(row["description"])
    dataset = values.dataset(row["dataset"], warn)
    return Container(
        name=PixelName(row["name"]),
        status=values.status(row["status"]["state"], warn),
        addresses=addresses,
        cpu=cpuset.from_truenas(values.cpu(row["cpuset"], warn)),
        image=image(metadata.image),
        environment=values.texts(row["initenv"], warn),
        metadata=replace(metadata, labels=values.labels(metadata.labels, warn)),
        autostart=bool(row["autostart"]),
        pool=dataset.partition("/")[0] if dataset else None,
        dataset=dataset,
        unfinished=unfinished(row),
    )


def image(alias: str | None) -> Image:
    """Return the image that an alias in the metadata means: TrueNAS 26 records nothing of it."""
    if not alias:
        return Image()
    if alias.count(":") == 3:
        os, release, _architecture, variant = alias.split(":")
    else:
        os, release, variant = parts(alias)
    return Image(os.capitalize(), CODENAMES.get(os.lower(), {}).get(release, release), variant)


def nic_of(row: Row) -> Row | None:
    """Return the first NIC device of a container, which is `eth0` there."""
    nics = [each for each in row["devices"] if each["attributes"]["dtype"] == "NIC"]
    return min(nics, key=lambda each: int(each["id"]), default=None)


def pending_nic(row: Row) -> str | None:
    """Return the interface to which an interrupted creation did not attach a container; None once it has run."""
    parent = metadata_line.nic(row["description"])
    if parent is None or nic_of(row) is not None or row["status"]["domain_state"] is not None:
        return None
    return parent


def unfinished(row: Row) -> tuple[str, ...]:
    """Return what an interrupted operation left undone."""
    nic = "network card" if pending_nic(row) else None
    seconds = metadata_line.shutdown_timeout(row["description"])
    timeout = None if seconds is None else f"shutdown timeout of {seconds} s"
    return tuple(each for each in (nic, timeout) if each)


def is_running(row: Row) -> bool:
    """Return whether a container runs."""
    return bool(row["status"]["state"] == "RUNNING")


def is_suspended(row: Row) -> bool:
    """Return whether the processes of a container are suspended. The state has a name since 26.0.0-RC.1."""
    return bool(row["status"]["state"] == "SUSPENDED")


def is_stopped(row: Row) -> bool:
    """Return whether a container is stopped."""
    return bool(row["status"]["state"] == "STOPPED")
