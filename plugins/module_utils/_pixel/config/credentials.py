# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the credential of the account: an API key from an option, a file or a command, or a password."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import text_file
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import redaction, resolver

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.resolver import ResolvedSettings


def read(resolved: ResolvedSettings) -> Credential:
    """Return the credential. Raises `Invalid` if there is none, or it cannot be read."""
    api_key, password = resolved["api_key"], resolved["password"]
    if not api_key and resolved["api_key_file"]:
        api_key = read_file(resolved["api_key_file"])
    if not api_key and resolved["api_key_command"]:
        api_key = read_command(resolved["api_key_command"])
    if not api_key and not password:
        raise resolver.missing("api_key", "no API key or password is configured", resolved)
    return Credential(
        resolved["username"],
        api_key=api_key or None,
        password=None if api_key else password,
        mechanism=resolved["login_mechanism"],
    )


def read_file(path: str) -> str:
    """Return the API key in a file. Raises `Invalid`."""
    try:
        key = text_file.read(path)
    except OSError as error:
        raise unreadable("api_key_file", f"in {path}", error.strerror or str(error)) from error
    except ValueError as error:
        raise unreadable("api_key_file", f"in {path}", f"{error}. Save the key alone in a UTF-8 file") from None
    if not key:
        raise unreadable("api_key_file", f"in {path}", "the file is empty")
    return key


def read_command(command: str) -> str:
    """Return the API key that a command such as `pass show nas` prints. Raises `Invalid`.

    The command has the terminal of this process, so it can prompt for a passphrase.
    """
    import shlex
    import subprocess

    name, source = "api_key_command", f"from '{redaction.without_arguments(command)}'"
    try:
        words = shlex.split(command)
        if not words:
            raise ValueError("the command is empty")
        ended = subprocess.run(words, stdout=subprocess.PIPE, check=False)  # pylint: disable=ansible-bad-function  # on the controller
    except (OSError, ValueError) as error:
        raise unreadable(name, source, str(error)) from None
    if ended.returncode:
        raise unreadable(name, source, f"the command exited with {ended.returncode}")
    try:
        key = text_file.decode(ended.stdout)
    except ValueError:
        raise unreadable(name, source, "the output of the command is not UTF-8 text") from None
    if not key:
        raise unreadable(name, source, "the command printed nothing")
    return key


def unreadable(name: str, source: str, problem: str) -> Invalid:
    """Return the error of an API key that cannot be read."""
    return Invalid.in_field(name, f"cannot read the API key {source}", problem)
