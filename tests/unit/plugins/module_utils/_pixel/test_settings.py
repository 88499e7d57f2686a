# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of where options come from."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.settings import resolve

MINIMAL = {"PIXELS_TRUENAS_HOST": "nas", "PIXELS_TRUENAS_API_KEY": "1-secret"}


def settle(given=None, **environ):
    return resolve((given or {}).get, environ={"XDG_CONFIG_HOME": "/nonexistent", **environ})


@pytest.fixture
def configure(tmp_path):
    """Write a configuration file; the variable that leads to it."""

    def write(text):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return {"PIXELS_CONFIG": str(path)}

    return write


def test_variables_alone_are_enough():
    settled = settle(**MINIMAL)

    assert settled.endpoint.nas == "nas"
    assert settled.endpoint.validate_certs
    assert settled.credential.username == "root"
    assert settled.credential.api_key == "1-secret"
    assert settled.ssh.user == "root"


def test_options_come_before_variables():
    settled = settle({"host": "other", "port": 8443, "username": "admin"}, **MINIMAL, PIXELS_TRUENAS_PORT="9443")

    assert settled.endpoint.nas == "other:8443"
    assert settled.credential.username == "admin"


def test_an_empty_variable_is_no_variable():
    assert settle(**MINIMAL, PIXELS_TRUENAS_USERNAME="").credential.username == "root"


def test_a_password_that_is_named_wins_over_a_key_in_the_environment():
    settled = settle({"password": "hunter2"}, **MINIMAL)

    assert settled.credential.api_key is None
    assert settled.credential.password == "hunter2"


def test_a_key_file_is_read_without_its_newline(tmp_path):
    path = tmp_path / "key"
    path.write_text("7-from-file\n")

    assert settle({"api_key_file": str(path)}, **MINIMAL).credential.api_key == "7-from-file"


def test_a_key_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Invalid, match=r"no-such-file cannot be read: No such file"):
        settle({"host": "nas", "api_key_file": str(tmp_path / "no-such-file")})


def test_an_empty_key_file_is_named(tmp_path):
    path = tmp_path / "key"
    path.write_text("\n")

    with pytest.raises(Invalid, match="is empty"):
        settle({"host": "nas", "api_key_file": str(path)})


def test_a_missing_host_says_what_to_give():
    with pytest.raises(
        Invalid,
        match="option host, the variable PIXELS_TRUENAS_HOST or truenas.host in /nonexistent/pixels/config.toml",
    ):
        settle({"api_key": "1-secret"})


def test_a_missing_credential_says_what_to_give():
    with pytest.raises(Invalid, match="option api_key, the variable PIXELS_TRUENAS_API_KEY or truenas.api_key in "):
        settle({"host": "nas"})


@pytest.mark.parametrize(("text", "checked"), [("true", False), ("1", False), ("no", True)])
def test_upstreams_variable_for_unchecked_certificates_is_understood(text, checked):
    assert settle(**MINIMAL, PIXELS_TRUENAS_INSECURE=text).endpoint.validate_certs is checked


@pytest.mark.parametrize(
    ("variable", "text", "problem"),
    [
        ("PIXELS_TRUENAS_PORT", "https", "not a whole number"),
        ("PIXELS_TRUENAS_PORT", "70000", "no port"),
        ("PIXELS_SSH_PORT", "99999", "no port"),
        ("PIXELS_SSH_PORT", "-1", "no port"),
        ("PIXELS_CONNECT_TIMEOUT", "-5", "not a number of seconds"),
        ("PIXELS_CALL_TIMEOUT", "nan", "not a number of seconds"),
        ("PIXELS_SESSION_IDLE", "inf", "not a number of seconds"),
        ("PIXELS_CALL_TIMEOUT", "long", "not a number of seconds"),
        ("PIXELS_TRUENAS_VALIDATE_CERTS", "maybe", "neither yes nor no"),
    ],
)
def test_a_variable_that_cannot_be_read_is_named(variable, text, problem):
    with pytest.raises(Invalid, match=f"{variable} cannot be read: '{text}' is {problem}"):
        settle(**MINIMAL, **{variable: text})


