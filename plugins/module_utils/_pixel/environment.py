# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables the table C([env]) asks for: some are written into pixels, others only go along with a session."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid

FILE = "/etc/environment"
ACCEPTED = "/etc/ssh/sshd_config.d/pixels-env.conf"
"""Beside the file that the role writes: what either lets in, the server takes."""

IMAGE, LITERAL, FORWARD = "image", "session_only", "forward"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
NO_NAME = "is no name of a variable: use letters, digits and underscores"

KEYS = ("value", FORWARD, LITERAL)

# $NAME and ${NAME} are the operator's own; $$ is a dollar sign.
REFERENCE = re.compile(r"\$(?:\$|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")

# A comment begins at the first and a line ends at the others, quotes or not (pam_env).
NOT_IN_A_FILE = {"#": "a #", "\n": "a line break", "\r": "a carriage return", "\0": "a zero byte"}

# As TOML names them: what was written is never shown.
TYPES = {"bool": "boolean", "int": "integer", "list": "array", "dict": "table"}

Pairs = tuple[tuple[str, str], ...]


class Variable(t.NamedTuple):
    """What the file says of one."""

    kind: str
    value: str = ""
    """As it is written; of one that is forwarded there is none."""


class Image(t.NamedTuple):
    """A variable to write into pixels."""

    name: str
    value: str
    problem: str = ""
    """Why it cannot be written, which is of no matter until it is to be."""


@dataclass(frozen=True)
class Environment:
    """The variables of pixels, by where they go."""

    image: tuple[Image, ...] = field(default=(), repr=False)
    """Written into a pixel that is provisioned, for all who log in there."""
    session: Pairs = field(default=(), repr=False)
    """Given to a command or console, and written nowhere."""
    names: tuple[str, ...] = ()
    """Of all that a session may bring, whether they have a value now or not."""


NOTHING = Environment()


def read(value: t.Any) -> Variable:
    """One value of the table. Raises ValueError with what is wrong with it."""
    if isinstance(value, str):
        return Variable(IMAGE, value)
    if not isinstance(value, dict):
        raise ValueError(unsupported(value))
    unknown = [key for key in value if key not in KEYS]
    if unknown:
        raise ValueError(f"unknown key {unknown[0]}: there are {', '.join(KEYS)}")
    for key in (FORWARD, LITERAL):
        if not isinstance(value.get(key, False), bool):
            raise ValueError(f"{key} is neither true nor false")
    if value.get(FORWARD):
        if len([key for key in KEYS if value.get(key)]) > 1:
            raise ValueError("what is forwarded has the value it has here: leave the others out")
        return Variable(FORWARD)
    if "value" not in value:
        raise ValueError("there is neither a value nor forward = true")
    if not isinstance(value["value"], str):
        raise ValueError(unsupported(value["value"]))
    return Variable(LITERAL if value.get(LITERAL) else IMAGE, value["value"])


def unsupported(value: t.Any) -> str:
    name = type(value).__name__
    return f"unsupported type {TYPES.get(name, name)}"


def settle(found: t.Mapping[str, Variable], environ: t.Mapping[str, str]) -> Environment:
    """What goes where. A variable that is forwarded and not set here is not set there either."""
    of_kind = {kind: [name for name in found if found[name].kind == kind] for kind in (IMAGE, LITERAL, FORWARD)}
    forwarded = {name: environ[name] for name in of_kind[FORWARD] if name in environ}
    literal = {name: found[name].value for name in of_kind[LITERAL]}
    return Environment(
        image=tuple(expanded(name, found[name].value, environ) for name in of_kind[IMAGE]),
        session=tuple({**literal, **forwarded}.items()),
        names=tuple(name for name in found if found[name].kind != IMAGE),
    )


def expanded(name: str, value: str, environ: t.Mapping[str, str]) -> Image:
    """A variable as it is written, with the values of others that are set here in it."""
    references = [found[1] or found[2] for found in REFERENCE.finditer(value)]
    unset = next((each for each in references if each and each not in environ), None)
    if unset:
        return Image(name, "", f"it refers to ${unset}, which is not set here ($$ is a dollar sign)")
    text = REFERENCE.sub(lambda found: environ[found[1] or found[2]] if found[1] or found[2] else "$", value)
    cannot = next((named for character, named in NOT_IN_A_FILE.items() if character in text), None)
    if cannot:
        return Image(name, "", f"{FILE} cannot hold {cannot}: make it session_only = true")
    return Image(name, text)


def to_write(found: Environment) -> Pairs:
    """What goes into the file of a pixel. Raises C(Invalid) for a variable that cannot."""
    for name, _value, problem in found.image:
        if problem:
            raise Invalid(f'env "{name}": {problem}', fields=((f"env.{name}", problem),))
    return tuple((name, value) for name, value, _problem in found.image)


def merged(present: str, written: Pairs) -> str:
    """The file of every login with these variables in it; what else is there stays."""
    lines = present.splitlines()
    for name, value in written:
        line = f'{name}="{value}"'
        names = [old.strip().removeprefix("export ").partition("=")[0] for old in lines]
        mine = [number for number, old in enumerate(names) if old == name]
        if mine:
            # The last of several counts.
            lines[mine[-1]] = line
        else:
            lines.append(line)
    return "".join(f"{line}\n" for line in lines)


def accepting(present: str, names: t.Sequence[str]) -> str:
    """The file that has an SSH server take these variables; those of other machines stay."""
    known: list[str] = []
    for line in present.splitlines():
        word, _blank, rest = line.strip().partition(" ")
        if word.lower() == "acceptenv":
            known += rest.split()
    wanted = [name for name in names if name not in known]
    if not wanted:
        return present
    return "".join(f"{line}\n" for line in [*present.splitlines(), f"AcceptEnv {' '.join(wanted)}"])
