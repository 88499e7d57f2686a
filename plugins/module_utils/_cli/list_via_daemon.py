# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb list without options over the session daemon, with few imports.

Imports take most of the time of `pixels list`. Each listing by another route leaves a note with the socket of the
session daemon. While nothing changes that the note depends on, the next `pixels list` queries that daemon directly. If
any condition fails, another route is used (launch.py).
"""

from __future__ import annotations

import json
import os
import socket

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import replies, summary_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext

    Row = tuple[str, str, t.Optional[str], t.Optional[str]]
    """Name, status, address and time of expiry."""
    Note = dict[str, t.Any]

PREFIX = "px-"
VARIABLES = ("PIXELS_", "XDG_", "SSL_CERT_", "HOME")
"""Prefixes of the environment variables that select the NAS and the session."""

SECRETS = {"PIXELS_TRUENAS_API_KEY": "api_key", "PIXELS_TRUENAS_PASSWORD": "password"}

GREETING_TIMEOUT_S = 0.5
"""The session daemon greets within milliseconds. The other routes wait longer for it."""

RESPONSE_TIMEOUT_S = 2.0
"""The daemon sends a keepalive every 0.5 s while it waits for the NAS."""

HEADER = ("NAME", "STATUS", "IP")
EXPIRES = "EXPIRES IN"


class UnexpectedAnswer(Exception):
    """Another route has to list the pixels."""


def listing() -> list[Row] | None:
    """Return the pixels by their full names, or None if another route has to list them. Raises `TimedOut`."""
    try:
        with open(path_of_note(), encoding="utf-8") as file:
            note = json.load(file)
        if note["context"] != context() or note["stamp"] != stamp(note["config"]):
            return None
        rows = query(note)
        if not all(summary_row.is_plain(row, PREFIX) for row in rows):
            return None
        found = sorted((summary_row.summarize(row) for row in rows), key=lambda each: each[0])
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, UnexpectedAnswer):
        return None
    # An empty list can also mean that containers are not set up on the NAS, which the other routes report.
    return found or None


def table(rows: t.Sequence[Row]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the header and the cells of a list of pixels. The time that is left is shown if any of them expires."""
    shown: list[tuple[str, ...]]
    shown = [(name.removeprefix(PREFIX), status.upper(), address or "—") for name, status, address, _expires in rows]
    if not any(expires for _name, _status, _address, expires in rows):
        return HEADER, shown
    # Not imported above: most lists have no use for it.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import lifetime

    left = [lifetime.describe_stored(expires) for _name, _status, _address, expires in rows]
    return (*HEADER, EXPIRES), [(*cells, end or "—") for cells, end in zip(shown, left, strict=True)]


def query(note: Note) -> list[dict[str, t.Any]]:
    """Return the rows of the NAS. Raises `TimedOut`, `UnexpectedAnswer`, and any error of a malformed answer."""
    method, params = summary_row.query(PREFIX)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(GREETING_TIMEOUT_S)
        connection.connect(note["socket"])
        reject_other_users(connection)
        with connection.makefile("rb") as lines:
            greeting = json.loads(lines.readline())
            daemon = greeting["daemon"]
            if (daemon["protocol"], daemon["version"]) != (note["protocol"], note["version"]):
                raise UnexpectedAnswer
            send(connection, {"proof": proof(note, greeting["challenge"]), **note["terms"]})
            if "welcome" not in json.loads(lines.readline()):
                raise UnexpectedAnswer
            connection.settimeout(RESPONSE_TIMEOUT_S)
            timeout = note["call_timeout"]
            send(connection, {"do": "read", "method": method, "params": params, "timeout": timeout, "progress": False})
            while "result" not in (answer := json.loads(lines.readline())):
                if "error" in answer:
                    reject(answer["error"])
            rows: list[dict[str, t.Any]] = answer["result"]
            replies.check(method, params, rows)
            return rows


def reject(error: dict[str, t.Any]) -> t.NoReturn:
    """Raise a `TimedOut`, since another route would wait as long again, and `UnexpectedAnswer` for other errors."""
    if error["class"] != "TimedOut":
        raise UnexpectedAnswer
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol

    raise protocol.error_from_frame(error)


def send(connection: socket.socket, frame: dict[str, t.Any]) -> None:
    """Send a frame."""
    connection.sendall(json.dumps(frame).encode() + b"\n")


def reject_other_users(connection: socket.socket) -> None:
    """Raise `UnexpectedAnswer` for a daemon of another user; without SO_PEERCRED, the directory mode protects it."""
    if hasattr(socket, "SO_PEERCRED"):
        _pid, uid, _gid = memoryview(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)).cast("i")
        if uid != os.geteuid():
            raise UnexpectedAnswer


def proof(note: Note, challenge: str) -> str:
    """Return the proof that this process has the secret, for the session daemon."""
    import hmac

    secret = f"{note['username']}\n{secret_of(note['secret'])}"
    return hmac.new(secret.encode(), challenge.encode(), "sha256").hexdigest()


def secret_of(location: dict[str, t.Any]) -> str:
    """Return the secret from the location in the note, which does not contain the secret."""
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


def path_of_note() -> str:
    """Return the path of the note. Raises `FileNotFoundError` for a user without a home directory."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if not os.path.isabs(cache):
        # A relative path would be in the working directory, where other users may have written the file.
        raise FileNotFoundError(cache)
    return os.path.join(cache, "pixels", "list.json")


def context() -> dict[str, str]:
    """Return the variables that select the NAS and the session, without secrets, which the daemon verifies itself."""
    return {name: value for name, value in os.environ.items() if name.startswith(VARIABLES) and name not in SECRETS}


def stamp(path: str) -> list[int] | None:
    """Return the state of a file as `config_file.Stamp` does, for JSON; None if it does not exist."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_mtime_ns, found.st_ino, found.st_size]


def write_note(cli: CliContext) -> None:
    """After a listing by another route, write the note if this route would list the same."""
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import exposure

    settled, secret = cli.settings, secret_location(cli)
    # The warning is to be repeated by each command.
    if settled.session == "direct" or cli.by_options or secret is None or exposure.warning(cli.resolved):
        return
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import client, identity, protocol

    wire = cli.session
    if not isinstance(wire, client.SharedSession):
        return
    note = {
        "context": context(),
        "config": cli.resolved.file.path,
        "stamp": cli.resolved.file.stamp,
        "socket": wire.socket_path,
        "protocol": protocol.PROTOCOL,
        "version": identity.VERSION,
        "terms": {
            "connect": settled.timeouts.connect,
            "login_wait": settled.timeouts.login_wait,
            "idle": settled.session_idle,
        },
        "call_timeout": settled.timeouts.call,
        "username": settled.credential.username,
        "secret": secret,
    }
    from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused

    try:
        write_file(note)
    except (OSError, Refused):
        # The next listing takes as long as this one.
        return


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
