# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Define every setting: its environment variable, its key in the configuration file, its type and its default."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.memory_size import parse_memory
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import base_table, config_file, env_table
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.defaults import Defaults

Value = t.Any

TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")
NIC_TYPES = ("macvlan", "bridged")
EGRESS_MODES = ("unrestricted", "internet", "agent", "allowlist", "none")
SUDO_RULES = ("packages", "none", "all")
DEFAULT_TOOLS = ("default",)
"""Stands for the default list of devtools."""
SESSIONS = ("auto", "direct")
TRANSPORTS = ("auto", "ssh", "shell")
LOGIN_MECHANISMS = ("auto", "scram", "plain")


# Each reader takes the text of a variable or a TOML value, and raises ValueError with a text that completes the
# sentence "the value …".


def text(value: Value) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise ValueError("is not a quoted string")
    return value


def command(value: Value) -> str | None:
    """Return a command line; None if it is blank."""
    return text(value).strip() or None


def boolean(value: Value) -> bool:
    """Return a boolean, also of the words in `TRUE` and `FALSE`."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in TRUE + FALSE:
        raise ValueError("is not 'yes' or 'no'" if isinstance(value, str) else "is not true or false")
    return value.lower() in TRUE


def whole(value: Value) -> int:
    """Return an integer, also of its digits."""
    try:
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            return int(value)
    except ValueError:
        pass
    raise ValueError("is not a whole number")


def port(value: Value) -> int | None:
    """Return a port number; None for the number 0 of a file, which upstream pixels uses for the default port."""
    if value == 0 and isinstance(value, int) and not isinstance(value, bool):
        return None
    return nonzero_port(value)


def nonzero_port(value: Value) -> int:
    """Return a port number from 1 to 65535."""
    number = whole(value)
    if not 1 <= number <= 65535:
        raise ValueError("is not a port number (1 to 65535)")
    return number


def seconds(value: Value) -> float:
    """Return a finite number of seconds that is not negative."""
    try:
        if isinstance(value, (int, float, str)) and not isinstance(value, bool) and 0 <= float(value) < float("inf"):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise ValueError("is not a number of seconds")


def texts(value: Value) -> tuple[str, ...]:
    """Return a list of strings; those of a variable are separated by blanks or commas."""
    if isinstance(value, str):
        return tuple(value.replace(",", " ").split())
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise ValueError("is not a list of strings")
    return tuple(value)


def tools(value: Value) -> tuple[str, ...]:
    """Return names of devtools: `default` for yes, none for no, or a list."""
    if isinstance(value, bool) or (isinstance(value, str) and value.lower() in TRUE + FALSE):
        return DEFAULT_TOOLS if boolean(value) else ()
    return texts(value)


def ports(value: Value) -> tuple[str, ...]:
    """Return a list of port numbers as text; those of a variable are separated by blanks or commas."""
    found = texts(value) if isinstance(value, str) else value
    if not isinstance(found, (list, tuple)):
        raise ValueError("is not a list of port numbers (1 to 65535)")
    return tuple(str(nonzero_port(item)) for item in found)


def cores(value: Value) -> str:
    """Return a number of cores, or a set of them such as `0-3`."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError("is not a number of cores or a quoted string")
    return str(value)


def memory(value: Value) -> int:
    """Return bytes; a number without a unit is in MiB."""
    try:
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            return parse_memory(value)
    except Invalid as error:
        raise ValueError(f"is not an amount of memory: {error.fields[0][1]}") from None
    raise ValueError("is not an amount of memory: use 2GiB, 2048MiB or a number of MiB")


def one_of(*choices: str) -> t.Callable[[Value], str]:
    """Return a reader that accepts these lower-case words in any case."""

    def read(value: Value) -> str:
        if not isinstance(value, str) or value.lower() not in choices:
            raise ValueError(f"is not one of {', '.join(choices)}")
        return value.lower()

    return read


class Setting(t.NamedTuple):
    """One setting: its variable, its key in the file, the reader of both, and its default."""

    variable: str
    key: str
    read: t.Callable[[Value], Value]
    default: Value = None


