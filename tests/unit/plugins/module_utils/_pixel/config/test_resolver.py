# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the precedence of the sources of settings."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.resolver import resolve
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.schema import SETTINGS, command, text, texts
from tests.unit.plugins.module_utils._pixel.config.conftest import MINIMAL, settings_of


def test_options_come_before_variables():
    settings = settings_of({"host": "other", "port": 8443, "username": "admin"}, **MINIMAL, PIXELS_TRUENAS_PORT="9443")

    assert settings.endpoint.nas == "other:8443"
    assert settings.credential.username == "admin"


def test_an_empty_variable_is_ignored():
    assert settings_of(**MINIMAL, PIXELS_TRUENAS_USERNAME="").credential.username == "root"


def test_variables_come_before_the_file_and_options_before_both(configure):
    file = configure('[truenas]\nhost = "nas"\napi_key = "k"\nusername = "file"\n')
    variable = {**file, "PIXELS_TRUENAS_USERNAME": "variable"}

    assert settings_of(**file).credential.username == "file"
    assert settings_of(**variable).credential.username == "variable"
    assert settings_of({"username": "option"}, **variable).credential.username == "option"


def test_defaults_of_the_client_come_last(configure):
    def timeout(**variables):
        environ = {**MINIMAL, **variables}
        return resolve({}.get, environ=environ, defaults={"connect_timeout": 5.0})["connect_timeout"]

    assert timeout(XDG_CONFIG_HOME="/nonexistent") == 5
    assert timeout(**configure("[truenas]\nconnect_timeout = 7\n")) == 7


def test_a_password_option_overrides_a_key_in_the_environment():
    settings = settings_of({"password": "hunter2"}, **MINIMAL)

    assert settings.credential.api_key is None
    assert settings.credential.password == "hunter2"


@pytest.mark.parametrize("given", [{"password": "hunter2"}, {}])
def test_credentials_are_never_mixed_from_several_sources(configure, given):
    file = configure('[truenas]\nhost = "nas"\napi_key_file = "/nonexistent"\n')
    variables = {} if given else {"PIXELS_TRUENAS_PASSWORD": "hunter2"}

    assert settings_of(given, **file, **variables).credential.password == "hunter2"


TEXT_SETTINGS = [name for name, setting in SETTINGS.items() if setting.read in (text, texts, command)]


@pytest.mark.parametrize("name", TEXT_SETTINGS)
@pytest.mark.parametrize("value", ["secret\udcff", "\ud800", "secret\0"])
def test_a_text_that_cannot_be_encoded_is_refused_and_not_shown(name, value):
    variable = SETTINGS[name].variable

    with pytest.raises(Invalid, match=f"invalid variable {variable}: it is not UTF-8 text$") as raised:
        settings_of(**{**MINIMAL, variable: value})
    with pytest.raises(Invalid, match=f"invalid option {name}: it is not UTF-8 text$"):
        settings_of({name: [value] if SETTINGS[name].read is texts else value}, **MINIMAL)
    assert "secret" not in str(raised.value)


def test_an_error_names_the_line_of_a_zero_byte(configure):
    with pytest.raises(Invalid, match=r"config.toml line 2: invalid truenas.api_key_file: it is not UTF-8 text"):
        settings_of(**configure('[truenas]\napi_key_file = "a\\u0000b"\n'), PIXELS_TRUENAS_HOST="nas")


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


def test_a_profile_does_not_inherit_the_nas_of_the_file(configure):
    settings = settings_of({"profile": "home"}, **configure(PROFILES))

    assert (settings.endpoint.host, settings.credential.api_key, settings.profile) == ("home", "2-home", "home")
    assert settings.credential.username == "root"
    assert (settings.ssh.user, settings.ssh.port) == ("only-home", 2222)


def test_a_profile_option_overrides_the_nas_of_the_environment(configure):
    assert settings_of({"profile": "home"}, **configure(PROFILES), **MINIMAL).endpoint.host == "home"


def test_a_profile_variable_does_not_override_the_nas_of_the_environment(configure):
    assert settings_of(**configure(PROFILES), PIXELS_NAS="home").endpoint.host == "home"
    assert settings_of(**configure(PROFILES), PIXELS_NAS="home", PIXELS_TRUENAS_HOST="nas").endpoint.host == "nas"


def test_an_unknown_profile_is_reported_with_the_known_ones(configure):
    with pytest.raises(Invalid, match=r"unknown profile \[nas.office\]: .*config.toml has home"):
        settings_of({"profile": "office"}, **configure(PROFILES))


def test_a_profile_without_a_file_is_an_error():
    with pytest.raises(Invalid, match="there is no configuration file /nonexistent/pixels/config.toml"):
        settings_of({"profile": "office"})
    with pytest.raises(
        Invalid, match="the profile 'office': there is no configuration file /nonexistent/pixels/config"
    ):
        settings_of(**MINIMAL, PIXELS_NAS="office")


def test_a_missing_host_names_the_profiles(configure):
    with pytest.raises(Invalid, match="set profile to choose one of its profiles: home"):
        settings_of(**configure('[nas.home]\nhost = "home"\n'))


def test_a_file_that_is_set_must_exist():
    with pytest.raises(Invalid, match="cannot read the configuration file /nonexistent/x.toml: No such file"):
        settings_of({"config": "/nonexistent/x.toml"})


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


def test_the_kind_of_a_variable_says_where_it_is_set(configure):
    settings = settings_of(**MINIMAL, **configure(ENVIRONMENT), WHO="me", TOKEN="sesame")

    assert [(each.name, each.value) for each in settings.defaults.environment.image] == [("IMAGE", "me")]
    assert dict(settings.ssh.variables) == {"TOKEN": "sesame", "MODE": "fast"}
    assert "sesame" not in repr(settings)


def test_variables_of_a_profile_override_those_of_the_file(configure):
    settings = settings_of({"profile": "home"}, **configure(ENVIRONMENT), WHO="me")

    assert dict(settings.ssh.variables) == {"MODE": "slow"}
    assert [each.name for each in settings.defaults.environment.image] == ["IMAGE"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[env]\nK = 3", 'line 2: env "K": unsupported type integer'),
        ("[env]\n\n[env.K]\nvalue = true", 'line 3: env "K": unsupported type boolean'),
        ('[env]\n"A-B" = "x"', 'line 2: env "A-B": is not a variable name'),
        ("[nas.home.env]\nK = []", 'line 2: nas.home.env "K": unsupported type array'),
        ("env = 3", "env must be a table: write [env]"),
    ],
)
def test_an_error_names_the_line_of_an_invalid_variable(configure, text, problem):
    given = {"profile": "home"} if "home" in text else {}

    with pytest.raises(Invalid) as raised:
        settings_of(given, **MINIMAL, **configure(text))

    assert problem in str(raised.value)
