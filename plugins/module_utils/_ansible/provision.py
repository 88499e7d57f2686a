# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(provision) as users write it: C(true), or a dictionary."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import Provision
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.ssh import DEFAULT_KEY

OPTIONS: dict[str, t.Any] = {
    "method": {"type": "str", "choices": ["rootfs"], "default": "rootfs"},
    "public_keys": {"type": "list", "elements": "str"},
    "public_key_file": {"type": "path"},
    "dns": {"type": "list", "elements": "str", "default": []},
}


def provision(value: t.Any, *, ssh_key: str | None) -> Provision | None:
    """What to provision; None for false and for nothing.

    Raises C(Invalid) for unknown keys, and when there is no public key to be found.
    """
    if value is None:
        return None
    if not isinstance(value, t.Mapping):
        try:
            value = {} if boolean(value) else None
        except TypeError as error:
            raise invalid(f"give true, false or a dictionary, not {value!r}") from error
        if value is None:
            return None
    checked = ArgumentSpecValidator(OPTIONS).validate(dict(value))
    if checked.error_messages:
        raise invalid("; ".join(checked.error_messages))
    options = checked.validated_parameters
    keys = options["public_keys"] or [read_public_key(options["public_key_file"] or default_public_key(ssh_key))]
    return Provision(public_keys=tuple(keys), dns=tuple(options["dns"]), method=options["method"])


def default_public_key(ssh_key: str | None) -> str:
    return f"{ssh_key or DEFAULT_KEY}.pub"


def read_public_key(path: str) -> str:
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            key = file.read().strip()
    except OSError as error:
        raise invalid(
            f"the public key {path} cannot be read ({error.strerror}): name one with public_key_file"
        ) from error
    if not key:
        raise invalid(f"the public key file {path} is empty")
    if "PRIVATE KEY" in key:
        raise invalid(f"{path} is a private key: name the public half, which ends in .pub")
    return key


def invalid(problem: str) -> Invalid:
    return Invalid(f"cannot provision: {problem}", fields=(("provision", problem),))