def network_setting(name: str, read: t.Callable[[Value], Value], default: Value = ()) -> Setting:
    """Return a setting of the egress policy of new pixels."""
    return Setting(f"PIXELS_NETWORK_{name.upper()}", f"network.{name}", read, default)


# Names, variables and keys of upstream pixels are kept.
SETTINGS: dict[str, Setting] = {
    "host": Setting("PIXELS_TRUENAS_HOST", "truenas.host", text),
    "port": Setting("PIXELS_TRUENAS_PORT", "truenas.port", port, 443),
    "username": Setting("PIXELS_TRUENAS_USERNAME", "truenas.username", text, "root"),
    "api_key": Setting("PIXELS_TRUENAS_API_KEY", "truenas.api_key", text),
    "api_key_file": Setting("PIXELS_TRUENAS_API_KEY_FILE", "truenas.api_key_file", text),
    "api_key_command": Setting("PIXELS_TRUENAS_API_KEY_COMMAND", "truenas.api_key_command", command),
    "password": Setting("PIXELS_TRUENAS_PASSWORD", "truenas.password", text),
    "login_mechanism": Setting(
        "PIXELS_TRUENAS_LOGIN_MECHANISM", "truenas.login_mechanism", one_of(*LOGIN_MECHANISMS), "auto"
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
    "network_egress": network_setting("egress", one_of(*EGRESS_MODES), EGRESS_MODES[0]),
    "network_allow": network_setting("allow", texts),
    "network_deny": network_setting("deny", texts),
    "network_presets": network_setting("presets", texts),
    "network_ports": network_setting("ports", ports),
    "network_lan": network_setting("lan", texts),
    "network_dns": network_setting("dns", texts),
    "network_sudo": network_setting("sudo", one_of(*SUDO_RULES), SUDO_RULES[0]),
    "provision_enabled": Setting("PIXELS_PROVISION_ENABLED", "provision.enabled", boolean, default=True),
    "devtools": Setting("PIXELS_PROVISION_DEVTOOLS", "provision.devtools", tools, ()),
    "devtools_lock": Setting("PIXELS_PROVISION_DEVTOOLS_LOCK", "provision.devtools_lock", text),
    "ssh_user": Setting("PIXELS_SSH_USER", "ssh.user", text, "root"),
    "ssh_key": Setting("PIXELS_SSH_KEY", "ssh.key", text),
    "ssh_port": Setting("PIXELS_SSH_PORT", "ssh.port", port, 22),
    "transport": Setting("PIXELS_TRANSPORT", "ssh.transport", one_of(*TRANSPORTS), "auto"),
    "dataset_prefix": Setting("PIXELS_CHECKPOINT_DATASET_PREFIX", "checkpoint.dataset_prefix", text),
}

NETWORK = tuple(name for name in SETTINGS if name.startswith("network_"))
"""Settings of the egress policy of new pixels."""

CREDENTIALS = ("api_key", "api_key_file", "api_key_command", "password")
"""Settings that say what to log in with. All of them are taken from one source."""

SECRETS = ("api_key", "password")
"""Settings whose values are secrets. The other credentials only say where a secret is."""

INSECURE = "PIXELS_TRUENAS_INSECURE"
INSECURE_KEY = "truenas.insecure_skip_verify"
"""Names that upstream pixels has for the opposite of `validate_certs`."""

ENV_TABLE = "env."
"""Prefix of the table of variables for pixels. Its keys are up to the user, and only the file has it."""

BASES_TABLE = "bases."
"""Prefix of the table of bases. Its keys are the names of the bases, and only the file has it."""

CONFIG_VARIABLE = "PIXELS_CONFIG"
PROFILE_VARIABLE = "PIXELS_NAS"

VARIABLES = frozenset({INSECURE, *(setting.variable for setting in SETTINGS.values())})
KEYS: dict[str, config_file.Read] = {
    INSECURE_KEY: boolean,
    ENV_TABLE + config_file.ANY: env_table.read,
    BASES_TABLE + config_file.ANY: base_table.read,
    **{setting.key: setting.read for setting in SETTINGS.values()},
}
