# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapt the files that Incus keeps beside the root directory in a dataset that becomes another container's.

When Incus is set up again (after an upgrade of TrueNAS, or when the pool for containers is chosen again), it registers
containers from `backup.yaml` in their datasets. If one record names another container than its dataset, that fails for
the whole pool (storage/backend.go of Incus 6.0.4, checked on a real system). A record with the MAC address or the
metadata of another container would duplicate them. So a dataset gets its new record before it is renamed.

The middleware rewrites the record as YAML in the same way (plugins/virt/recover_utils.py of TS-25.10).
"""

from __future__ import annotations

import re
import sys
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import MissingLibrary, NotPermitted, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import files

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]
Record = dict[str, t.Any]
Read = t.Callable[[], "bytes | None"]
ReadOnce = t.Callable[[str, Read], "bytes | None"]

RECORD = "backup.yaml"
METADATA = "metadata.yaml"

NOT_RECORDED = ("backups", "state", "snapshots")
"""Fields that an instance has in the API of Incus but not in its record (shared/api/instance.go: InstanceFull)."""

SNAPSHOTS = ("snapshots", "volume_snapshots")
"""Snapshots made by Incus, which remain with the dataset from which a clone is made."""

SEEDS = "/var/lib/cloud/seed/"
"""The seeds of cloud-init. They must be written again, so that a clone initializes itself as a new instance."""

MODE = 0o400

MISMATCH = re.compile(
    r'Instance "?(?P<name>[A-Za-z0-9-]+)"? in project .* has a different instance name in its backup file '
    r'\("?(?P<other>[A-Za-z0-9-]+)"?\)'
)


def always_read(_name: str, read: Read) -> bytes | None:
    """Read a file each time."""
    return read()


def adopt(wire: Wire, directory: str, raw: t.Any, read_once: ReadOnce = always_read) -> str:
    """Make the record in a mounted dataset that of the container `raw`, and return the name it had before.

    `directory` is where the dataset is mounted; `raw` is the container in the API of Incus; `read_once` may cache files
    that several datasets share. Also prevents Incus from overwriting files in the dataset with the templates of the
    image, which it writes before the first start of a container.

    Raises `NotPermitted` if the account does not see `raw`, and `Refused` for a record that cannot be read.
    """
    if not isinstance(raw, dict):
        raise NotPermitted("the account may not read the record of a container: give it the role VIRT_INSTANCE_WRITE")
    record = load(wire, directory, RECORD, read_once)
    if record is None:
        raise Refused(f"{directory}/{RECORD} is missing on {wire.nas}: Incus identifies a container by it")
    try:
        before = str(record["container"]["name"])
        record["volume"]["name"] = raw["name"]
        if "volatile.uuid" in (record["volume"].get("config") or {}):
            # Imported here: it loads much, and most commands do not clone.
            import uuid

            record["volume"]["config"]["volatile.uuid"] = str(uuid.uuid4())
    except (KeyError, TypeError, AttributeError):
        raise Refused(f"{directory}/{RECORD} on {wire.nas} is not the record of a container") from None
    record["container"] = {key: value for key, value in raw.items() if key not in NOT_RECORDED}
    for key in SNAPSHOTS:
        record.pop(key, None)
    store(wire, f"{directory}/{RECORD}", record)
    protect_template_targets(wire, directory, read_once)
    return before


def protect_template_targets(wire: Wire, directory: str, read_once: ReadOnce) -> None:
    """Have the templates of the image create missing files only."""
    metadata = load(wire, directory, METADATA, read_once) or {}
    templates = metadata.get("templates")
    if not isinstance(templates, dict):
        return
    for target, template in templates.items():
        if isinstance(template, dict) and not str(target).startswith(SEEDS):
            template["create_only"] = True
    store(wire, f"{directory}/{METADATA}", metadata)


def load(wire: Wire, directory: str, name: str, read_once: ReadOnce) -> Record | None:
    """Return the mapping in a YAML file, with dates as strings; None if there is no file. Raises `Refused`."""
    yaml, path = import_yaml(), f"{directory}/{name}"

    class Loader(yaml.SafeLoader):  # type: ignore[misc, name-defined]
        """Loads dates as strings: Incus accepts only the form in which it wrote them."""

    Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _loader, node: node.value)

    def read() -> bytes | None:
        found = files.stat(wire, path)
        if found is not None and found.type != "file":
            raise Refused(f"{path} on {wire.nas} is not a file but a {found.type}")
        return files.read(wire, path) if found else None

    text = read_once(name, read)
    if text is None:
        return None
    try:
        content = yaml.load(text, Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Refused(f"{path} on {wire.nas} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise Refused(f"{path} on {wire.nas} cannot be read: it is not a mapping")
    return content


def store(wire: Wire, path: str, content: Record) -> None:
    """Write a mapping to a YAML file."""
    text: str = import_yaml().safe_dump(content, sort_keys=False)
    files.write(wire, path, text.encode(), mode=MODE)


def import_yaml() -> t.Any:
    """Return PyYAML, which ansible-core requires. Raises `MissingLibrary`."""
    try:
        import yaml
    except ImportError as error:
        raise MissingLibrary(
            f"cannot read the record of a container: the Python library PyYAML is not installed for {sys.executable}. "
            f"Install it with {sys.executable} -m pip install PyYAML",
            library="PyYAML",
            trace=str(error),
        ) from error
    return yaml


def setup_advice(error: str, config: Row) -> str | None:
    """Return what to do about a setup that failed for the record of another container; None for any other error."""
    found = MISMATCH.search(error)
    if found is None:
        return None
    pools = [pool for pool in config["storage_pools"] if f'"{pool}"' in error] or [config["pool"]]
    root = f"{pools[0]}/.ix-virt"
    dataset, aside = f"{root}/containers/{found['name']}", f"{root}/deleted/containers/{found['name']}.unfit"
    return (
        f"The dataset {dataset} has the record of {found['other']}. As root in the shell of the NAS, rename it with "
        f"`zfs rename {dataset} {aside}`, then restart the NAS, or unset and choose the pool again in the web "
        f"interface (Containers, Configuration). {found['name']} can be created again afterwards"
    )
