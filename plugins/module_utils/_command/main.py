# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels command: verbs for people at a prompt, each a call of the same layer the modules use."""

from __future__ import annotations

import argparse
import json
import sys
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import lifecycle, names, settings, show, sizes
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

WAIT_SECONDS = 600

STATES = {"create": "started", "start": "started", "stop": "stopped", "restart": "restarted", "destroy": "absent"}
DONE = {"create": "Created", "start": "Started", "stop": "Stopped", "restart": "Restarted", "destroy": "Destroyed"}


class Place(t.NamedTuple):
    """Where a verb is carried out."""

    pixels: Pixels
    settings: settings.Settings


def main(arguments: t.Sequence[str] | None = None) -> int:
    """Carry out one verb; the exit status. Where to go comes from PIXELS_* variables."""
    asked = parser().parse_args(arguments)
    try:
        settled = settings.resolve({"host": asked.host, "username": asked.username}.get)
        with Session(settled.endpoint, settled.credential, timeouts=settled.timeouts, notice=complain) as session:
            return int(asked.verb(asked, Place(Pixels(session), settled)))
    except PixelsError as error:
        complain(f"Error: {error}")
        return 1


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="pixels", description="Disposable Linux containers on TrueNAS.")
    top.add_argument("--host", help="TrueNAS host (else PIXELS_TRUENAS_HOST)")
    top.add_argument("-u", "--username", help="account (else PIXELS_TRUENAS_USERNAME, else root)")
    top.add_argument("--json", action="store_true", help="print JSON")
    verbs = top.add_subparsers(required=True, metavar="VERB")

    listing = verbs.add_parser("list", help="list pixels")
    listing.set_defaults(verb=list_pixels)

    for verb in STATES:
        changing = verbs.add_parser(verb, help=f"{verb} a pixel")
        changing.set_defaults(verb=change, name_of_verb=verb)
        changing.add_argument("name")
        if verb == "create":
            changing.add_argument("--image", help=f"image (default {lifecycle.DEFAULT_IMAGE})")
            changing.add_argument("--cpu", help=f"cores (default {lifecycle.DEFAULT_CPU})")
            changing.add_argument("--memory", help="memory, such as 2GiB (default 2048MiB)")
        if verb == "destroy":
            changing.add_argument("--force", action="store_true", help="do not ask")

    running = verbs.add_parser("exec", help="run a command in a pixel: pixels exec web -- uptime")
    running.set_defaults(verb=execute)
    running.add_argument("name")
    running.add_argument("command", nargs=argparse.REMAINDER)
    return top


def list_pixels(asked: argparse.Namespace, place: Place) -> int:
    found = place.pixels.list()
    if asked.json:
        say(json.dumps([show.container(each, place.pixels) for each in found], indent=2))
    elif not found:
        say("No pixels found.")
    else:
        rows = [("NAME", "STATUS", "IP"), *(row(each) for each in found)]
        widths = [max(len(line[column]) for line in rows) + 2 for column in range(2)]
        for name, status, address in rows:
            say(f"{name:{widths[0]}}{status:{widths[1]}}{address}")
    return 0


def row(found: Container) -> tuple[str, str, str]:
    return names.bare_name(found.name), found.status.upper(), found.ipv4 or "—"


def change(asked: argparse.Namespace, place: Place) -> int:
    """Bring one pixel to the state its verb means; only create makes one that is not there."""
    verb, pixels = asked.name_of_verb, place.pixels
    if verb != "create":
        pixels.get(asked.name)
    if verb == "destroy" and not asked.force and not agreed(asked.name):
        say("Aborted.")
        return 0
    wanted = wish(asked)
    found = lifecycle.find(pixels, wanted)
    wanted = lifecycle.complete(pixels, wanted, found, default_nic=lambda: lifecycle.detect_nic(pixels, complain))
    planned = lifecycle.plan(found, wanted)
    container = lifecycle.reach(
        pixels, planned, found, wanted, patience=lifecycle.Patience(), deadline=Deadline(WAIT_SECONDS)
    )
    if asked.json:
        say(json.dumps({"changed": planned.needed, "container": container and show.container(container, pixels)}))
        return 0
    say(f"{DONE[verb]} {names.bare_name(asked.name)}" + ("" if planned.needed else " (it was so already)"))
    if container is not None and container.ipv4:
        say(f"  IP:  {container.ipv4}\n  SSH: ssh {place.settings.ssh.user}@{container.ipv4}")
    return 0


def wish(asked: argparse.Namespace) -> lifecycle.Wanted:
    memory = getattr(asked, "memory", None)
    return lifecycle.Wanted(
        names.full_name(asked.name),
        STATES[asked.name_of_verb],
        image=getattr(asked, "image", None),
        cpu=getattr(asked, "cpu", None),
        memory=None if memory is None else sizes.parse_memory(memory),
    )


def agreed(name: str) -> bool:
    """Ask at the prompt; no answer is a no."""
    sys.stdout.write(f'Destroy pixel "{names.bare_name(name)}" and all its checkpoints? [y/N] ')
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def execute(asked: argparse.Namespace, place: Place) -> int:
    """Run a command; its output and its exit status are ours."""
    # Only here: it takes longer to load than all the rest.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel import entering

    argv = asked.command[1:] if asked.command[:1] == ["--"] else asked.command
    if not argv:
        complain("Error: there is no command to run: pixels exec NAME -- COMMAND")
        return 2
    stdin = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
    with entering.enter(place.pixels, asked.name, place.settings.ssh) as shell:
        ended = shell.run(Command(tuple(argv), stdin=stdin))
    sys.stdout.buffer.write(ended.stdout)
    sys.stderr.buffer.write(ended.stderr)
    return ended.rc


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
