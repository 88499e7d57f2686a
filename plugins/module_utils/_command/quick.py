# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb list without any option, while a session is held open: asks its holder at once.

What makes C(pixels list) slow is not the NAS but the loading of all that could be needed. Where it went the long way
and all was well, it leaves a note of where the holder listens; the next one asks there, if nothing that the note
depends on has changed since, and in any doubt goes the long way again.
"""

from __future__ import annotations

import json
import os
import socket

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import brief

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

    from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place

    Brief = tuple[str, str, t.Optional[str]]
    Note = dict[str, t.Any]

PREFIX = "px-"
DEPENDS_ON = ("PIXELS_", "XDG_", "SSL_CERT_", "HOME")
SECRETS = {"PIXELS_TRUENAS_API_KEY": "api_key", "PIXELS_TRUENAS_PASSWORD": "password"}
SILENCE = 30.0
TIMEOUT = 60

HEADER = ("NAME", "STATUS", "IP")


class Unexpected(Exception):
    """The long way is the better one."""


def listing() -> list[Brief] | None:
    """The pixels, by their full names; None where the long way has to be gone."""
    try:
        with open(path_of_note(), encoding="utf-8") as file:
            note = json.load(file)
        if note["context"] != context() or note["stamp"] != stamp(note["config"]):
            return None
        found = sorted(brief.brief(row) for row in ask(note))
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, Unexpected):
        return None
    # None at all can also mean that containers are not set up there, and the long way says so.
    return found or None


def cells(name: str, status: str, ipv4: str | None) -> tuple[str, str, str]:
    """A line of the table, whichever way it came."""
    return name.removeprefix(PREFIX), status.upper(), ipv4 or "—"


def ask(note: Note) -> list[dict[str, t.Any]]:
    """The rows the NAS has. Raises C(Unexpected), and whatever goes wrong in a conversation with somebody else."""
    method, params = brief.query(PREFIX)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(SILENCE)
        connection.connect(note["socket"])
        refuse_strangers(connection)
        with connection.makefile("rb") as lines:
            greeting = json.loads(lines.readline())
            holder = greeting["holder"]
            if (holder["protocol"], holder["version"]) != (note["protocol"], note["version"]):
                raise Unexpected
            say(connection, {"proof": proof(note, greeting["challenge"]), **note["terms"]})
            if "welcome" not in json.loads(lines.readline()):
                raise Unexpected
            say(connection, {"do": "read", "method": method, "params": params, "timeout": TIMEOUT, "progress": False})
            while "result" not in (answer := json.loads(lines.readline())):
                if "error" in answer:
                    raise Unexpected
            rows: list[dict[str, t.Any]] = answer["result"]
            return rows


def say(connection: socket.socket, frame: dict[str, t.Any]) -> None:
    connection.sendall(json.dumps(frame).encode() + b"\n")


def refuse_strangers(connection: socket.socket) -> None:
    """Where the system does not tell who is at the other end, the mode of the folder has to do."""
    if hasattr(socket, "SO_PEERCRED"):
        _pid, uid, _gid = memoryview(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)).cast("i")
        if uid != os.geteuid():
            raise Unexpected


def proof(note: Note, challenge: str) -> str:
    """What the holder wants to see of somebody who may use its login."""
    import hmac

    secret = f"{note['username']}\n{secret_of(note['secret'])}"
    return hmac.new(secret.encode(), challenge.encode(), "sha256").hexdigest()


def secret_of(place: dict[str, t.Any]) -> str:
    """The secret, from where it was when the note was written; it is not in the note."""
    if "variable" in place:
        return os.environ[place["variable"]]
    with open(place["file"], encoding="utf-8") as file:
        text = file.read()
    if "table" not in place:
        return text.strip()
    import tomllib

    found = tomllib.loads(text)
    for name in place["table"]:
        found = found[name]
    return str(found)


def path_of_note() -> str:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "pixels", "list.json")


def context() -> dict[str, str]:
    """The variables that decide where to go. Secrets are not among them: the holder asks for those itself."""
    return {name: value for name, value in os.environ.items() if name.startswith(DEPENDS_ON) and name not in SECRETS}


def stamp(path: str) -> list[int] | None:
    """What C(config_file.Stamp) has of a file, as JSON has it; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_mtime_ns, found.st_ino, found.st_size]


def note_the_way(place: Place) -> None:
    """After a listing that went the long way: leave a note, where the short way leads to the same."""
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel import secrecy

    settled, secret = place.settings, where_the_secret_is(place)
    # What is to be warned of is so each time.
    if settled.session == "direct" or place.by_options or secret is None or secrecy.warning(place.survey):
        return
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import client, identity, protocol

    wire = place.session
    if not isinstance(wire, client.SharedSession):
        return
    note = {
        "context": context(),
        "config": place.survey.file.path,
        "stamp": place.survey.file.stamp,
        "socket": wire.socket_path,
        "protocol": protocol.PROTOCOL,
        "version": identity.VERSION,
        "terms": {
            "connect": settled.timeouts.connect,
            "login_wait": settled.timeouts.login_wait,
            "idle": settled.session_idle,
        },
        "username": settled.credential.username,
        "secret": secret,
    }
    try:
        write(note)
    except OSError:
        return


def write(note: Note) -> None:
    """All or nothing, for its owner alone."""
    import tempfile

    path = path_of_note()
    try:
        with open(path, encoding="utf-8") as file:
            if file.read() == json.dumps(note):
                return
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    descriptor, new = tempfile.mkstemp(dir=os.path.dirname(path), prefix="list-")
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(note))
    os.replace(new, path)


def where_the_secret_is(place: Place) -> dict[str, t.Any] | None:
    """None where it is not to be had without asking somebody."""
    values, file = place.survey.values, place.survey.file
    for option in ("api_key", "api_key_file", "password"):
        value, source = values[option]
        if not value:
            continue
        if option == "api_key_file":
            return {"file": os.path.abspath(os.path.expanduser(value))}
        if source in SECRETS:
            return {"variable": source}
        if source.startswith(file.path):
            table = ["nas", place.survey.profile] if place.survey.profile else ["truenas"]
            return {"file": os.path.abspath(file.path), "table": [*table, option]}
        return None
    return None
