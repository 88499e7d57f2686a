# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the NAS is and how to get in: options of the caller, then PIXELS_* variables, then defaults."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Timeouts

Value = t.Any

TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")


def boolean(text: str) -> bool:
    if text.lower() in TRUE + FALSE:
        return text.lower() in TRUE
    raise ValueError("is neither yes nor no")


def whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("is not a whole number") from None


def seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("is not a number of seconds") from None


class Setting(t.NamedTuple):
    """One option: its variable, how the variable's text is read, and what leaving both out means."""

    variable: str
    read: t.Callable[[str], Value]
    default: Value = None


# Names and variables as upstream pixels has them, where it has them.
SETTINGS: dict[str, Setting] = {
    "host": Setting("PIXELS_TRUENAS_HOST", str),
    "port": Setting("PIXELS_TRUENAS_PORT", whole, 443),
    "username": Setting("PIXELS_TRUENAS_USERNAME", str, "root"),
    "api_key": Setting("PIXELS_TRUENAS_API_KEY", str),
    "api_key_file": Setting("PIXELS_TRUENAS_API_KEY_FILE", str),
    "password": Setting("PIXELS_TRUENAS_PASSWORD", str),
    "login_mechanism": Setting("PIXELS_TRUENAS_LOGIN_MECHANISM", str, "auto"),
    "use_tls": Setting("PIXELS_TRUENAS_USE_TLS", boolean, default=True),
    "validate_certs": Setting("PIXELS_TRUENAS_VALIDATE_CERTS", boolean, default=True),
    "ca_path": Setting("PIXELS_TRUENAS_CA_PATH", str),
    "connect_timeout": Setting("PIXELS_CONNECT_TIMEOUT", seconds, 10.0),
    "call_timeout": Setting("PIXELS_CALL_TIMEOUT", seconds, 60.0),
    "login_wait": Setting("PIXELS_LOGIN_WAIT", seconds, 70.0),
    "ssh_user": Setting("PIXELS_SSH_USER", str, "root"),
    "ssh_key": Setting("PIXELS_SSH_KEY", str),
    "ssh_port": Setting("PIXELS_SSH_PORT", whole, 22),
}

# Upstream's way to say validate_certs: false.
INSECURE = "PIXELS_TRUENAS_INSECURE"

SECRETS = ("api_key", "api_key_file", "password")


@dataclass(frozen=True)
class Ssh:
    """How to log in to a pixel."""

    user: str
    key: str | None
    port: int


@dataclass(frozen=True)
class Settings:
    """All that is needed to reach a NAS and its pixels."""

    endpoint: Endpoint
    credential: Credential
    timeouts: Timeouts
    ssh: Ssh


def resolve(given: t.Callable[[str], Value], *, environ: t.Mapping[str, str] | None = None) -> Settings:
    """Settle every option.

    C(given) answers what the caller set for an option, None for nothing. Raises C(Invalid) for a missing host or
    credential, and for a variable that cannot be read.
    """
    values = {name: given(name) for name in SETTINGS}
    variables = from_environment(os.environ if environ is None else environ)
    if any(values[name] for name in SECRETS):
        # Who names one kind of credential does not mean another one that happens to be in the environment.
        variables = {name: value for name, value in variables.items() if name not in SECRETS}
    for name, setting in SETTINGS.items():
        if values[name] is None:
            values[name] = variables.get(name, setting.default)

    if not values["host"]:
        raise missing("host", "it says which TrueNAS host to talk to")
    return Settings(
        endpoint=Endpoint(
            host=values["host"],
            port=values["port"],
            validate_certs=values["validate_certs"],
            ca_path=os.path.expanduser(values["ca_path"]) if values["ca_path"] else None,
            plain=not values["use_tls"],
        ),
        credential=credential(values),
        timeouts=Timeouts(
            connect=values["connect_timeout"], call=values["call_timeout"], login_wait=values["login_wait"]
        ),
        ssh=Ssh(user=values["ssh_user"], key=values["ssh_key"], port=values["ssh_port"]),
    )


def from_environment(environ: t.Mapping[str, str]) -> dict[str, Value]:
    """The options that PIXELS_* variables set; an empty variable sets nothing."""
    found: dict[str, Value] = {}
    if environ.get(INSECURE):
        found["validate_certs"] = not read(INSECURE, environ[INSECURE], boolean)
    for name, setting in SETTINGS.items():
        text = environ.get(setting.variable)
        if text:
            found[name] = read(setting.variable, text, setting.read)
    return found


def read(variable: str, text: str, reader: t.Callable[[str], Value]) -> Value:
    try:
        return reader(text)
    except ValueError as error:
        raise Invalid(f"the variable {variable} cannot be read: {text!r} {error}") from None


def credential(values: t.Mapping[str, Value]) -> Credential:
    api_key, password = values["api_key"], values["password"]
    if not api_key and values["api_key_file"]:
        api_key = read_key(values["api_key_file"])
    if not api_key and not password:
        raise missing("api_key", "or api_key_file, or password, to log in with")
    return Credential(
        values["username"],
        api_key=api_key or None,
        password=None if api_key else password,
        mechanism=values["login_mechanism"],
    )


def read_key(path: str) -> str:
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            key = file.read().strip()
    except OSError as error:
        raise Invalid(
            f"the API key file {path} cannot be read: {error.strerror}", fields=(("api_key_file", ""),)
        ) from error
    if not key:
        raise Invalid(f"the API key file {path} is empty", fields=(("api_key_file", "empty"),))
    return key


def missing(option: str, why: str) -> Invalid:
    setting = SETTINGS[option]
    return Invalid(f"give the option {option} or the variable {setting.variable}: {why}", fields=((option, "missing"),))
