# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of comparing devices; test_pixels_container_devices.py has the changes on a NAS."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import device_changes
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import CurrentState, PixelSpec
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Device
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

NAME = PixelName("px-web")
DATA = Device("disk", source="/mnt/tank/data", path="/data", handle=1)
MOVED = Device("disk", source="/mnt/tank/other", path="/data")
PORT = Device("proxy", protocol="tcp", listen_port=8080, connect_port=80, handle=2)
GPU = Device("gpu", pci="0000:01:00.0")


def found(*devices, status="running", live=True):
    return CurrentState(Container(NAME, status), devices=devices, has_live_devices=live)


def test_differences_are_removed_changed_and_added():
    change = device_changes.compare(found(DATA, PORT), PixelSpec(NAME, devices=(MOVED, GPU), purge_devices=True))

    assert change == ((PORT,), ((DATA, MOVED),), (GPU,))
    assert change.remove[0].handle == 2


def test_the_plan_has_what_is_kept_as_well():
    before, after = {}, {}

    device_changes.plan(found(DATA, PORT), PixelSpec(NAME, devices=(MOVED, GPU)), before, after)

    assert before["devices"] == [DATA.as_dict(), PORT.as_dict()]
    assert after["devices"] == [MOVED.as_dict(), GPU.as_dict(), PORT.as_dict()]


@pytest.mark.parametrize(
    ("status", "live", "state", "refused"),
    [
        ("running", False, "present", True),
        ("running", False, "restarted", True),
        ("suspended", False, "started", True),
        ("running", False, "stopped", False),
        ("stopped", False, "started", False),
        ("running", True, "started", False),
    ],
)
def test_removing_from_a_running_pixel_is_refused_where_the_nas_cannot(status, live, state, refused):
    spec = PixelSpec(NAME, state=state, devices=(), purge_devices=True)
    current = found(DATA, status=status, live=live)

    if not refused:
        device_changes.plan(current, spec, {}, {})
        return
    with pytest.raises(Unsupported, match=f"disk /data of web cannot be removed while web is {status}"):
        device_changes.plan(current, spec, {}, {})
