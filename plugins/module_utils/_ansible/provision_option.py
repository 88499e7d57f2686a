# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the option `provision`, which is a boolean or a dictionary."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import public_keys
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import schema
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import users
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.settings import SshSettings

OPTIONS: dict[str, t.Any] = {
    "method": {"type": "str", "choices": ["shell", "rootfs"], "default": "shell"},
    "public_keys": {"type": "list", "elements": "str"},
    "public_key_file": {"type": "path"},
    "user": {"type": "str"},
    "dns": {"type": "list", "elements": "str"},
    "devtools": {"type": "raw"},
    "devtools_lock": {"type": "path"},
}


def provision(value: t.Any, *, ssh: SshSettings) -> ProvisionSpec | None:
    """Return what to provision; None for false and if the option is omitted. `ssh` has the defaults.

    Raise `Invalid` for an unknown key, a public key that cannot be read, and an invalid user name.
    """
    if value is None:
        return None
    if not isinstance(value, t.Mapping):
        try:
            value = {} if boolean(value) else None
        except TypeError as error:
            raise public_keys.invalid(f"use true, false or a dictionary, not {value!r}") from error
        if value is None:
            return None
    checked = ArgumentSpecValidator(OPTIONS).validate(dict(value))
    if checked.error_messages:
        raise public_keys.invalid("; ".join(checked.error_messages))
    options = checked.validated_parameters
    keys = options["public_keys"] or [public_keys.read(options["public_key_file"] or public_keys.path_beside(ssh.key))]
    dns = None if options["dns"] is None else tuple(options["dns"])
    devtools = tools(options["devtools"])
    if devtools and options["method"] == "rootfs":
        raise public_keys.invalid("the method rootfs cannot install devtools: use the method shell")
    if options["method"] == "rootfs":
        if options["user"] not in (None, users.ROOT):
            raise public_keys.invalid("the method rootfs cannot create a user: remove user, or use the method shell")
        login = users.ROOT
    else:
        login = users.check(options["user"] or ssh.user)
    return ProvisionSpec(
        public_keys=tuple(keys),
        user=login,
        dns=dns,
        method=options["method"],
        devtools=devtools,
        devtools_lock=options["devtools_lock"],
    )


def tools(value: t.Any) -> tuple[str, ...] | None:
    """Return names of devtools from a boolean or a list; None if the option is omitted. Raises `Invalid`."""
    if value is None:
        return None
    try:
        return schema.tools(value)
    except ValueError as error:
        raise public_keys.invalid(f"devtools {error}: use true, false or a list of names") from error
