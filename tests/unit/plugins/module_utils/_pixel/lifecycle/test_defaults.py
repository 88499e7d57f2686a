# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what the specification of a pixel is completed with; tests of the modules cover clones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import Origin, Source
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.defaults import Defaults, EgressDefaults
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.defaults import resolve_defaults
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import CurrentState, PixelSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Image, Metadata, Nic
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.virt_backend import VirtBackend

DETECTED = Nic("eno1", "macvlan")
NOTHING_OPEN = policy.parse("none")


@pytest.fixture
def release():
    """One release is enough: each backend has tests of its own."""
    return "25.10"


def test_a_new_pixel_gets_the_defaults(pixels):
    spec = resolve_defaults(pixels, PixelSpec(PixelName("px-web")), None, default_nic=lambda: DETECTED)

    assert (spec.image, spec.cpu, spec.memory) == (pixels.defaults.image, pixels.defaults.cpu, pixels.defaults.memory)
    assert (spec.nic, spec.autostart, spec.pool) == (DETECTED, True, "tank")


def test_requested_values_precede_the_defaults(pixels):
    requested = PixelSpec(PixelName("px-web"), image="debian/12", cpu="1", memory=2**30, autostart=False, nic=DETECTED)

    spec = resolve_defaults(pixels, requested, None, default_nic=lambda: None)

    assert spec == replace(requested, environment={}, pool="tank")


@pytest.mark.parametrize(("pending", "autostart"), [(None, None), ("autostart", True)])
def test_an_existing_pixel_gets_only_what_its_creation_left_open(pixels, pending, autostart):
    current = CurrentState(Container(PixelName("px-web"), "running", metadata=Metadata(pending=pending)))

    spec = resolve_defaults(pixels, PixelSpec(PixelName("px-web")), current, default_nic=lambda: DETECTED)

    assert spec == PixelSpec(PixelName("px-web"), autostart=autostart)


def test_an_unknown_pool_is_rejected_with_the_known_ones(pixels):
    with pytest.raises(Invalid, match="nosuch.*tank"):
        resolve_defaults(pixels, PixelSpec(PixelName("px-web"), pool="nosuch"), None, default_nic=lambda: DETECTED)


@pytest.mark.parametrize("state", ["present", "stopped", "absent"])
def test_provisioning_requires_a_running_pixel(pixels, state):
    spec = PixelSpec(PixelName("px-web"), state, provision=ProvisionSpec(("ssh-ed25519 AAAA",)))

    with pytest.raises(Invalid, match="web"):
        resolve_defaults(pixels, spec, None, default_nic=lambda: DETECTED)


def test_a_new_pixel_gets_the_configured_egress_policy(pixels):
    pixels.defaults = replace(pixels.defaults, egress=EgressDefaults("none"))

    assert (
        resolve_defaults(pixels, PixelSpec(PixelName("px-web")), None, default_nic=lambda: DETECTED).egress
        == NOTHING_OPEN
    )

    current = CurrentState(Container(PixelName("px-web"), "running"))
    assert (
        resolve_defaults(pixels, PixelSpec(PixelName("px-web")), current, default_nic=lambda: DETECTED).egress is None
    )


def test_a_requested_egress_policy_precedes_the_configured_one(pixels):
    pixels.defaults = replace(pixels.defaults, egress=EgressDefaults("none"))
    requested = PixelSpec(PixelName("px-web"), egress=policy.parse("unrestricted"))

    assert resolve_defaults(pixels, requested, None, default_nic=lambda: DETECTED).egress == requested.egress


def test_unrestricted_pixels_by_default_are_not_inspected(pixels):
    pixels.defaults = replace(pixels.defaults, egress=EgressDefaults("unrestricted", {"allow": ("a.example",)}))

    assert resolve_defaults(pixels, PixelSpec(PixelName("px-web")), None, default_nic=lambda: DETECTED).egress is None


class Nas:
    """A wire that knows the interfaces of a NAS, and nothing else."""

    nas = "nas.example.org"

    def read(self, method, *params, timeout=None):
        assert method == "virt.device.nic_choices"
        return {DETECTED.parent: DETECTED.parent}


class Sources:
    """The sources of clones, of which there is one."""

    def __init__(self, container, nic):
        self._found = Source(container, "tank/px-base@ready", "ready"), nic

    def find(self, origin, target):
        return self._found


BASE = Container(
    PixelName("px-base"),
    "stopped",
    cpu="3",
    memory=3 * 2**30,
    image=Image("Debian", "bookworm", "cloud"),
    environment={"A": "b"},
    pool="fast",
    metadata=Metadata(egress=NOTHING_OPEN.note),
)
CLONE = PixelSpec(PixelName("px-web"), origin=Origin(PixelName("px-base"), "ready"))
OF_THE_SOURCE = Nic("br0", "bridged")


def clone(spec, base=BASE, nic=OF_THE_SOURCE):
    """The specification of a clone, without a NAS."""
    pixels = Pixels(Nas())
    pixels.backend = VirtBackend(pixels.wire, None)
    return resolve_defaults(pixels, spec, None, default_nic=lambda: DETECTED, sources=Sources(base, nic))


def test_a_clone_is_as_its_source():
    assert clone(CLONE) == replace(
        CLONE,
        source=Source(BASE, "tank/px-base@ready", "ready"),
        image="debian/bookworm/cloud",
        cpu="3",
        memory=3 * 2**30,
        environment={"A": "b"},
        autostart=True,
        pool="fast",
        nic=OF_THE_SOURCE,
        egress=NOTHING_OPEN,
    )


def test_requested_values_precede_those_of_the_source():
    requested = replace(
        CLONE,
        image="debian/12",
        cpu="1",
        memory=2**30,
        environment={},
        autostart=False,
        pool="fast",
        nic=DETECTED,
        egress=policy.parse("internet"),
    )

    assert replace(clone(requested), source=None) == requested


def test_what_the_source_does_not_have_is_a_default():
    spec = clone(CLONE, Container(PixelName("px-base"), "stopped", pool="fast"), nic=None)

    assert (spec.image, spec.nic, spec.egress) == (Defaults().image, DETECTED, None)
    assert (spec.cpu, spec.memory, spec.environment) == (None, None, {})


def test_a_clone_cannot_be_on_another_pool():
    with pytest.raises(Invalid) as refused:
        clone(replace(CLONE, pool="tank"))

    assert str(refused.value) == (
        "cannot use the storage pool 'tank': a clone is on the pool of its source, and base is on fast"
    )
    assert [field for field, _problem in refused.value.fields] == ["storage_pool"]
