# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the checks of devices."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, NotPermitted
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import device_checks
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Device

DISK = Device("disk", source="/mnt/tank/data", path="/data")


class Stats:
    """A NAS with this answer to filesystem.stat."""

    nas = "nas"

    def __init__(self, answer):
        self._answer = answer

    def read(self, method, path):
        if isinstance(self._answer, Exception):
            raise self._answer
        return {"type": "DIRECTORY", "realpath": path, "size": 0, "mode": 0, "uid": 0, **self._answer}


@pytest.mark.parametrize(("only_datasets", "refused"), [(True, True), (False, False)])
def test_only_some_releases_require_a_dataset(only_datasets, refused):
    wire = Stats({"is_mountpoint": False})

    if not refused:
        device_checks.reject_missing_source(wire, DISK, only_datasets=only_datasets)
        return
    with pytest.raises(Invalid, match="cannot use the disk '/mnt/tank/data': .*mount point of a dataset"):
        device_checks.reject_missing_source(wire, DISK, only_datasets=only_datasets)


def test_a_file_is_no_directory():
    with pytest.raises(Invalid, match="it is not a directory"):
        device_checks.reject_missing_source(Stats({"type": "FILE", "is_mountpoint": False}), DISK, only_datasets=False)


def test_an_account_that_cannot_look_leaves_the_check_to_the_nas():
    device_checks.reject_missing_source(Stats(NotPermitted("no")), DISK, only_datasets=True)


def test_a_nas_without_a_gpu_says_so():
    with pytest.raises(Invalid, match="cannot use the GPU '0000:01:00.0': nas offers no GPU"):
        device_checks.reject_missing_gpu(Stats({}), Device("gpu", pci="0000:01:00.0"), ["\x1b[2J"])


@pytest.mark.parametrize("value", ["data", "/a\x1b[2J", "/" + "x" * 2000, "/\u202e", None, 7, []])
def test_what_is_no_path_is_not_shown(value):
    assert not device_checks.is_path(value)


def test_ids_of_usb_devices_have_one_form():
    assert device_checks.usb("0x046B", "FF10", None, 3) == Device("usb", vendor="046b", product="ff10")
    assert device_checks.usb(None, None, "usb_1_4", 3) == Device("usb", detail="usb_1_4")


@pytest.mark.parametrize("value", ["\u202e", "", 7, ["046b"], "x" * 200])
def test_a_usb_device_with_an_invalid_value_is_none(value):
    assert device_checks.usb(value, "ff10", None, 3) is None
    assert device_checks.usb(None, None, value, 3) is None


def test_invalid_devices_are_omitted_with_one_warning():
    warnings = []

    assert device_checks.valid([None, DISK, None], "px-web", warnings.append) == (DISK,)

    assert len(warnings) == 1
    assert warnings[0].startswith("ignored a device of px-web")
