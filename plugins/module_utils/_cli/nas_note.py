# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The note that a command leaves for the next ones: which NAS is used, how to reach it, and where the secret is.

Loading and resolving the configuration takes longer than a NAS takes to reply. While nothing changes that the note
depends on, the next command needs neither (launch.py). The note contains no secret.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    import typing as t

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output

    Note = dict[str, t.Any]

VARIABLES = ("PIXELS_", "XDG_", "SSL_CERT_", "HOME")
"""Prefixes of the environment variables that select the NAS and the session."""

SECRETS = {"PIXELS_TRUENAS_API_KEY": "api_key", "PIXELS_TRUENAS_PASSWORD": "password"}

GENERATION = "virt"
"""The API that summary_row.py knows."""

UNUSABLE = (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What a note or a reply that has another form raises."""


def read() -> Note | None:
    """Return the note if it is valid for the present environment and configuration."""
    try:
        with open(path_of_note(), encoding="utf-8") as file:
            note: Note = json.load(file)
        return note if note["context"] == context() and note["stamp"] == stamp(note["config"]) else None
    except UNUSABLE:
        return None


def path_of_note() -> str:
    """Return the path of the note. Raises `FileNotFoundError` for a user without a home directory."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if not os.path.isabs(cache):
        # A relative path would be in the working directory, where other users may have written the file.
        raise FileNotFoundError(cache)
    return os.path.join(cache, "pixels", "nas.json")


def context() -> dict[str, str]:
    """Return the variables that select the NAS and the session, without secrets, which are verified at each use."""
    return {name: value for name, value in os.environ.items() if name.startswith(VARIABLES) and name not in SECRETS}


def stamp(path: str) -> list[int] | None:
    """Return the state of a file as `config_file.Stamp` does, for JSON; None if it does not exist."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_mtime_ns, found.st_ino, found.st_size]


def secret_of(note: Note) -> str:
    """Return the secret from its location in the note."""
    location = note["secret"]
    if "variable" in location:
        return os.environ[location["variable"]]
    with open(location["file"], encoding="utf-8") as file:
        text = file.read()
    if "table" not in location:
        return text.strip()
    import tomllib

    found = tomllib.loads(text)
    for name in location["table"]:
        found = found[name]
    return str(found)


def write_after(args: argparse.Namespace, output: Output) -> None:
    """After a verb that ran in its own process, note where the session is, for the next one."""
    if output.verbose or args.api_key:
        return
    from ansible_collections.pixels.truenas.plugins.module_utils._cli import context as contexts

    write(contexts.CliContext(args, output))


def write(cli: CliContext, *, generation: str | None = None) -> None:
    """After a verb without a note, write one if a verb with it would show the same.

    `generation` is that of the containers of the NAS; None leaves what is known.
    """
    from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import exposure

    # The warning is to be repeated by each command.
    if cli.by_options or exposure.warning(cli.resolved):
        return
    secret = secret_location(cli)
    ways = {"daemon": daemon_of(cli), "nas": nas_of(cli)} if secret else {}
    try:
        known = read() if generation is None else None
        lists = bool(known.get("lists")) if known else generation == GENERATION
        if not ways or not (ways["daemon"] or (lists and ways["nas"])):
            os.unlink(path_of_note())
        else:
            write_file(
                {
                    "context": context(),
                    "lists": lists,
                    "config": cli.resolved.file.path,
                    "stamp": cli.resolved.file.stamp,
                    "call_timeout": cli.settings.timeouts.call,
                    "username": cli.settings.credential.username,
                    "secret": secret,
                    **ways,
                }
            )
    except (OSError, Refused):
        # The next listing takes as long as this one.
        return


def daemon_of(cli: CliContext) -> dict[str, t.Any] | None:
    """Return what list_via_daemon.py needs; None for a session that is not shared."""
    if cli.settings.session == "direct":
        return None
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import client, identity, protocol

    if not isinstance(cli.session, client.SharedSession):
        return None
    timeouts = cli.settings.timeouts
    return {
        "socket": cli.session.socket_path,
        "protocol": protocol.PROTOCOL,
        "version": identity.VERSION,
        "terms": {"connect": timeouts.connect, "login_wait": timeouts.login_wait, "idle": cli.settings.session_idle},
    }


def nas_of(cli: CliContext) -> dict[str, t.Any] | None:
    """Return what list_from_nas.py needs; None if the secret must not be sent, or logins cannot be counted."""
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import login_limiter, runtime_dir

    endpoint, credential = cli.settings.endpoint, cli.settings.credential
    if endpoint.plain or not endpoint.validate_certs or credential.mechanism == "scram":
        return None
    try:
        directory = runtime_dir.find()
    except runtime_dir.NoRuntimeDir:
        return None
    return {
        "name": endpoint.nas,
        "host": endpoint.host,
        "port": endpoint.port,
        "ca_path": os.path.abspath(endpoint.ca_path) if endpoint.ca_path else None,
        "login": (
            {"mechanism": "API_KEY_PLAIN", "secret": "api_key"}
            if credential.api_key
            else {"mechanism": "PASSWORD_PLAIN", "secret": "password"}
        ),
        "directory": directory.directory,
        "logins": login_limiter.LoginRateLimiter(directory, endpoint).path,
    }


def write_file(note: Note) -> None:
    """Write the note atomically, readable by its owner only. Raises `OSError` and `Refused`."""
    from ansible_collections.pixels.truenas.plugins.module_utils._api import atomic_file

    path, text = path_of_note(), json.dumps(note).encode()
    if atomic_file.read(path) != text:
        atomic_file.replace(path, text)


def secret_location(cli: CliContext) -> dict[str, t.Any] | None:
    """Return where the secret is stored; None if it comes from a command or an option."""
    values, file = cli.resolved.values, cli.resolved.file
    for option in ("api_key", "api_key_file", "password"):
        value, source = values[option]
        if not value:
            continue
        if option == "api_key_file":
            return {"file": os.path.abspath(os.path.expanduser(value))}
        if source in SECRETS:
            return {"variable": source}
        if source.startswith(file.path):
            table = ["nas", cli.resolved.profile] if cli.resolved.profile else ["truenas"]
            return {"file": os.path.abspath(file.path), "table": [*table, option]}
        return None
    return None
