# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how arguments are refused, in pydantic's words and in those of the older schema code."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator.errors import ValidationErrors
from tests.simulator.models import snapshot, virt_instance
from tests.simulator.models.base import Model, accept
from tests.simulator.models.query import LimitedQuery, OldQuery

NEW = {"name": "web1", "image": "debian/12"}
ENV_KEY = (
    "Assertion failed, ENV_KEY must not be empty, should start with alphanumeric characters, "
    "should not contain whitespaces, and can have _ and /"
)
ENV_VALUE = "Assertion failed, ENV_VALUE must have at least one non-whitespace character to be considered valid"
TAGS = "'DISK', 'GPU', 'PROXY', 'TPM', 'USB', 'NIC', 'PCI'"


def wrong(model: type[Model], *arguments: t.Any) -> list[tuple[str | None, str]]:
    with pytest.raises(ValidationErrors) as caught:
        accept(model, arguments)
    assert all(errno == 22 for *_rest, errno in caught.value.triples)
    return [(attribute, text) for attribute, text, _errno in caught.value.triples]


def test_defaults_are_filled_in_for_25_04() -> None:
    assert accept(virt_instance.OldCreate, [NEW]) == [
        {
            **NEW,
            "iso_volume": None,
            "source_type": "IMAGE",
            "storage_pool": None,
            "remote": "LINUX_CONTAINERS",
            "instance_type": "CONTAINER",
            "environment": None,
            "autostart": True,
            "cpu": None,
            "devices": None,
            "memory": None,
        }
    ]


def test_defaults_are_filled_in_for_25_10() -> None:
    [created] = accept(virt_instance.Create, [NEW])

    assert "iso_volume" not in created
    assert (created["root_disk_size"], created["root_disk_io_bus"], created["privileged_mode"]) == (10, "NVME", False)


@pytest.mark.parametrize(
    ("change", "attribute", "text"),
    [
        ({"name": ""}, "name", "String should have at least 1 character"),
        ({"name": "n" * 201}, "name", "String should have at most 200 characters"),
        ({"foo": 1}, "foo", "Extra inputs are not permitted"),
        ({"memory": 1}, "memory", "Value error, Value must be 32MiB or larger"),
        ({"memory": "2GiB"}, "memory", "Input should be a valid integer"),
        ({"memory": 2.0}, "memory", "Input should be a valid integer"),
        ({"cpu": 2}, "cpu", "Input should be a valid string"),
        ({"cpu": "2" * 1025}, "cpu", "String should have at most 1024 characters"),
        ({"autostart": "true"}, "autostart", "Input should be a valid boolean"),
        ({"instance_type": "VM"}, "instance_type", "Input should be 'CONTAINER'"),
        ({"environment": {"A B": "x"}}, "environment.A B.[key]", ENV_KEY),
        ({"environment": {"A": " "}}, "environment.A", ENV_VALUE),
        ({"devices": [{}]}, "devices.0.dev_type", "Field required"),
        (
            {"devices": [{"dev_type": "NIC", "nic_type": "X"}]},
            "devices.0.NIC.nic_type",
            "Input should be 'BRIDGED' or 'MACVLAN'",
        ),
        (
            {"devices": [{"dev_type": "DISK", "source": "/etc"}]},
            "devices.0.DISK.source",
            "Value error, Only pool paths are allowed",
        ),
        (
            {"devices": [{"dev_type": "DISK", "source": "/mnt/.ix-apps/a"}]},
            "devices.0.DISK.source",
            "Value error, Invalid source",
        ),
        ({"devices": [{"dev_type": "PROXY"}]}, "devices.0.PROXY.source_proto", "Field required"),
    ],
)
def test_a_wrong_member_is_refused_by_name(change: dict[str, t.Any], attribute: str, text: str) -> None:
    for model in (virt_instance.OldCreate, virt_instance.Create):
        assert wrong(model, {**NEW, **change})[0] == (f"virt_instance_create.{attribute}", text)


def test_the_tags_of_devices_are_listed_in_the_releases_order() -> None:
    devices = {**NEW, "devices": [{"dev_type": "FOO"}]}
    text = "Input tag 'FOO' found using 'dev_type' does not match any of the expected tags: "

    assert wrong(virt_instance.OldCreate, devices) == [("virt_instance_create.devices.0", text + TAGS)]
    assert wrong(virt_instance.Create, devices) == [("virt_instance_create.devices.0", f"{text}{TAGS}, 'CDROM'")]


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (virt_instance.OldCreate, {"privileged_mode": True}),
        (virt_instance.OldCreate, {"root_disk_size": 10}),
        (virt_instance.OldCreate, {"enable_vnc": False}),
        (virt_instance.Create, {"iso_volume": None}),
        (virt_instance.Create, {"vnc_port": 5900}),
    ],
)
def test_members_of_other_releases_are_refused(model: type[Model], change: dict[str, t.Any]) -> None:
    [(_attribute, text)] = wrong(model, {**NEW, **change})

    assert text == "Extra inputs are not permitted"


def test_a_mac_of_a_nic_came_with_25_10() -> None:
    nic = {**NEW, "devices": [{"dev_type": "NIC", "mac": "00:16:3e:00:00:01"}]}

    assert accept(virt_instance.Create, [nic])
    assert wrong(virt_instance.OldCreate, nic) == [
        ("virt_instance_create.devices.0.NIC.mac", "Extra inputs are not permitted")
    ]


def test_arguments_are_positional_and_counted() -> None:
    assert wrong(virt_instance.Create) == [("virt_instance_create", "Field required")]
    assert wrong(virt_instance.Change, "web1") == [("virt_instance_update", "Field required")]
    assert wrong(virt_instance.Id, "web1", True) == [("", "Too many arguments (expected 1, found 2)")]


def test_a_change_hands_on_only_what_was_sent() -> None:
    assert accept(virt_instance.Change, ["web1", {}]) == ["web1", {}]
    assert accept(virt_instance.Change, ["web1", {"cpu": None}]) == ["web1", {"cpu": None}]
    assert wrong(virt_instance.Change, "web1", {"image": "x"})[0][1] == "Extra inputs are not permitted"


def test_stopping_needs_an_end() -> None:
    text = "Value error, Timeout should be set if force is disabled"

    assert wrong(virt_instance.Stop, "web1") == wrong(virt_instance.Stop, "web1", {}) == [("", text)]
    assert accept(virt_instance.Stop, ["web1", {"force": True}]) == ["web1", {"timeout": -1, "force": True}]


def test_filters_are_checked_and_limits_came_with_25_10() -> None:
    assert wrong(OldQuery, ["id", "=", "x"]) == [("filters", "Value error, Invalid operation: i")]
    assert accept(OldQuery, [[], {"limit": 10_001, "extend": None}])
    assert wrong(LimitedQuery, [], {"limit": 10_001})[0][0] == "options.limit"
    assert wrong(LimitedQuery, [], {"extend": None})[0][1] == "Extra inputs are not permitted"


@pytest.mark.parametrize(
    ("options", "attribute", "text"),
    [
        ({"recursive": "yes"}, "options.recursive", "Not a boolean"),
        ({"recursive": None}, "options.recursive", "null not allowed"),
        ({"foo": 1}, "options.foo", "Field was not expected"),
    ],
)
def test_the_older_schema_code_has_other_messages(options: dict[str, t.Any], attribute: str, text: str) -> None:
    assert wrong(snapshot.OldDelete, "tank@a", options) == [(attribute, text)]
    assert wrong(snapshot.Delete, "tank@a", options)[0][1] != text
