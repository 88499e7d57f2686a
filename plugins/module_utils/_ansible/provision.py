# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(provision) as users write it: C(true), or a dictionary."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import public_keys, users
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import Provision

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.settings import Ssh

OPTIONS: dict[str, t.Any] = {
    "method": {"type": "str", "choices": ["shell", "rootfs"], "default": "shell"},
    "public_keys": {"type": "list", "elements": "str"},
    "public_key_file": {"type": "path"},
    "user": {"type": "str"},
    "dns": {"type": "list", "elements": "str"},
}


def provision(value: t.Any, *, ssh: Ssh) -> Provision | None:
    """What to provision, for who logs in with C(ssh); None for false and for nothing.

    Raises C(Invalid) for unknown keys, when there is no public key to be found, and for a user that cannot be made.
    """
    if value is None:
        return None
    if not isinstance(value, t.Mapping):
        try:
            value = {} if boolean(value) else None
        except TypeError as error:
            raise public_keys.invalid(f"give true, false or a dictionary, not {value!r}") from error
        if value is None:
            return None
    checked = ArgumentSpecValidator(OPTIONS).validate(dict(value))
    if checked.error_messages:
        raise public_keys.invalid("; ".join(checked.error_messages))
    options = checked.validated_parameters
    keys = options["public_keys"] or [public_keys.read(options["public_key_file"] or public_keys.path_beside(ssh.key))]
    dns = None if options["dns"] is None else tuple(options["dns"])
    if options["method"] == "rootfs":
        if options["user"] not in (None, users.ROOT):
            raise public_keys.invalid("the method rootfs makes no user: leave user out, or take the method shell")
        login = users.ROOT
    else:
        login = users.check(options["user"] or ssh.user)
    return Provision(public_keys=tuple(keys), user=login, dns=dns, method=options["method"])