def test_a_secret_is_in_no_representation():
    assert "secret" not in repr(settle(**MINIMAL))


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
    settled = settle(**configure(EVERYTHING))

    assert settled.endpoint.nas == "nas:8443"
    assert not settled.endpoint.validate_certs
    assert (settled.credential.username, settled.credential.api_key) == ("me", "1-secret")
    assert (settled.timeouts.connect, settled.session, settled.dataset_prefix) == (3, "direct", "tank/incus")
    assert (settled.ssh.user, settled.ssh.key, settled.ssh.port) == ("pixel", "~/.ssh/other", 22)
    defaults = settled.defaults
    assert (defaults.image, defaults.cpu, defaults.memory, defaults.pool) == ("debian/12", "4", 4 * 1024**3, "fast")
    assert (defaults.parent, defaults.nic_type, defaults.dns) == ("br0", "bridged", ("9.9.9.9", "1.1.1.1"))


def test_a_port_of_0_is_the_usual_one(configure):
    assert settle(**configure('[truenas]\nhost = "nas"\nport = 0\napi_key = "k"\n')).endpoint.port == 443


def test_variables_come_before_the_file_and_options_before_both(configure):
    file = configure(EVERYTHING)

    assert settle(**file, PIXELS_DEFAULT_MEMORY="1GiB").defaults.memory == 1024**3
    assert settle({"username": "option"}, **file, PIXELS_TRUENAS_USERNAME="variable").credential.username == "option"


@pytest.mark.parametrize("given", [{"password": "hunter2"}, {}])
def test_credentials_are_never_mixed_from_several_places(configure, given):
    file = configure('[truenas]\nhost = "nas"\napi_key_file = "/nonexistent"\n')
    variables = {} if given else {"PIXELS_TRUENAS_PASSWORD": "hunter2"}

    assert settle(given, **file, **variables).credential.password == "hunter2"


def test_a_key_can_be_asked_for(configure):
    file = configure('[truenas]\nhost = "nas"\napi_key_command = "printf \'%s\\\\n\' 5-asked"\n')

    assert settle(**file).credential.api_key == "5-asked"


@pytest.mark.parametrize(
    ("command", "problem"),
    [("false", "ended with 1"), ("true", "printed nothing"), ("/no/such", "No such file"), ("a 'b", "No closing")],
)
def test_a_key_that_cannot_be_had_is_told(command, problem):
    with pytest.raises(Invalid, match=problem):
        settle({"host": "nas"}, PIXELS_TRUENAS_API_KEY_COMMAND=command)


PROFILES = """
[truenas]
host = "main"
api_key = "1-main"
username = "main-user"

[ssh]
user = "everywhere"
port = 2222

[nas.home]
host = "home"
api_key = "2-home"

[nas.home.ssh]
user = "only-home"
"""


def test_a_profile_has_nothing_of_the_other_nas_but_what_all_share(configure):
    settled = settle({"profile": "home"}, **configure(PROFILES))

    assert (settled.endpoint.host, settled.credential.api_key, settled.profile) == ("home", "2-home", "home")
    assert settled.credential.username == "root"
    assert (settled.ssh.user, settled.ssh.port) == ("only-home", 2222)


def test_a_profile_that_is_named_comes_before_the_nas_of_the_environment(configure):
    assert settle({"profile": "home"}, **configure(PROFILES), **MINIMAL).endpoint.host == "home"


def test_a_profile_of_the_environment_is_another_words_for_the_file(configure):
    assert settle(**configure(PROFILES), PIXELS_NAS="home").endpoint.host == "home"
    assert settle(**configure(PROFILES), PIXELS_NAS="home", PIXELS_TRUENAS_HOST="nas").endpoint.host == "nas"


def test_a_profile_that_is_not_there_is_told_with_those_that_are(configure):
    with pytest.raises(Invalid, match=r"no profile \[nas.office\] in .*config.toml: it has home"):
        settle({"profile": "office"}, **configure(PROFILES))


def test_a_profile_without_a_file_is_told():
    with pytest.raises(Invalid, match="there is no configuration file /nonexistent/pixels/config.toml"):
        settle({"profile": "office"})


def test_who_names_no_nas_is_told_of_the_profiles(configure):
    with pytest.raises(Invalid, match="has the profiles home: choose one with PIXELS_NAS"):
        settle(**configure('[nas.home]\nhost = "home"\n'))


