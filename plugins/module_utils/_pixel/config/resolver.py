# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve each setting. Precedence, highest first: caller, `PIXELS_*` variables, configuration file, defaults."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import text_file
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import (
    base_table,
    config_file,
    env_table,
    schema,
    upstream,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.schema import SETTINGS, Value

Given = t.Callable[[str], Value]

OPTION = "option"
"""Source of a value that the caller set."""

DEFAULT = "default"
"""Source of a value that nothing sets."""


class ResolvedValue(t.NamedTuple):
    """A value and its source: `OPTION`, `DEFAULT`, the name of a variable, or a line of the configuration file."""

    value: Value
    source: str


Layer = t.Mapping[str, ResolvedValue]

UNSET = ResolvedValue(None, DEFAULT)
DEFAULTS: Layer = {name: ResolvedValue(setting.default, DEFAULT) for name, setting in SETTINGS.items()}


@dataclass(frozen=True)
class ResolvedSettings:
    """Every setting with its value and source. No credential is read yet."""

    values: dict[str, ResolvedValue]
    file: config_file.ConfigFile
    profile: str | None
    variables: dict[str, ResolvedValue] = field(default_factory=dict, repr=False)
    """The table `[env]`; each value is an `env_table.Variable`."""
    environment: env_table.Environment = env_table.NOTHING
    unused: t.Sequence[str] = ()
    """Keys of upstream pixels that the file contains and that have no effect."""
    bases: tuple[base_table.ConfiguredBase, ...] = ()
    """The table `[bases]`."""

    def __getitem__(self, name: str) -> Value:
        return self.values[name].value


def resolve(
    given: Given, *, environ: t.Mapping[str, str] | None = None, defaults: t.Mapping[str, Value] | None = None
) -> ResolvedSettings:
    """Return every setting with its source.

    `given` returns what the caller set for a setting, None for nothing; `config` and `profile` are also looked up.
    `defaults` replaces defaults of the schema. Raises `Invalid` for a variable or a file that cannot be read.
    """
    environ = os.environ if environ is None else environ
    given_profile = given("profile")
    profile = given_profile or environ.get(schema.PROFILE_VARIABLE) or None
    path = given("config") or environ.get(schema.CONFIG_VARIABLE)
    loaded = config_file.load(path or config_file.default_path(environ), must_exist=bool(path))
    file, unused = upstream.separate(loaded)
    if profile and not file.exists:
        raise Invalid(f"cannot use the profile '{profile}': there is no configuration file {file.path}")

    variables = from_environment(environ)
    lines = file.values(schema.KEYS, profile) if file.exists else {}
    from_file = from_configuration(lines)
    # A profile that the caller names is used even if the variables name another NAS.
    lower = [only_nas(from_file), variables, from_file] if given_profile else [variables, from_file]
    own_defaults = {name: ResolvedValue(value, DEFAULT) for name, value in (defaults or {}).items()}
    env_lines = {
        key.removeprefix(schema.ENV_TABLE): ResolvedValue(*line)
        for key, line in lines.items()
        if key.startswith(schema.ENV_TABLE)
    }
    environment = env_table.build({name: line.value for name, line in env_lines.items()}, environ)
    bases = tuple(
        line.value.named(key.removeprefix(schema.BASES_TABLE), line.location)
        for key, line in lines.items()
        if key.startswith(schema.BASES_TABLE)
    )
    values = merged([from_caller(given), *lower, {**DEFAULTS, **own_defaults}])
    return ResolvedSettings(values, file, profile, env_lines, environment, unused, bases)


def from_caller(given: Given) -> Layer:
    """Return the settings that the caller set. Raises `Invalid` for a text or a port that cannot be used."""
    options = ((name, given(name)) for name in SETTINGS)
    found = {name: value for name, value in options if value is not None}
    for name, value in found.items():
        if not is_usable(value):
            raise unusable(f"invalid option {name}", name)
        if SETTINGS[name].read is schema.port:
            try:
                found[name] = schema.nonzero_port(value)
            except ValueError as error:
                raise Invalid.in_field(name, f"invalid option {name}", f"{value!r} {error}") from None
    return {name: ResolvedValue(value, OPTION) for name, value in found.items()}


def from_environment(environ: t.Mapping[str, str]) -> Layer:
    """Return the settings that `PIXELS_*` variables set. An empty variable sets nothing."""
    found: dict[str, ResolvedValue] = {}
    # `os.environ` is slow, and most of the variables are not in it.
    present = schema.VARIABLES.intersection(environ)
    if schema.INSECURE in present and environ[schema.INSECURE]:
        insecure = read_variable(schema.INSECURE, environ[schema.INSECURE], schema.boolean)
        found["validate_certs"] = ResolvedValue(not insecure, schema.INSECURE)
    for name, setting in SETTINGS.items():
        if setting.variable in present and (text := environ[setting.variable]):
            value = read_variable(setting.variable, text, setting.read)
            if value is not None:
                found[name] = ResolvedValue(value, setting.variable)
    return found


def read_variable(variable: str, text: str, read: t.Callable[[Value], Value]) -> Value:
    """Return the value of a variable. Raises `Invalid`."""
    if not is_usable(text):
        raise unusable(f"invalid variable {variable}", variable)
    try:
        return read(text)
    except ValueError as error:
        raise Invalid.in_field(variable, f"invalid variable {variable}", f"{text!r} {error}") from None


def from_configuration(lines: t.Mapping[str, config_file.Line]) -> Layer:
    """Return the settings that the configuration file sets. Raises `Invalid` for a text that cannot be used."""
    found: dict[str, ResolvedValue] = {}
    if insecure := lines.get(schema.INSECURE_KEY):
        found["validate_certs"] = ResolvedValue(not insecure.value, insecure.location)
    for name, setting in SETTINGS.items():
        line = lines.get(setting.key)
        if line is not None and not is_usable(line.value):
            raise unusable(f"{line.location}: invalid {setting.key}", setting.key)
        if line is not None and line.value is not None:
            found[name] = ResolvedValue(line.value, line.location)
    return found


def is_usable(value: Value) -> bool:
    """Return whether all text in a value can be sent.

    Python reads variables and arguments that are not UTF-8 as lone surrogates, which cannot be encoded. No name,
    path or secret has a zero byte.
    """
    if isinstance(value, (list, tuple)):
        return all(is_usable(item) for item in value)
    try:
        return not isinstance(value, str) or b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def unusable(failure: str, name: str) -> Invalid:
    """Return the error, which never shows the value: it may be a secret."""
    return Invalid.in_field(name, failure, text_file.NOT_TEXT)


def only_nas(layer: Layer) -> Layer:
    """Return the settings that say which NAS to use and how."""
    return {name: found for name, found in layer.items() if SETTINGS[name].key.startswith("truenas.")}


def merged(layers: t.Sequence[Layer]) -> dict[str, ResolvedValue]:
    """Return each setting from the first layer that has it, and all credentials from one layer."""
    result: dict[str, ResolvedValue] = {}
    for layer in reversed(layers):
        result.update(layer)
    # A layer that sets one kind of credential overrides the other kinds in the layers below it.
    source = next((layer for layer in layers if any(layer.get(name, UNSET).value for name in schema.CREDENTIALS)), {})
    result.update({name: source.get(name, UNSET) for name in schema.CREDENTIALS})
    return result


def missing(name: str, problem: str, resolved: ResolvedSettings) -> Invalid:
    """Return the error for a required setting that nothing sets."""
    setting, path = SETTINGS[name], resolved.file.path
    hints = [Hint.option(name), Hint.advice(f"set the variable {setting.variable} or {setting.key} in {path}")]
    if resolved.profile is None and resolved.file.profiles:
        profiles = ", ".join(resolved.file.profiles)
        hints.append(Hint.option("profile", purpose=f"to choose one of its profiles: {profiles}"))
    return Invalid(problem, fields=((name, "missing"),)).with_hints(*hints)
