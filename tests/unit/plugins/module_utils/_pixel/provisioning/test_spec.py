# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the requested provisioning and its defaults."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.defaults import Defaults
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.env_table import Environment, ImageVariable
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import (
    ProvisionSpec,
    with_default_dns,
    with_default_environment,
)

KEY = "ssh-ed25519 AAAA me@here"


@pytest.mark.parametrize("server", ["9.9.9.9\nsearch evil.example", "dns.example", "", "1.1.1.1 8.8.8.8"])
def test_a_name_server_must_be_an_ip_address(server):
    with pytest.raises(Invalid, match="is not the IP address of a name server") as error:
        ProvisionSpec((KEY,), dns=(server,))

    problem = f"{server!r} is not the IP address of a name server"
    assert str(error.value) == f"cannot provision: {problem}"
    assert error.value.fields == (("provision.dns", problem),)


def test_what_is_omitted_is_root_by_the_shell_and_nothing_else():
    spec = ProvisionSpec((KEY,))

    assert (spec.user, spec.dns, spec.method, spec.environment, spec.accept_env) == ("root", None, "shell", (), ())


def test_variables_are_not_shown():
    assert "S3CRET" not in repr(ProvisionSpec((KEY,), environment=(("TOKEN", "S3CRET"),)))


@pytest.mark.parametrize(
    ("requested", "dns"), [(None, ("9.9.9.9",)), ((), ()), (("1.1.1.1", "fd00::1"), ("1.1.1.1", "fd00::1"))]
)
def test_default_name_servers_apply_where_none_are_requested(requested, dns):
    assert with_default_dns(ProvisionSpec((KEY,), dns=requested), ("9.9.9.9",)).dns == dns


def test_the_variables_of_the_settings_are_written_and_those_that_clients_send_are_accepted():
    class Settings:
        """What provisioning needs of the NAS: the defaults of new pixels."""

        defaults = Defaults(environment=Environment(image=(ImageVariable("LANG", "C.UTF-8"),), names=("EDITOR",)))

    spec = with_default_environment(Settings(), ProvisionSpec((KEY,)))

    assert spec.environment == (("LANG", "C.UTF-8"),)
    assert spec.accept_env == ("EDITOR",)
