# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of reading the devices that a user specifies."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import device_spec
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Device


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("disk,source=tank/data,path=/data", Device("disk", source="/mnt/tank/data", path="/data")),
        ("disk,source=/mnt/tank/my data/,path=//srv//x", Device("disk", source="/mnt/tank/my data", path="/srv/x")),
        (
            "proxy,listen_port=8080,connect_port=80",
            Device("proxy", protocol="tcp", listen_port=8080, connect_port=80),
        ),
        (
            "proxy,listen_port=53,connect_port=53,protocol=udp",
            Device("proxy", protocol="udp", listen_port=53, connect_port=53),
        ),
        ("gpu,pci=01:00.0", Device("gpu", pci="0000:01:00.0")),
        ("usb,vendor=0x046B,product=ff10", Device("usb", vendor="046b", product="ff10")),
    ],
)
def test_text_of_the_command_line_becomes_a_device(text, device):
    assert device_spec.parse([device_spec.parse_text(text)]) == (device,)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tpm,path=/dev/tpm0", "the type is one of disk, proxy, gpu, usb, nic"),
        ("nic,segment=eno1", "is not the name of a bridge such as br77"),
        ("nic,parent=eno1", "segment is missing"),
        ("disk,source", "use a form such as disk,"),
        ("disk,type=usb", "use a form such as disk,"),
        ("disk,source=tank/data", "path is missing"),
        ("disk,source=tank/data,path=/data,pci=1", "pci is not an option of this type"),
        ("disk,source=/etc,path=/data", "is not on a pool"),
        ("disk,source=../etc,path=/data", "neither a path nor a dataset"),
        ("disk,source=/mnt/tank/../../etc,path=/data", "is not an absolute path"),
        ("disk,source=tank,path=/", "is not an absolute path of a directory other than /"),
        ("disk,source=tank,path=/a\x1b[2J", "is not an absolute path"),
        ("proxy,listen_port=0,connect_port=80", "listen_port is not a number from 1 to 65535"),
        ("proxy,listen_port=x,connect_port=80", "listen_port is not a number from 1 to 65535"),
        ("proxy,listen_port=80,connect_port=80,protocol=sctp", "protocol is one of tcp, udp"),
        ("gpu,pci=1", "is not an address such as 0000:01:00.0"),
        ("usb,vendor=46b,product=ff10", "is not an ID of four hexadecimal digits"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(text, told):
    with pytest.raises(Invalid, match=told) as caught:
        device_spec.parse([device_spec.parse_text(text)])

    assert caught.value.fields[0][0] == "devices"
    assert str(caught.value).isprintable()


def test_a_device_that_is_listed_twice_is_refused():
    entry = {"type": "disk", "source": "tank/data", "path": "/data"}

    with pytest.raises(Invalid, match="'disk /data' is invalid: it is listed more than once"):
        device_spec.parse([entry, {**entry, "source": "tank/other"}])


def test_options_of_other_types_that_are_not_set_do_not_matter():
    assert device_spec.parse([{"type": "gpu", "pci": "0000:01:00.0", "path": None}])
