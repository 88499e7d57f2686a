# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the NAS is and how to get in: options of the caller, then PIXELS_* variables, then a file, then defaults."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint, Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import config_file, environment, secrecy
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.defaults import Defaults
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.sizes import parse_memory

Value = t.Any
Given = t.Callable[[str], Value]

TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")
NIC_TYPES = ("macvlan", "bridged")
SESSIONS = ("auto", "direct")
TRANSPORTS = ("auto", "ssh", "shell")

# The bridge that TrueNAS makes for containers. Its API has no words for others, nor for it: a container without an
# interface of its own gets it from the profile.
BRIDGES = ("incusbr0", "truenasbr0")
"""What releases call the bridge that a NAS has for containers."""


# What reads a value: the text of a variable, or what TOML made of the file. Raises ValueError with what is wrong.


def text(value: Value) -> str:
    if not isinstance(value, str):
        raise ValueError("is not a text in quotes")
    return value


def boolean(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in TRUE + FALSE:
        raise ValueError("is neither yes nor no" if isinstance(value, str) else "is neither true nor false")
    return value.lower() in TRUE


def whole(value: Value) -> int:
    try:
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            return int(value)
    except ValueError:
        pass
    raise ValueError("is not a whole number")


def port(value: Value) -> int | None:
    """Upstream writes 0 for the usual one."""
    number = whole(value)
    if not 0 <= number <= 65535:
        raise ValueError("is no port: there are 1 to 65535")
    return number or None


def seconds(value: Value) -> float:
    try:
        if isinstance(value, (int, float, str)) and not isinstance(value, bool) and 0 <= float(value) < float("inf"):
            return float(value)
    except ValueError:
        pass
    raise ValueError("is not a number of seconds")


def texts(value: Value) -> tuple[str, ...]:
    """A list; a variable has its items between blanks or commas."""
    if isinstance(value, str):
        return tuple(value.replace(",", " ").split())
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise ValueError("is not a list of texts")
    return tuple(value)


def cores(value: Value) -> str:
    """A number, or a set of them such as C(0-3)."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError("is neither a number of cores nor a text in quotes")
    return str(value)


def memory(value: Value) -> int:
    """Bytes; a bare number counts MiB."""
    try:
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            return parse_memory(value)
    except Invalid as error:
        raise ValueError(f"is not an amount of memory: {error.fields[0][1]}") from None
    raise ValueError("is not an amount of memory: write 2GiB, 2048MiB or a number of MiB")


def one_of(*words: str) -> t.Callable[[Value], str]:
    def read(value: Value) -> str:
        if not isinstance(value, str) or value.lower() not in words:
            raise ValueError(f"is none of {', '.join(words)}")
        return value.lower()

    return read


class Setting(t.NamedTuple):
    """One option: its variable, its key in the file, how either is read, and what leaving them out means."""

    variable: str
    key: str
    read: t.Callable[[Value], Value]
    default: Value = None


# Names, variables and keys as upstream pixels has them, where it has them.
SETTINGS: dict[str, Setting] = {
    "host": Setting("PIXELS_TRUENAS_HOST", "truenas.host", text),
    "port": Setting("PIXELS_TRUENAS_PORT", "truenas.port", port, 443),
    "username": Setting("PIXELS_TRUENAS_USERNAME", "truenas.username", text, "root"),
    "api_key": Setting("PIXELS_TRUENAS_API_KEY", "truenas.api_key", text),
    "api_key_file": Setting("PIXELS_TRUENAS_API_KEY_FILE", "truenas.api_key_file", text),
    "api_key_command": Setting("PIXELS_TRUENAS_API_KEY_COMMAND", "truenas.api_key_command", text),
    "password": Setting("PIXELS_TRUENAS_PASSWORD", "truenas.password", text),
    "login_mechanism": Setting(
        "PIXELS_TRUENAS_LOGIN_MECHANISM", "truenas.login_mechanism", one_of("auto", "scram", "plain"), "auto"
    ),
    "use_tls": Setting("PIXELS_TRUENAS_USE_TLS", "truenas.use_tls", boolean, default=True),
    "validate_certs": Setting("PIXELS_TRUENAS_VALIDATE_CERTS", "truenas.validate_certs", boolean, default=True),
    "ca_path": Setting("PIXELS_TRUENAS_CA_PATH", "truenas.ca_path", text),
    "connect_timeout": Setting("PIXELS_CONNECT_TIMEOUT", "truenas.connect_timeout", seconds, 10.0),
    "call_timeout": Setting("PIXELS_CALL_TIMEOUT", "truenas.call_timeout", seconds, 60.0),
    "login_wait": Setting("PIXELS_LOGIN_WAIT", "truenas.login_wait", seconds, 70.0),
    "session": Setting("PIXELS_SESSION", "truenas.session", one_of(*SESSIONS), "auto"),
    "session_idle": Setting("PIXELS_SESSION_IDLE", "truenas.session_idle", seconds, 60.0),
    "default_image": Setting("PIXELS_DEFAULT_IMAGE", "defaults.image", text, Defaults.image),
    "default_cpu": Setting("PIXELS_DEFAULT_CPU", "defaults.cpu", cores, Defaults.cpu),
    "default_memory": Setting("PIXELS_DEFAULT_MEMORY", "defaults.memory", memory, Defaults.memory),
    "default_pool": Setting("PIXELS_DEFAULT_POOL", "defaults.pool", text),
    "default_nic_type": Setting("PIXELS_DEFAULT_NIC_TYPE", "defaults.nic_type", one_of(*NIC_TYPES)),
    "default_parent": Setting("PIXELS_DEFAULT_PARENT", "defaults.parent", text),
    "default_network": Setting("PIXELS_DEFAULT_NETWORK", "defaults.network", text),
    "default_dns": Setting("PIXELS_DEFAULT_DNS", "defaults.dns", texts, ()),
    "ssh_user": Setting("PIXELS_SSH_USER", "ssh.user", text, "root"),
    "ssh_key": Setting("PIXELS_SSH_KEY", "ssh.key", text),
    "ssh_port": Setting("PIXELS_SSH_PORT", "ssh.port", port, 22),
    "transport": Setting("PIXELS_TRANSPORT", "ssh.transport", one_of(*TRANSPORTS), "auto"),
    "dataset_prefix": Setting("PIXELS_CHECKPOINT_DATASET_PREFIX", "checkpoint.dataset_prefix", text),
}

# Upstream's way to say validate_certs: false.
INSECURE = "PIXELS_TRUENAS_INSECURE"
INSECURE_KEY = "truenas.insecure_skip_verify"

# A table without keys of its own: it has the names of variables, and only the file has it.
ENVIRONMENT = "env."

VARIABLES = frozenset({INSECURE, *(setting.variable for setting in SETTINGS.values())})
KEYS: dict[str, config_file.Read] = {
    INSECURE_KEY: boolean,
    ENVIRONMENT + config_file.ANY: environment.read,
    **{setting.key: setting.read for setting in SETTINGS.values()},
}

OPTION = "option"
"""The source of what the caller gave."""

CONFIG = "PIXELS_CONFIG"
PROFILE = "PIXELS_NAS"

SECRETS = ("api_key", "api_key_file", "api_key_command", "password")
SHOWN_TO_NOBODY = ("api_key", "password")


@dataclass(frozen=True)
class Ssh:
    """How to get into a pixel."""

    user: str
    key: str | None
    port: int
    transport: str = "auto"
    """C(ssh), C(shell) for the NAS's own shell, or C(auto) for the first of them that is open."""
    variables: environment.Pairs = field(default=(), repr=False)
    """What a command or console there gets beside what a login has."""


@dataclass(frozen=True)
class Settings:
    """All that is needed to reach a NAS and its pixels."""

    endpoint: Endpoint
    credential: Credential
    timeouts: Timeouts
    ssh: Ssh
    defaults: Defaults = Defaults()
    profile: str | None = None
    session: str = "auto"
    """C(auto) shares a login with whoever else of this user is at it; C(direct) does not."""
    session_idle: float = 60.0
    dataset_prefix: str | None = None


class Found(t.NamedTuple):
    """A value, and where it came from."""

    value: Value
    source: str


Layer = t.Mapping[str, Found]

DEFAULT = "default"
NOTHING = Found(None, DEFAULT)
DEFAULTS: Layer = {name: Found(setting.default, DEFAULT) for name, setting in SETTINGS.items()}


@dataclass(frozen=True)
class Survey:
    """Every option with its value and source, before any of it is used."""

    values: dict[str, Found]
    file: config_file.ConfigFile
    profile: str | None
    variables: dict[str, Found] = field(default_factory=dict, repr=False)
    """What the file says of variables, each an C(environment.Variable)."""
    environment: environment.Environment = environment.NOTHING

    def __getitem__(self, name: str) -> Value:
        return self.values[name].value


def resolve(
    given: Given, *, environ: t.Mapping[str, str] | None = None, usual: t.Mapping[str, Value] | None = None
) -> Settings:
    """Settle every option.

    C(given) answers what the caller set for an option, None for nothing; C(config) and C(profile) are options too.
    C(usual) has other defaults than those of C(SETTINGS). Raises C(Invalid) for a missing host or credential, and for
    a variable or a file that cannot be read.
    """
    return settle(survey(given, environ=environ, usual=usual))


def survey(
    given: Given, *, environ: t.Mapping[str, str] | None = None, usual: t.Mapping[str, Value] | None = None
) -> Survey:
    """Find out what each option is set to, and where."""
    environ = os.environ if environ is None else environ
    asked_for = given("profile")
    profile = asked_for or environ.get(PROFILE) or None
    named = given("config") or environ.get(CONFIG)
    file = config_file.load(named or config_file.default_path(environ), must_exist=bool(named))
    if asked_for and not file.exists:
        raise Invalid(f"there is no profile {asked_for}: there is no configuration file {file.path}")

    variables = from_environment(environ)
    lines = file.values(KEYS, profile) if file.exists else {}
    from_file = from_configuration(lines)
    # Who names a NAS by its profile does not mean another one that happens to be in the environment.
    below = [only_nas(from_file), variables, from_file] if asked_for else [variables, from_file]
    unsaid = {**DEFAULTS, **{name: Found(value, DEFAULT) for name, value in usual.items()}} if usual else DEFAULTS
    inside = {key.removeprefix(ENVIRONMENT): Found(*line) for key, line in lines.items() if key.startswith(ENVIRONMENT)}
    settled = environment.settle({name: found.value for name, found in inside.items()}, environ)
    return Survey(merged([from_caller(given), *below, unsaid]), file, profile, inside, settled)


def from_caller(given: Given) -> Layer:
    options = ((name, given(name)) for name in SETTINGS)
    return {name: Found(value, OPTION) for name, value in options if value is not None}


def only_nas(layer: Layer) -> Layer:
    return {name: found for name, found in layer.items() if SETTINGS[name].key.startswith("truenas.")}


def merged(layers: t.Sequence[Layer]) -> dict[str, Found]:
    """What the first layer says that says anything; of credentials, all from one layer."""
    result: dict[str, Found] = {}
    for layer in reversed(layers):
        result.update(layer)
    # Who names one kind of credential does not mean another one that happens to be set elsewhere.
    who = next((layer for layer in layers if any(name in layer and layer[name].value for name in SECRETS)), {})
    result.update({name: who.get(name, NOTHING) for name in SECRETS})
    return result


def from_environment(environ: t.Mapping[str, str]) -> dict[str, Found]:
    """The options that PIXELS_* variables set; an empty variable sets nothing."""
    found: dict[str, Found] = {}
    # Each look into the environment of a process takes a while, and most of these variables are in none.
    there = VARIABLES.intersection(environ)
    if INSECURE in there and environ[INSECURE]:
        found["validate_certs"] = Found(not read(INSECURE, environ[INSECURE], boolean), INSECURE)
    for name, setting in SETTINGS.items():
        if setting.variable in there and (value := environ[setting.variable]):
            found[name] = Found(read(setting.variable, value, setting.read), setting.variable)
    return {name: each for name, each in found.items() if each.value is not None}


def read(variable: str, value: str, reader: t.Callable[[Value], Value]) -> Value:
    try:
        return reader(value)
    except ValueError as error:
        raise Invalid(f"the variable {variable} cannot be read: {value!r} {error}") from None


def from_configuration(lines: t.Mapping[str, config_file.Line]) -> dict[str, Found]:
    """The options that the file sets."""
    found: dict[str, Found] = {}
    if INSECURE_KEY in lines:
        found["validate_certs"] = Found(not lines[INSECURE_KEY].value, lines[INSECURE_KEY].place)
    for name, setting in SETTINGS.items():
        line = lines.get(setting.key)
        if line is not None and line.value is not None:
            found[name] = Found(line.value, line.place)
    return found


def settle(found: Survey) -> Settings:
    """Settings, of what was found. Raises C(Invalid) for a missing host or credential."""
    return Settings(
        endpoint=endpoint(found),
        credential=credential(found),
        timeouts=Timeouts(connect=found["connect_timeout"], call=found["call_timeout"], login_wait=found["login_wait"]),
        ssh=ssh(found),
        defaults=defaults(found),
        profile=found.profile,
        session=found["session"],
        session_idle=found["session_idle"],
        dataset_prefix=found["dataset_prefix"],
    )


def endpoint(found: Survey) -> Endpoint:
    """Where the NAS is. Raises C(Invalid) for a missing host."""
    if not found["host"]:
        raise missing("host", "it says which TrueNAS host to talk to", found)
    return Endpoint(
        host=found["host"],
        port=found["port"],
        validate_certs=found["validate_certs"],
        ca_path=os.path.expanduser(found["ca_path"]) if found["ca_path"] else None,
        plain=not found["use_tls"],
    )


def ssh(found: Survey) -> Ssh:
    return Ssh(
        user=found["ssh_user"],
        key=found["ssh_key"],
        port=found["ssh_port"],
        transport=found["transport"],
        variables=found.environment.session,
    )


def defaults(found: Survey) -> Defaults:
    """What a new pixel gets. Raises C(Invalid) for an interface that is only half named, and for a network."""
    if found["default_network"] and (found["default_network"] not in BRIDGES or found["default_parent"]):
        raise Invalid(
            f"{found.values['default_network'].source}: the only network a container can be attached to by its name is "
            f"{' or '.join(BRIDGES)}, and then to no interface: name an interface with defaults.parent instead"
        )
    if found["default_nic_type"] and not found["default_parent"]:
        raise Invalid(
            f"{found.values['default_nic_type'].source}: a type alone says nothing of the interface: "
            "name it with defaults.parent, or leave both out"
        )
    return Defaults(
        image=found["default_image"],
        cpu=found["default_cpu"],
        memory=found["default_memory"],
        pool=found["default_pool"],
        nic_type=found["default_nic_type"] or NIC_TYPES[0],
        parent=found["default_parent"],
        network=found["default_network"],
        dns=tuple(found["default_dns"]),
        environment=found.environment,
    )


def credential(found: Survey) -> Credential:
    api_key, password = found["api_key"], found["password"]
    if not api_key and found["api_key_file"]:
        api_key = read_key(found["api_key_file"])
    if not api_key and found["api_key_command"]:
        api_key = ask_for_key(found["api_key_command"])
    if not api_key and not password:
        raise missing("api_key", "or api_key_file, or password, to log in with", found)
    return Credential(
        found["username"],
        api_key=api_key or None,
        password=None if api_key else password,
        mechanism=found["login_mechanism"],
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


def ask_for_key(command: str) -> str:
    """What a command prints, such as C(pass show nas). It may ask for a passphrase: the terminal is its own."""
    import shlex
    import subprocess

    fields = (("api_key_command", ""),)
    shown = repr(secrecy.without_arguments(command))
    try:
        ended = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, text=True, check=False)
    except (OSError, ValueError) as error:
        raise Invalid(f"the API key could not be had from {shown}: {error}", fields=fields) from None
    if ended.returncode:
        raise Invalid(f"the API key could not be had: {shown} ended with {ended.returncode}", fields=fields)
    key = ended.stdout.strip()
    if not key:
        raise Invalid(f"the API key could not be had: {shown} printed nothing", fields=fields)
    return key


def missing(option: str, why: str, found: Survey) -> Invalid:
    setting = SETTINGS[option]
    hint = ""
    if found.profile is None and found.file.profiles:
        hint = f". {found.file.path} has the profiles {', '.join(found.file.profiles)}: choose one with {PROFILE}"
    where = f"give the option {option}, the variable {setting.variable} or {setting.key} in {found.file.path}"
    return Invalid(f"{where}: {why}{hint}", fields=((option, "missing"),))
