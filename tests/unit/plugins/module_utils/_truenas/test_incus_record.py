# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the files that Incus keeps beside those of a container, in a clone that is to become another's."""

from __future__ import annotations

import sys

import pytest
import yaml

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import MissingLibrary, NotPermitted, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import incus_record

WEB = "tank/.ix-virt/containers/px-web"
STAGED = "tank/.pixels-px-db.1"
FOLDER = f"/mnt/{STAGED}"


@pytest.fixture
def staged(truenas):
    """The files in a clone of px-web, which is to become px-db."""
    truenas.world.add_container("px-web", environment={"A": "b", "PIXELS/owner": "me"}, cpu="4")
    truenas.world.add_container("px-db", status="STOPPED", environment={"PIXELS/cloning": "web@ready"})
    truenas.world.add_snapshot("px-web", "ready")
    truenas.world.run(truenas.world.storage.clone(f"{WEB}@ready", STAGED))
    return truenas.world.storage.zfs.datasets[STAGED].beside


def test_the_record_of_a_clone_is_that_of_its_container(pixels, truenas, staged):
    before = yaml.safe_load(staged["backup.yaml"])

    assert pixels.containers.adopt(FOLDER, "px-db") == "px-web"

    record, db = yaml.safe_load(staged["backup.yaml"]), truenas.world.containers["px-db"]
    container = record["container"]
    assert (container["name"], record["volume"]["name"]) == ("px-db", "px-db")
    assert container["config"]["volatile.eth0.hwaddr"] == db.mac
    assert container["config"]["volatile.uuid"] == db.uuid
    assert {key: value for key, value in container["config"].items() if key.startswith("environment.")} == {
        "environment.PIXELS/cloning": "web@ready"
    }
    assert container["config"]["limits.cpu"] == "2"
    assert container["expanded_config"] == container["config"]
    assert str(container["created_at"]) == db.created.isoformat()
    assert record["volume"]["config"]["volatile.uuid"] != before["volume"]["config"]["volatile.uuid"]
    assert (record["pool"], record["profiles"]) == (before["pool"], before["profiles"])
    assert b"px-web" not in staged["backup.yaml"]
    assert {"state", "snapshots", "backups"}.isdisjoint(container)


def test_snapshots_of_incus_stay_with_the_source(pixels, staged):
    record = yaml.safe_load(staged["backup.yaml"])
    record |= {"snapshots": [{"name": "old"}], "volume_snapshots": [{"name": "old"}]}
    staged["backup.yaml"] = yaml.safe_dump(record).encode()

    pixels.containers.adopt(FOLDER, "px-db")

    assert {"snapshots", "volume_snapshots"}.isdisjoint(yaml.safe_load(staged["backup.yaml"]))


def test_dates_stay_as_incus_wrote_them(pixels, staged):
    date = b"2026-11-28T21:38:03.123456789Z"
    staged["backup.yaml"] = staged["backup.yaml"].replace(b"content_type: filesystem", b"dated: " + date)

    pixels.containers.adopt(FOLDER, "px-db")

    assert date in staged["backup.yaml"]


@pytest.mark.parametrize("value", ["on", "1:30", "0x1f", "~", "ünï 😀", "two\nlines: [", "2026-01-31"])
def test_values_of_the_container_are_text_as_they_are(pixels, truenas, staged, value):
    truenas.world.containers["px-db"].environment["A"] = value

    pixels.containers.adopt(FOLDER, "px-db")

    assert yaml.safe_load(staged["backup.yaml"])["container"]["config"]["environment.A"] == value


def test_the_templates_of_the_image_only_make_what_is_missing(pixels, staged):
    metadata = yaml.safe_load(staged["metadata.yaml"])
    seed = {"when": ["create", "copy"], "create_only": False, "template": "seed.tpl"}
    metadata["templates"]["/var/lib/cloud/seed/nocloud-net/meta-data"] = seed
    staged["metadata.yaml"] = yaml.safe_dump(metadata).encode()

    pixels.containers.adopt(FOLDER, "px-db")

    templates = yaml.safe_load(staged["metadata.yaml"])["templates"]
    assert {path: each["create_only"] for path, each in templates.items()} == {
        "/etc/hostname": True,
        "/etc/hosts": True,
        "/var/lib/cloud/seed/nocloud-net/meta-data": False,
    }


@pytest.mark.parametrize("metadata", [None, b"architecture: x86_64\n", b"templates: null\n", b"templates: {/a: b}\n"])
def test_an_image_without_templates_is_all_right(pixels, staged, metadata):
    del staged["metadata.yaml"]
    if metadata:
        staged["metadata.yaml"] = metadata

    assert pixels.containers.adopt(FOLDER, "px-db") == "px-web"


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (None, "is missing"),
        (b"container: [", "cannot be read"),
        (b"- a\n", "is not a mapping"),
        (b"\xff\xfe\xff", "cannot be read"),
        (b"container: 5\nvolume: {}\n", "is not the record of a container"),
        (b"container: {name: px-web}\n", "is not the record of a container"),
        (b"container: {name: px-web}\nvolume: {config: 5}\n", "is not the record of a container"),
        (b"a: " + b"[" * 20_000, "cannot be read"),
    ],
)
def test_a_record_that_is_none_is_refused(pixels, staged, record, problem):
    del staged["backup.yaml"]
    if record is not None:
        staged["backup.yaml"] = record

    with pytest.raises(Refused, match=problem):
        pixels.containers.adopt(FOLDER, "px-db")


def test_stars_in_the_place_of_a_record_are_refused():
    with pytest.raises(NotPermitted, match="VIRT_INSTANCE_WRITE"):
        incus_record.adopt(None, FOLDER, "********")


def test_without_pyyaml_the_package_to_install_is_reported(pixels, staged, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(MissingLibrary, match="pip install PyYAML"):
        pixels.containers.adopt(FOLDER, "px-db")


CONFIG = {"pool": "tank", "storage_pools": ["tank", "fast"]}


@pytest.mark.parametrize("quote", ['"', ""])
def test_the_dataset_with_the_record_of_another_container_is_reported_with_the_fix(quote):
    error = (
        'Internal storage validation failed: Failed checking volumes on pool "fast": '
        f"Instance {quote}px-db{quote} in project {quote}default{quote} has a different instance name in its backup "
        f"file ({quote}px-web{quote})"
    )

    problem = incus_record.setup_advice(error, CONFIG)

    assert "fast/.ix-virt/containers/px-db has the record of px-web" in problem
    assert "`zfs rename fast/.ix-virt/containers/px-db fast/.ix-virt/deleted/containers/px-db.unfit`" in problem


def test_other_errors_have_no_such_hint():
    assert incus_record.setup_advice("Missing dependencies: Network", CONFIG) is None
