# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of sysctls that a NAS keeps."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotPermitted
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.sysctls import Sysctl, Sysctls

NAME, OTHER = "net.ipv4.conf.eno1.rp_filter", "net.ipv4.conf.eno2.rp_filter"

pytestmark = pytest.mark.parametrize("release", [pytest.param("25.04", marks=pytest.mark.wide), "25.10", "26"])


def test_a_sysctl_is_set_changed_and_set_back(pixels, truenas):
    sysctls, network = Sysctls(pixels.wire), truenas.world.network

    assert sysctls.create(Sysctl(NAME, "1", "for pixels"))
    found = sysctls.find([NAME, OTHER])
    assert found == {NAME: Sysctl(NAME, "1", "for pixels", is_enabled=True, handle=1)}
    sysctls.update(found[NAME], value="2", comment="other")
    assert (network.sysctl(NAME), network.tunables[0].comment) == ("2", "other")
    sysctls.delete(found[NAME])

    assert (sysctls.find([NAME]), network.sysctl(NAME)) == ({}, "0")


def test_a_name_that_the_middleware_does_not_know_is_no_error(pixels, truenas):
    assert not Sysctls(pixels.wire).create(Sysctl("net.ipv4.conf.br99.rp_filter", "1"))
    assert truenas.world.network.tunables == []


def test_without_roles_sysctls_are_unknown_and_errors_name_the_role(pixels, truenas):
    for role in ("SYSTEM_TUNABLE_READ", "SYSTEM_TUNABLE_WRITE"):
        truenas.faults.add("remove_role", role=role)

    assert Sysctls(pixels.wire).find([NAME]) is None
    with pytest.raises(NotPermitted, match="SYSTEM_TUNABLE_WRITE"):
        Sysctls(pixels.wire).create(Sysctl(NAME, "1"))
