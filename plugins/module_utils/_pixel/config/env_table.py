# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the table `[env]`: variables that are written into pixels, and variables that only a session sets."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid

FILE = "/etc/environment"
ACCEPTED = "/etc/ssh/sshd_config.d/pixels-env.conf"
"""Configuration of the SSH server, in addition to that of the role: the server accepts the variables of both."""

IMAGE, LITERAL, FORWARD = "image", "session_only", "forward"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
NO_NAME = "is not a variable name: use letters, digits and underscores"

KEYS = ("value", FORWARD, LITERAL)

# $NAME and ${NAME} are variables of this process; $$ is a dollar sign.
REFERENCE = re.compile(r"\$(?:\$|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")

# pam_env starts a comment or ends a line at these characters, even inside quotes.
NOT_IN_A_FILE = {"#": "a #", "\n": "a line break", "\r": "a carriage return", "\0": "a zero byte"}

# Names of TOML. Values are never shown.
TYPES = {"bool": "boolean", "int": "integer", "list": "array", "dict": "table"}

Pairs = tuple[tuple[str, str], ...]


class Variable(t.NamedTuple):
    """An entry of the table."""

    kind: str
    value: str = ""
    """Value in the file; empty for `forward`."""


class ImageVariable(t.NamedTuple):
    """A variable to write into pixels."""

    name: str
    value: str
    problem: str = ""
    """Why the variable cannot be written, if it cannot. Reported only when a pixel is provisioned."""


@dataclass(frozen=True)
class Environment:
    """The variables of pixels, by where they are set."""

    image: tuple[ImageVariable, ...] = field(default=(), repr=False)
    """Written into a pixel when it is provisioned, for all logins."""
    session: Pairs = field(default=(), repr=False)
    """Set for a command or a console, and written nowhere."""
    names: tuple[str, ...] = ()
    """All variables that a session can set, whether or not they have a value now."""


NOTHING = Environment()


def read(value: t.Any) -> Variable:
    """Read one value of the table. Raise ValueError with the problem."""
    if isinstance(value, str):
        return Variable(IMAGE, value)
    if not isinstance(value, dict):
        raise ValueError(unsupported(value))
    unknown = [key for key in value if key not in KEYS]
    if unknown:
        raise ValueError(f"unknown key {unknown[0]}: use {', '.join(KEYS)}")
    for key in (FORWARD, LITERAL):
        if not isinstance(value.get(key, False), bool):
            raise ValueError(f"{key} is not true or false")
    if value.get(FORWARD):
        if len([key for key in KEYS if value.get(key)]) > 1:
            raise ValueError("forward = true takes the value from the environment: remove the other keys")
        return Variable(FORWARD)
    if "value" not in value:
        raise ValueError("value or forward = true is required")
    if not isinstance(value["value"], str):
        raise ValueError(unsupported(value["value"]))
    return Variable(LITERAL if value.get(LITERAL) else IMAGE, value["value"])


def unsupported(value: t.Any) -> str:
    """Return the problem of a value of the wrong type."""
    name = type(value).__name__
    return f"unsupported type {TYPES.get(name, name)}"


def build(found: t.Mapping[str, Variable], environ: t.Mapping[str, str]) -> Environment:
    """Return the variables by where they are set. A forwarded variable without a value in `environ` is not set."""
    of_kind = {kind: [name for name in found if found[name].kind == kind] for kind in (IMAGE, LITERAL, FORWARD)}
    forwarded = {name: environ[name] for name in of_kind[FORWARD] if name in environ}
    literal = {name: found[name].value for name in of_kind[LITERAL]}
    return Environment(
        image=tuple(expanded(name, found[name].value, environ) for name in of_kind[IMAGE]),
        session=tuple({**literal, **forwarded}.items()),
        names=tuple(name for name in found if found[name].kind != IMAGE),
    )


def expanded(name: str, value: str, environ: t.Mapping[str, str]) -> ImageVariable:
    """Return a variable to write, with references to variables of `environ` replaced by their values."""
    references = [found[1] or found[2] for found in REFERENCE.finditer(value)]
    unset = next((each for each in references if each and each not in environ), None)
    if unset:
        return ImageVariable(
            name, "", f"it refers to ${unset}, which is not set. Set it, or write $$ for a dollar sign"
        )
    text = REFERENCE.sub(lambda found: environ[found[1] or found[2]] if found[1] or found[2] else "$", value)
    forbidden = next((label for character, label in NOT_IN_A_FILE.items() if character in text), None)
    if forbidden:
        return ImageVariable(name, "", f"{FILE} cannot contain {forbidden}. Set session_only = true")
    return ImageVariable(name, text)


def to_write(found: Environment) -> Pairs:
    """Return the variables to write into a pixel. Raises `Invalid` for one that cannot be written."""
    for name, _value, problem in found.image:
        if problem:
            raise Invalid.in_field(f"env.{name}", f'env "{name}"', problem)
    return tuple((name, value) for name, value, _problem in found.image)


def merged(present: str, written: Pairs) -> str:
    """Return the text of `/etc/environment` with these variables set, and all else unchanged."""
    lines = present.splitlines()
    for name, value in written:
        line = f'{name}="{value}"'
        names = [old.strip().removeprefix("export ").partition("=")[0] for old in lines]
        own = [number for number, old in enumerate(names) if old == name]
        if own:
            # pam_env uses the last of several lines.
            lines[own[-1]] = line
        else:
            lines.append(line)
    return "".join(f"{line}\n" for line in lines)


def accepting(present: str, names: t.Sequence[str]) -> str:
    """Return the configuration that makes an SSH server accept these variables, and those that it accepts already."""
    known: list[str] = []
    for line in present.splitlines():
        word, _blank, rest = line.strip().partition(" ")
        if word.lower() == "acceptenv":
            known += rest.split()
    missing = [name for name in names if name not in known]
    if not missing:
        return present
    return "".join(f"{line}\n" for line in [*present.splitlines(), f"AcceptEnv {' '.join(missing)}"])