def test_a_file_that_is_named_must_be_there():
    with pytest.raises(Invalid, match="/nonexistent/x.toml cannot be read: No such file"):
        settle({"config": "/nonexistent/x.toml"})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("parent = 5", "defaults.parent is not a text in quotes"),
        ("memory = true", "defaults.memory is not an amount of memory"),
        ('memory = "lots"', "defaults.memory is not an amount of memory: write 2GiB"),
        ("cpu = 1.5", "defaults.cpu is neither a number of cores nor"),
        ('dns = "9.9.9.9"\nnic_type = "x"', "defaults.nic_type is none of macvlan, bridged"),
        ("dns = [1]", "defaults.dns is not a list of texts"),
    ],
)
def test_a_value_of_the_wrong_type_is_told_with_its_place(configure, line, problem):
    with pytest.raises(Invalid, match=rf"config.toml line [23]: {problem}"):
        settle(**configure(f"[defaults]\n{line}\n"), **MINIMAL)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('nic_type = "macvlan"', "line 2: a type alone says nothing of the interface"),
        ('network = "lan"', "line 2: the only network .* is incusbr0"),
        ('network = "incusbr0"\nparent = "eno1"', "and then to no interface"),
    ],
)
def test_a_default_network_that_cannot_be_is_told(configure, text, problem):
    with pytest.raises(Invalid, match=problem):
        settle(**configure(f"[defaults]\n{text}\n"), **MINIMAL)


def test_other_defaults_come_last(configure):
    def timeout(**variables):
        return resolve({}.get, environ={**MINIMAL, **variables}, usual={"connect_timeout": 5.0}).timeouts.connect

    assert timeout(XDG_CONFIG_HOME="/nonexistent") == 5
    assert timeout(**configure("[truenas]\nconnect_timeout = 7\n")) == 7


def test_a_wrong_value_of_a_secret_is_not_shown(configure):
    with pytest.raises(Invalid) as raised:
        settle(**configure("[truenas]\napi_key = 12345678\n"))
    assert "12345678" not in str(raised.value)


@pytest.mark.parametrize("command", ["false hunter2", "/nonexistent hunter2", "true hunter2", "sh 'hunter2"])
def test_a_command_that_has_no_key_is_named_without_what_it_was_given(configure, command):
    file = configure(f'[truenas]\nhost = "nas"\napi_key_command = "{command}"\n')

    with pytest.raises(Invalid, match="the API key could not be had") as raised:
        settle(**file)

    assert "hunter2" not in str(raised.value)


ENVIRONMENT = """
[env]
IMAGE = "$WHO"
TOKEN = {forward = true}
MODE = {value = "fast", session_only = true}

[nas.home]
host = "nas"
api_key = "1-secret"

[nas.home.env]
MODE = {value = "slow", session_only = true}
"""


def test_variables_of_the_file_go_where_their_kind_goes(configure):
    settled = settle(**MINIMAL, **configure(ENVIRONMENT), WHO="me", TOKEN="sesame")

    assert [(each.name, each.value) for each in settled.defaults.environment.image] == [("IMAGE", "me")]
    assert dict(settled.ssh.variables) == {"TOKEN": "sesame", "MODE": "fast"}
    assert "sesame" not in repr(settled)


def test_a_profile_has_its_own_variables_over_those_of_all(configure):
    settled = settle({"profile": "home"}, **configure(ENVIRONMENT), WHO="me")

    assert dict(settled.ssh.variables) == {"MODE": "slow"}
    assert [each.name for each in settled.defaults.environment.image] == ["IMAGE"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[env]\nK = 3", 'line 2: env "K": unsupported type integer'),
        ("[env]\n\n[env.K]\nvalue = true", 'line 3: env "K": unsupported type boolean'),
        ('[env]\n"A-B" = "x"', 'line 2: env "A-B": is no name of a variable'),
        ("[nas.home.env]\nK = []", 'line 2: nas.home.env "K": unsupported type array'),
        ("env = 3", "env is a table: write [env]"),
    ],
)
def test_a_variable_that_cannot_be_is_told_with_its_place(configure, text, problem):
    given = {"profile": "home"} if "home" in text else {}

    with pytest.raises(Invalid) as told:
        settle(given, **MINIMAL, **configure(text))

    assert problem in str(told.value)
