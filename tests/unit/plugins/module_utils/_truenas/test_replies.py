# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies are checked before anything relies on them: what passes the check can be converted."""

from __future__ import annotations

import ast
import contextlib
import copy
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    OutcomeUnknown,
    PixelsError,
    UnexpectedReply,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments import isolation, segment
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import (
    datasets,
    files,
    host_network,
    image_list,
    image_registry,
    lxc_backend,
    nas,
    network,
    replies,
    shapes,
    snapshots,
    summary_row,
    sysctls,
    values,
    virt_backend,
)
from tests.unit.test_layers import METHOD

FOLDER = Path(replies.__file__).parent

INSTANCE = {
    "name": "px-web",
    "status": "RUNNING",
    "aliases": [
        {"type": "INET", "address": "10.0.0.5", "netmask": 24},
        {"type": "INET6", "address": "fd00::5", "netmask": 64},
    ],
    "cpu": "2",
    "memory": 2**30,
    "image": {"os": "Ubuntu", "release": "noble", "variant": "default", "description": "Ubuntu"},
    "environment": {"A": "b", "PIXELS/owner": "ann", "PIXELS/label/role": "front"},
    "autostart": True,
    "storage_pool": "tank",
}
CONTAINER = {
    "id": 3,
    "name": "px-web",
    "status": {"state": "RUNNING", "pid": None, "domain_state": "RUNNING"},
    "description": 'pixels.truenas: {"owner": "ann", "image": "ubuntu/24.04"}',
    "dataset": "tank/.truenas_containers/containers/px-web",
    "cpuset": "0-3",
    "initenv": {"A": "b"},
    "autostart": False,
    "devices": [{"id": 7, "attributes": {"dtype": "NIC", "nic_attach": "br0"}}],
    "shutdown_timeout": 30,
}
SNAPSHOT = {
    "name": "tank/a@b",
    "dataset": "tank/a",
    "snapshot_name": "b",
    "createtxg": "17",
    "holds": {"keep": 1},
    "properties": {
        **{name: {"rawvalue": "1700000000"} for name in ("creation", "used", "referenced")},
        "clones": {"rawvalue": "tank/c"},
        "pixels:made-by": {"rawvalue": "us", "source": "LOCAL"},
    },
}
RESOURCE = {
    "name": "tank/a@b",
    "dataset": "tank/a",
    "snapshot_name": "b",
    "createtxg": 17,
    "holds": ["keep"],
    "user_properties": {"pixels:made-by": "us"},
    "properties": {name: {"raw": "1700000000"} for name in ("creation", "used", "referenced")},
}
DATASET = {"id": "tank/a", "properties": {"origin": {"rawvalue": ""}, "createtxg": {"rawvalue": "17"}}}
INTERFACE = {
    "name": "eno1",
    "type": "BRIDGE",
    "fake": False,
    "description": "",
    "aliases": [{"type": "INET", "address": "10.0.0.2", "netmask": 24}],
    "ipv4_dhcp": False,
    "ipv6_auto": False,
    "bridge_members": ["eno1"],
    "vlan_parent_interface": None,
    "state": {
        "link_state": "LINK_STATE_UP",
        "aliases": [{"type": "INET", "address": "10.0.0.2", "netmask": 24}, {"type": "LINK", "address": "aa:bb"}],
    },
}
TUNABLE = {
    "id": 1,
    "type": "SYSCTL",
    "var": "net.ipv4.conf.br77.rp_filter",
    "value": "1",
    "comment": "",
    "enabled": True,
}
STAT = {"type": "FILE", "realpath": "/x", "size": 1, "mode": 0o644, "is_mountpoint": False, "uid": 0}
ACCOUNT = {"pw_name": "ann", "privilege": {"roles": {"FULL_ADMIN"}, "web_shell": True}}
IMAGES = [{"name": "ubuntu:noble:amd64:default", "versions": [{"version": "20260820_07:42"}]}]


class Answering:
    """A session that answers everything with the same."""

    nas = "nas.lan"

    def __init__(self, reply):
        self._reply = reply

    def read(self, method, *params, timeout=None):
        return self._reply

    def call(self, method, *params, timeout=None):
        return self._reply

    def run_job(self, method, *params, timeout=None, progress=None):
        return self._reply


def rows(wire):
    return virt_backend.VirtBackend(wire, None).list("px-")


