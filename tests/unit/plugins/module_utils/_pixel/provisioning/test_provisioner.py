# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the choice between the two ways to provision; the tests of each of them provision pixels."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.defaults import Defaults
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.env_table import Environment
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import (
    provisioner,
    rootfs_provisioner,
    shell_provisioner,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

KEY = "ssh-ed25519 AAAA me@here"
PROVISIONERS = {"shell": shell_provisioner, "rootfs": rootfs_provisioner}


@pytest.fixture
def release():
    """One release is enough: no call depends on it."""
    return "25.10"


@pytest.fixture
def called(monkeypatch):
    """The calls of both provisioners, which do nothing."""
    calls = []
    for method, module in PROVISIONERS.items():
        for function in ("is_complete", "provision"):
            monkeypatch.setattr(
                module,
                function,
                lambda _pixels, _name, spec, *, method=method, function=function, **_options: calls.append(
                    (method, function, spec.accept_env)
                ),
            )
    return calls


@pytest.mark.parametrize("method", ["shell", "rootfs"])
def test_the_method_selects_the_provisioner_and_the_settings_add_variables(pixels, called, method):
    pixels.defaults = Defaults(environment=Environment(names=("TOKEN",)))
    spec = ProvisionSpec((KEY,), method=method)

    provisioner.is_complete(pixels, PixelName("px-web"), spec)
    provisioner.provision(pixels, PixelName("px-web"), spec, deadline=Deadline(1), stop_timeout=1, ssh_port=22)

    assert called == [(method, "is_complete", ("TOKEN",)), (method, "provision", ("TOKEN",))]
