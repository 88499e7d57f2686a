# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert rows of `virt.*` (TrueNAS 25.04 and 25.10) to types, and types to arguments."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import (
    Address,
    Container,
    Image,
    Metadata,
    Nic,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.values import Warn

Row = t.Mapping[str, t.Any]

METADATA_PREFIX = "PIXELS/"
"""Of variables that hold metadata. TrueNAS allows a slash in a name and shells do not, so no other variable has it."""
LABEL_PREFIX = METADATA_PREFIX + "label/"
FIELDS = (
    *("fleet", "owner", "image", "origin", "cloning", "run", "pending", "stopped_by", "egress"),
    *("ttl", "expires", "ttl_keep", "protected", "idle_stop", "gateway"),
    *("base", "recipe", "building", "description"),
)
"""The fields of `Metadata` that are strings."""


def container(row: Row, warn: Warn = values.ignore) -> Container:
    """Convert a row of `virt.instance.query`. `nic_addresses` tells later which addresses belong to the NIC."""
    pool = values.dataset(row["storage_pool"], warn)
    image = row["image"] or {}
    variables = values.texts(row["environment"] or {}, warn)
    return Container(
        name=PixelName(row["name"]),
        status=values.status(row["status"], warn),
        addresses=tuple(found for alias in row["aliases"] or () if (found := address(alias, row["name"], warn))),
        cpu=values.cpu(row["cpu"], warn),
        memory=row["memory"],
        image=Image(**{key: image.get(key) or "" for key in ("os", "release", "variant", "description")}),
        environment={key: value for key, value in variables.items() if not key.startswith(METADATA_PREFIX)},
        metadata=metadata(variables, warn),
        autostart=bool(row["autostart"]),
        pool=pool,
        # The dataset in virt.global.config is that of the default pool only.
        dataset=f"{pool}/.ix-virt/containers/{row['name']}" if pool else None,
    )


def environment(variables: t.Mapping[str, str], metadata: Metadata) -> dict[str, str]:
    """Return the variables of a container with its metadata among them: the API has no other field that it keeps."""
    record = dict(variables)
    for name in FIELDS:
        if value := getattr(metadata, name):
            record[METADATA_PREFIX + name] = value
    record.update({LABEL_PREFIX + name: value for name, value in metadata.labels.items()})
    return record


def metadata(variables: t.Mapping[str, str], warn: Warn = values.ignore) -> Metadata:
    """Return the metadata among the variables of a container."""
    labels = {key.removeprefix(LABEL_PREFIX): value for key, value in variables.items() if key.startswith(LABEL_PREFIX)}
    return Metadata(
        labels=values.labels(labels, warn), **{name: variables.get(METADATA_PREFIX + name) for name in FIELDS}
    )


def address(alias: Row, name: str, warn: Warn = values.ignore) -> Address | None:
    """Convert an alias of a container; None for a link-local address, and with a warning for an invalid one."""
    family = values.FAMILIES.get(alias["type"])
    if family is None or not alias["address"]:
        return None
    packed = values.packed_address(family, alias["address"])
    if packed:
        return Address(family, values.format_address(packed), values.prefix_length(alias.get("netmask"), family))
    if not values.is_address(family, alias["address"]):
        warn(f"the NAS reports {values.quoted(alias['address'])} as an address of {name}: it is ignored")
    return None


def device(nic: Nic) -> dict[str, t.Any]:
    """Return the device that `virt.instance.create` and `virt.instance.device_update` accept for a NIC."""
    return {"dev_type": "NIC", "name": nic.name, "nic_type": nic.type.upper(), "parent": nic.parent}
