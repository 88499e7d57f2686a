# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the types of settings."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._ansible import options
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._cli import nas_note
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.schema import CREDENTIALS, SECRETS, SETTINGS
from tests.unit.plugins.module_utils._pixel.config.conftest import MINIMAL, settings_of


@pytest.mark.parametrize(
    ("variable", "text", "problem"),
    [
        ("PIXELS_TRUENAS_PORT", "https", "not a whole number"),
        ("PIXELS_TRUENAS_PORT", "70000", "not a port number"),
        ("PIXELS_SSH_PORT", "99999", "not a port number"),
        ("PIXELS_SSH_PORT", "-1", "not a port number"),
        ("PIXELS_SSH_PORT", "0", r"not a port number \(1 to 65535\)"),
        ("PIXELS_TRUENAS_PORT", "00", r"not a port number \(1 to 65535\)"),
        ("PIXELS_CONNECT_TIMEOUT", "-5", "not a number of seconds"),
        ("PIXELS_CALL_TIMEOUT", "nan", "not a number of seconds"),
        ("PIXELS_SESSION_IDLE", "inf", "not a number of seconds"),
        ("PIXELS_CALL_TIMEOUT", "long", "not a number of seconds"),
        ("PIXELS_TRUENAS_VALIDATE_CERTS", "maybe", "not 'yes' or 'no'"),
    ],
)
def test_an_error_names_the_variable(variable, text, problem):
    with pytest.raises(Invalid, match=f"invalid variable {variable}: '{text}' is {problem}"):
        settings_of(**MINIMAL, **{variable: text})


@pytest.mark.parametrize("name", ["port", "ssh_port"])
@pytest.mark.parametrize("value", [0, -1, 65536])
def test_an_error_names_the_option_with_an_invalid_port(name, value):
    with pytest.raises(Invalid, match=rf"invalid option {name}: {value} is not a port number \(1 to 65535\)"):
        settings_of({name: value}, **MINIMAL)


def test_port_0_in_the_file_is_the_default_port(configure):
    assert settings_of(**configure('[truenas]\nhost = "nas"\nport = 0\napi_key = "k"\n')).endpoint.port == 443


@pytest.mark.parametrize(("text", "checked"), [("true", False), ("1", False), ("no", True)])
def test_the_upstream_variable_for_unchecked_certificates_is_accepted(text, checked):
    assert settings_of(**MINIMAL, PIXELS_TRUENAS_INSECURE=text).endpoint.validate_certs is checked


EVERYTHING = """
[truenas]
host = "nas"
port = 8443
username = "me"
api_key = "1-secret"
insecure_skip_verify = true
connect_timeout = 3
session = "direct"

[defaults]
image = "debian/12"
cpu = "4"
memory = 4096
pool = "fast"
nic_type = "BRIDGED"
parent = "br0"
dns = ["9.9.9.9", "1.1.1.1"]

[ssh]
user = "pixel"
key = "~/.ssh/other"

[checkpoint]
dataset_prefix = "tank/incus"
"""


def test_every_key_of_the_file_is_read(configure):
    settings = settings_of(**configure(EVERYTHING))

    assert settings.endpoint.nas == "nas:8443"
    assert not settings.endpoint.validate_certs
    assert (settings.credential.username, settings.credential.api_key) == ("me", "1-secret")
    assert (settings.timeouts.connect, settings.session, settings.dataset_prefix) == (3, "direct", "tank/incus")
    assert (settings.ssh.user, settings.ssh.key, settings.ssh.port) == ("pixel", "~/.ssh/other", 22)
    defaults = settings.defaults
    assert (defaults.image, defaults.cpu, defaults.memory, defaults.pool) == ("debian/12", "4", 4 * 1024**3, "fast")
    assert (defaults.parent, defaults.nic_type, defaults.dns) == ("br0", "bridged", ("9.9.9.9", "1.1.1.1"))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("parent = 5", "defaults.parent is not a quoted string"),
        ("memory = true", "defaults.memory is not an amount of memory"),
        ('memory = "lots"', "defaults.memory is not an amount of memory: use 2GiB"),
        ("cpu = 1.5", "defaults.cpu is not a number of cores or"),
        ('dns = "9.9.9.9"\nnic_type = "x"', "defaults.nic_type is not one of macvlan, bridged"),
        ("dns = [1]", "defaults.dns is not a list of strings"),
        (f"[truenas]\nconnect_timeout = 1{'0' * 400}", "truenas.connect_timeout is not a number of seconds"),
    ],
)
def test_an_error_names_the_line_of_a_value_of_the_wrong_type(configure, line, problem):
    with pytest.raises(Invalid, match=rf"config.toml line [23]: {problem}"):
        settings_of(**configure(f"[defaults]\n{line}\n"), **MINIMAL)


def test_one_list_of_secrets_is_used_everywhere():
    hidden = {name for name, spec in options.CONNECTION.items() if spec.get("no_log")}
    variables = {SETTINGS[name].variable: name for name in SECRETS}

    assert hidden == {*SECRETS} <= {*CREDENTIALS}
    assert variables == nas_note.SECRETS


def test_an_error_does_not_show_an_invalid_secret(configure):
    with pytest.raises(Invalid) as raised:
        settings_of(**configure("[truenas]\napi_key = 12345678\n"))
    assert "12345678" not in str(raised.value)