CHOICE = {"os": "Ubuntu", "release": "noble", "variant": "default", "archs": ["amd64"], "instance_types": ["CONTAINER"]}
VIRT_DISK = {"dev_type": "DISK", "name": "a", "readonly": False, "source": "/mnt/tank", "destination": "/a"}
VIRT_USB = {"dev_type": "USB", "name": "b", "vendor_id": "046b", "product_id": "ff10", "bus": 1, "dev": 2}
READERS = {
    "virt.instance.query": ([INSTANCE], rows),
    "virt.instance.query in short": (
        [INSTANCE],
        lambda wire: [
            summary_row.summarize(row)
            for row in wire.read(*summary_row.query("px-"))
            if summary_row.is_plain(row, "px-")
        ],
    ),
    "container.query": ([CONTAINER], lambda wire: lxc_backend.LxcBackend(wire, None).find("px-web")),
    "pool.snapshot.query": (
        [SNAPSHOT],
        lambda wire: [snapshots.snapshot(row) for row in wire.read("pool.snapshot.query", [], {})],
    ),
    "zfs.resource.snapshot.query": (
        [RESOURCE],
        lambda wire: [
            snapshots.resource(row)
            for row in wire.read("zfs.resource.snapshot.query", {"paths": [], "properties": ["creation"]})
        ],
    ),
    "zfs.dataset.query": ([DATASET], lambda wire: datasets.find(wire, "tank/a")),
    "interface.query": ([INTERFACE], network.interfaces),
    "interface.query for a segment": (
        [INTERFACE],
        lambda wire: segment.fingerprint(host_network.HostNetwork(wire).interfaces(), "br77"),
    ),
    "tunable.query": (
        [TUNABLE],
        lambda wire: isolation.states(sysctls.Sysctls(wire).find([TUNABLE["var"]]) or {}, "br77"),
    ),
    "filesystem.stat": (STAT, lambda wire: files.stat(wire, "/x")),
    "auth.me": (ACCOUNT, nas.account),
    "container.image.query_registry": (IMAGES, lambda wire: image_registry.newest(wire, "ubuntu/24.04")),
    "container.image.query_registry for a list": (
        IMAGES,
        lambda wire: image_list.from_registry(wire, [], values.ignore),
    ),
    "virt.instance.image_choices": (
        {"ubuntu/noble/default": CHOICE},
        lambda wire: image_list.from_choices(wire, values.ignore),
    ),
    "virt.instance.device_list": (
        [VIRT_DISK, VIRT_USB],
        lambda wire: virt_backend.VirtBackend(wire, None).devices.list("px-web"),
    ),
    "system.version_short": ("25.10.6", nas.release),
}

NONSENSE = (
    None,
    5,
    10**4000,
    -1,
    1.5,
    float("nan"),
    True,
    "",
    "x",
    "\ud800",
    "9" * 5000,
    [],
    [{}],
    [None],
    {},
    {"x": {}},
    {"": []},
)


def variants(value):
    """The value with each of its parts replaced by each kind of invalid value, or omitted."""
    yield from NONSENSE
    if isinstance(value, dict):
        for name, each in value.items():
            yield {other: copy.deepcopy(part) for other, part in value.items() if other != name}
            for variant in variants(each):
                yield {**value, name: variant}
    if isinstance(value, list):
        yield value + value
        for number, each in enumerate(value):
            for variant in variants(each):
                yield [*value[:number], variant, *value[number + 1 :]]


@pytest.mark.parametrize("method", READERS)
def test_each_reply_of_a_nas_is_converted_or_an_unexpected_reply(method):
    reply, convert = READERS[method]
    convert(replies.CheckedWire(Answering(reply)))
    tried = 0

    for variant in variants(reply):
        tried += 1
        with contextlib.suppress(PixelsError):
            convert(replies.CheckedWire(Answering(variant)))

    assert tried >= len(NONSENSE)


def test_every_method_that_is_called_has_a_declared_reply():
    named = {
        node.value
        for path in FOLDER.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and METHOD.fullmatch(node.value)
    }
    services = {"zfs.snapshot", "pool.snapshot", "zfs.resource.snapshot"}
    downloads = {"filesystem.get"}
    # A job of the NAS's own, that is looked for.
    jobs = {"virt.global.setup"}

    assert named - services - downloads - jobs - replies.REPLIES.keys() - replies.QUERIES.keys() == set()


def test_an_unexpected_reply_names_nas_method_and_place():
    wire = replies.CheckedWire(Answering([{"name": "px-web"}]))

    with pytest.raises(UnexpectedReply) as caught:
        wire.read("virt.instance.query", [])

    assert str(caught.value).startswith("unexpected reply of nas.lan to virt.instance.query: [0].status is missing")
    assert "may or may not be done" not in str(caught.value)


@pytest.mark.parametrize("kind", ["call", "run_job"])
def test_after_a_change_its_outcome_is_unknown(kind):
    wire = replies.CheckedWire(Answering([{}]))

    with pytest.raises(OutcomeUnknown, match=r"virt\.instance\.stop may or may not be done"):
        getattr(wire, kind)("virt.instance.stop", "px-web")


def test_a_reply_that_is_nested_too_deeply_is_unexpected(monkeypatch):
    def descend(value, path):
        if value:
            descend(value[0], path)

    nested = []
    for _level in range(10_000):
        nested = [nested]
    monkeypatch.setitem(replies.REPLIES, "system.version_short", descend)

    with pytest.raises(shapes.Mismatch, match="nested too deeply"):
        replies.check("system.version_short", (), nested)
