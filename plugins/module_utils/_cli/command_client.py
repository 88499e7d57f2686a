# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a verb in the command server of an open session, which has all code loaded (command_server.py), with few imports.

The command server gets the command line, the environment and the open files of this process, and forks a process that
takes them over: it resolves the same configuration and prints the same. Until that process reports its start, nothing
is done, and this process can run the verb itself.
"""

from __future__ import annotations

import os
import sys

from ansible_collections.pixels.truenas.plugins.module_utils._cli import light_client, nas_note

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

START_TIMEOUT_S = 2.0
NAMESPACES = ("mnt", "net", "pid", "user")
FAILED = 1


def run(words: list[str]) -> int | None:
    """Run a command line. Return its exit status, or None if another route has to run it."""
    note = nas_note.read()
    if note is None or not note.get("daemon"):
        return None
    try:
        daemon = light_client.Daemon(note["daemon"]["socket"])
    except (*nas_note.UNUSABLE, light_client.UnexpectedAnswer):
        return None
    with daemon:
        try:
            daemon.authenticate(note)
            daemon.set_timeout(START_TIMEOUT_S)
            if not start(daemon, words):
                return None
        except (*nas_note.UNUSABLE, light_client.UnexpectedAnswer):
            return None
        # Outside of the block above: what was started is not run by another route.
        return wait(daemon, words)


def start(daemon: light_client.Daemon, words: list[str]) -> bool:
    """Hand a command line over. Return whether it was started, which it is at most once."""
    daemon.send({"do": "command", "program": program()})
    if "ready" not in daemon.receive():
        return False
    directory = os.open(".", getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        daemon.send(request(words), files=(0, 1, 2, directory))
    finally:
        os.close(directory)
    try:
        return "started" in daemon.receive()
    except TimeoutError:
        # From now on it cannot start, since it first reports that. It may have done so meanwhile.
        daemon.shut_down()
        return "started" in daemon.receive()


def wait(daemon: light_client.Daemon, words: list[str]) -> int:
    """Wait for the end of a command and return its exit status. Pass on Ctrl-C, which only this process gets."""
    daemon.set_timeout(None)
    while True:
        try:
            return int(daemon.receive()["exit"])
        except KeyboardInterrupt:
            try:
                daemon.send({"interrupt": True})
            except OSError:
                # It has ended. The next frame is its exit status.
                continue
        except (*nas_note.UNUSABLE, light_client.UnexpectedAnswer):
            break
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output

    text = f"pixels {words[0]} broke off: the process that ran it ended without a result"
    Output().error(f"Error: {text}. It may or may not be done; run it again")
    return FAILED


def program() -> list[t.Any]:
    """Return which code a process runs, and with which Python."""
    return [os.path.realpath(os.path.dirname(__file__)), os.path.dirname(sys.executable), sys.hexversion]


def request(words: list[str]) -> dict[str, t.Any]:
    """Return what a process takes over from this one in addition to open files."""
    mask = os.umask(0o077)
    os.umask(mask)
    return {
        "words": words,
        "environment": dict(os.environ),
        "umask": mask,
        "path": sys.path,
        "streams": [[stream.encoding, stream.errors] for stream in (sys.stdin, sys.stdout, sys.stderr)],
        "surroundings": surroundings(),
    }


def surroundings() -> list[t.Any]:
    """Return what a process cannot take over from another one: two with other values do not run the same."""
    root = os.stat("/")
    return [
        [os.getuid(), os.geteuid(), os.getgid(), os.getegid(), sorted(os.getgroups())],
        [root.st_dev, root.st_ino, *map(namespace, NAMESPACES)],
        [sys.getfilesystemencoding(), sys.flags.utf8_mode],
    ]


def namespace(kind: str) -> int | None:
    """Return the number of a namespace of this process; None where there are none."""
    try:
        return os.stat(f"/proc/self/ns/{kind}").st_ino
    except OSError:
        return None
