# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that change pixels: create, start, stop, restart and destroy, several at once."""

from __future__ import annotations

import sys
import threading
import time
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, PixelsError, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._command import arguments, ssh_config, targets
from ansible_collections.pixels.truenas.plugins.module_utils._command import output as output_of
from ansible_collections.pixels.truenas.plugins.module_utils._command.output import FAILED, failure, leave_at_once
from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import (
    cloning,
    fleet,
    host_keys,
    lifecycle,
    names,
    openssh,
    provisioning,
    public_keys,
    readiness,
    show,
    sizes,
    users,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output, Progress
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.change import Change
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

CONCURRENCY = 8
"""How many are worked on at a time, beside those that are only waited for."""

# Seconds: for all of it; for an address, which is no error where none comes; for an SSH server, likewise.
WHOLE = 600.0
ADDRESS = 15.0
SSH = {"create": 90.0, "start": 30.0, "restart": 30.0}

DOING = {
    "create": "Creating",
    "start": "Starting",
    "stop": "Stopping",
    "restart": "Restarting",
    "destroy": "Destroying",
}
DONE = {"create": "Created", "start": "Started", "stop": "Stopped", "restart": "Restarted", "destroy": "Destroyed"}
STATES = {"create": "started", "start": "started", "stop": "stopped", "restart": "restarted", "destroy": "absent"}
UNCHANGED = {"create": "exists already", "start": "runs already", "stop": "is stopped already"}


@dataclass(frozen=True)
class Ended:
    """How it went with one pixel."""

    name: str
    """Bare."""
    outcome: fleet.Outcome
    seconds: float
    container: Container | None = None
    warning: str | None = None
    """What it did not come to in time, which is no error."""


def create(asked: argparse.Namespace, output: Output) -> int:
    place = Place(asked, output)
    if asked.console and len(asked.names) > 1:
        raise Invalid("only one console can be entered at a time: create one pixel with --console")
    full = [names.full_name(name) for name in asked.names]
    origin = cloning.parse(asked.source) if asked.source else None
    wanted = lifecycle.Wanted(
        name="",
        image=asked.image,
        cpu=asked.cpu,
        memory=None if asked.memory is None else sizes.parse_memory(asked.memory),
        pool=asked.pool,
        origin=origin,
        # A clone has what its source had.
        provision=None if origin else what_to_provision(asked, place),
    )
    rc = make(asked, place, full, wanted)
    if rc == 0 and asked.console:
        from ansible_collections.pixels.truenas.plugins.module_utils._command import console

        return console.go_in(place, asked.names[0])
    return rc


def make(asked: argparse.Namespace, place: Place, full: t.Sequence[str], wanted: lifecycle.Wanted) -> int:
    """One pixel, or several that are alike."""
    return change(asked, place, "create", [replace(wanted, name=name) for name in dict.fromkeys(full)])


def what_to_provision(asked: argparse.Namespace, place: Place) -> provisioning.Provision | None:
    """Our public key, so that we can log in; without one there is little to provision."""
    if asked.no_provision:
        return None
    login = users.check(place.ssh.user)
    path = public_keys.path_beside(place.ssh.key)
    try:
        return provisioning.Provision(public_keys=(public_keys.read(path),), user=login)
    except Invalid as error:
        place.output.warn(
            f"{error.fields[0][1]}. Without one nobody can log in over SSH, so nothing is provisioned: "
            "make one with ssh-keygen, or give --no-provision"
        )
        return None


def start(asked: argparse.Namespace, output: Output) -> int:
    return change_existing(asked, Place(asked, output), "start")


def stop(asked: argparse.Namespace, output: Output) -> int:
    return change_existing(asked, Place(asked, output), "stop")


def restart(asked: argparse.Namespace, output: Output) -> int:
    return change_existing(asked, Place(asked, output), "restart")


def destroy(asked: argparse.Namespace, output: Output) -> int:
    place = Place(asked, output)
    chosen = select(asked, place)
    if not chosen.found:
        return report(place, "destroy", [], chosen.missing)
    if not asked.force:
        answer = agreed(place, [names.bare_name(each.name) for each in chosen.found])
        if answer is None:
            output.complain("Aborted: nobody answered. Give --force to destroy without being asked")
            return FAILED
        if not answer:
            output.say("Aborted.")
            return 0
    doomed = [replace(each, clones=asked.clones) for each in wishes("destroy", chosen)]
    return change(asked, place, "destroy", doomed, chosen.missing)


def agreed(place: Place, bare: t.Sequence[str]) -> bool | None:
    """Ask at the prompt; None when there is no answer."""
    question = f'Destroy pixel "{bare[0]}" and all its checkpoints?'
    if len(bare) > 1:
        for name in bare:
            place.output.complain(f"  {name}")
        question = f"Destroy these {len(bare)} pixels and all their checkpoints?"
    # Where JSON is asked for, stdout is for a program.
    stream = sys.stderr if place.output.json else sys.stdout
    stream.write(f"{question} [y/N] ")
    stream.flush()
    answer = sys.stdin.readline()
    if not answer:
        stream.write("\n")
        return None
    return answer.strip().lower() in ("y", "yes")


def change_existing(asked: argparse.Namespace, place: Place, verb: str) -> int:
    chosen = select(asked, place)
    return change(asked, place, verb, wishes(verb, chosen), chosen.missing)


def select(asked: argparse.Namespace, place: Place) -> targets.Targets:
    if not asked.names and not asked.all:
        asked.parser.error("which pixel? Give its name, a pattern, or --all")
    return targets.find(place.pixels, asked.names, everything=asked.all)


def wishes(verb: str, chosen: targets.Targets) -> list[lifecycle.Wanted]:
    return [lifecycle.Wanted(each.name, state=STATES[verb]) for each in chosen.found]


def change(
    asked: argparse.Namespace,
    place: Place,
    verb: str,
    wanted: t.Sequence[lifecycle.Wanted],
    missing: t.Sequence[PixelsError] = (),
) -> int:
    """Bring all of them to what is wanted, several at a time, and tell how it went."""
    if not wanted:
        return report(place, verb, [], missing)
    patience = lifecycle.Patience(
        stop_timeout=getattr(asked, "stop_timeout", 30),
        # To destroy, the same word says not to ask.
        force=verb != "destroy" and getattr(asked, "force", False),
        wait="none" if getattr(asked, "wait", None) == "none" else "running",
        ssh_port=place.ssh.port,
    )
    members = [fleet.Member(each, patience, WHOLE) for each in wanted]
    bare = [names.bare_name(each.name) for each in wanted]
    what = bare[0] if len(bare) == 1 else f"{len(bare)} pixels"
    with place.output.progress(f"{DOING[verb]} {what}...") as progress:
        try:
            ended = beside(lambda: converge(place, verb, members, asked, progress))
        except KeyboardInterrupt:
            progress.make_room()
            try:
                tell_what_is_left(asked, place, verb, bare)
            finally:
                # Whatever happens: it would be waited for what goes on.
                leave_at_once()
    for each in ended:
        remember(place, verb, each)
    ssh_config.keep_up_to_date(place)
    return report(place, verb, ended, missing)


def beside(work: t.Callable[[], list[Ended]]) -> list[Ended]:
    """Work in a thread, so that Ctrl-C is noticed at once, whatever the work waits for."""
    result: list[t.Any] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:  # noqa: BLE001 (raised again where it is waited for)
            result.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.2)
    if isinstance(result[0], BaseException):
        raise result[0]
    found: list[Ended] = result[0]
    return found


def converge(
    place: Place, verb: str, members: t.Sequence[fleet.Member], asked: argparse.Namespace, progress: Progress
) -> list[Ended]:
    from concurrent.futures import ThreadPoolExecutor

    pixels = place.pixels
    plans = fleet.plan(pixels, members, concurrency=CONCURRENCY, warn=place.output.warn)
    turn = threading.Semaphore(CONCURRENCY)

    def one(planned: fleet.Planned) -> Ended:
        with turn:
            began = time.monotonic()
            outcome = fleet.converge(pixels, [planned], concurrency=1, say=lambda text: tell(progress, text))[0]
        container, warning = outcome.container, None
        if (
            container
            and container.running
            and not outcome.error
            and asked.__dict__.get("wait") not in ("none", "running")
        ):
            progress.tell(f"{planned.name}: running, waiting for it to answer")
            container, warning = settle_in(
                place, verb, container, asked.wait, provisioned=planned.member.wanted.provision
            )
        return Ended(planned.name, outcome, time.monotonic() - began, container, warning)

    # The NAS has nothing to do for those that are waited for, so that others have their turn meanwhile.
    with ThreadPoolExecutor(max_workers=CONCURRENCY + fleet.MOST_WAITING) as pool:
        return list(pool.map(one, plans))


def tell(progress: Progress, text: str) -> None:
    """How far a job is. How it ended is told at the end, and that it is done is no news while something follows."""
    name, _colon, step = text.partition(": ")
    if " % " in step and not step.startswith("100 % "):
        progress.tell(f"{name}: {step.removeprefix('0 % ')}")


def settle_in(
    place: Place, verb: str, container: Container, wait: str | None, *, provisioned: object
) -> tuple[Container, str | None]:
    """Wait for an address, and for SSH where there is reason to expect it; too long a wait is no error, but told."""
    pixels = place.pixels
    try:
        found = readiness.wait_for(pixels, container.name, "address", deadline=Deadline(ADDRESS))
    except TimedOut as error:
        return container, str(error)
    container = found or container
    # Who has been in there before can expect to get in again.
    expected = provisioned or place.host_keys.find(host_keys.alias(container.name, pixels.nas))
    if container.ipv4 and (wait == "ssh" or (wait is None and expected)):
        where = f"{names.bare_name(container.name)} on {pixels.nas}"
        try:
            readiness.wait_for_ssh(where, container.ipv4, place.ssh.port, deadline=Deadline(SSH[verb]))
        except TimedOut as error:
            return container, f"SSH not ready: {error}"
    return container, None


def remember(place: Place, verb: str, ended: Ended) -> None:
    """Where it is now, for those who enter it next; what was open to it is closed where it went away."""
    full = names.full_name(ended.name)
    if verb in ("stop", "restart", "destroy") or (verb == "create" and ended.outcome.word == "created"):
        place.addresses.forget(full)
        openssh.hang_up(full)
    if ended.container and ended.container.running and ended.container.ipv4:
        place.addresses.note(full, ended.container.ipv4)


def report(place: Place, verb: str, ended: t.Sequence[Ended], missing: t.Sequence[PixelsError]) -> int:
    output = place.output
    if output.json:
        output.give([as_json(place, each) for each in ended] + output_of.missing(missing))
    for each in ended:
        if each.outcome.error:
            output.complain(f"Error: {each.outcome.error}")
            continue
        for line in told(place, verb, each):
            output.say(line)
        if each.warning and each.container and each.container.ipv4:
            output.warn(each.warning)
    for error in missing:
        output.complain(f"Error: {error}")
    return FAILED if missing or any(each.outcome.error for each in ended) else 0


def as_json(place: Place, ended: Ended) -> dict[str, t.Any]:
    shown: dict[str, t.Any] = {"name": ended.name, "changed": ended.outcome.word not in ("unchanged", "failed")}
    if ended.outcome.error:
        shown["error"] = failure(ended.outcome.error)
    shown["container"] = show.container(ended.container, place.pixels) if ended.container else None
    if ended.warning:
        shown["warning"] = ended.warning
    return shown


def told(place: Place, verb: str, ended: Ended) -> t.Iterator[str]:
    """What became of a pixel, and how to enter it."""
    container, word = ended.container, ended.outcome.word
    headline = f"{DONE[verb]} {ended.name}"
    if word == "unchanged" and verb in UNCHANGED:
        headline = f"{ended.name} {UNCHANGED[verb]}"
    elif verb == "create":
        headline = f"Created px-{ended.name} in {ended.seconds:.1f}s"
        if word == "changed":
            headline = f"{ended.name} exists already, and was {what_changed(ended.outcome.planned.change)}"
    if verb in ("stop", "destroy"):
        yield headline
        return
    if container is None or container.ipv4 is None:
        yield f"{headline} (no IP assigned)"
        return
    yield headline
    yield f"  IP:  {container.ipv4}"
    yield f"  SSH: ssh {place.ssh.user}@{container.ipv4}"


def what_changed(change: Change | None) -> str:
    """How an existing pixel differs from before, where it was more than started."""
    before, after = (change.before or {}, change.after or {}) if change else ({}, {})
    differences = [
        f"{name} {worded(name, before.get(name))} to {worded(name, value)}"
        for name, value in after.items()
        if value != before.get(name) and name not in ("status", "provisioned")
    ]
    return f"changed: {', '.join(differences)}" if differences else "brought up"


def worded(name: str, value: t.Any) -> str:
    if value is None:
        return "none"
    return sizes.format_memory(value) or "none" if name == "memory" and isinstance(value, int) else str(value)


def tell_what_is_left(asked: argparse.Namespace, place: Place, verb: str, bare: t.Sequence[str]) -> None:
    """After Ctrl-C: what the NAS goes on with, and how to go on."""
    output = place.output
    headline = f"Interrupted. What {place.nas} was told to do goes on:"
    output.complain(headline)
    shown: list[dict[str, t.Any]] = []
    for name in bare:
        try:
            found = place.pixels.find(name)
        except PixelsError as error:
            output.complain(f"  {name}: cannot tell, {error}")
            shown.append({"name": name, "error": failure(error)})
            continue
        shown.append({"name": name, "status": found.status if found else None})
        if found:
            output.complain(f"  {name} is {found.status}")
        elif verb == "create":
            output.complain(f"  {name} is not there yet: the NAS may still be making it")
        else:
            output.complain(f"  {name} is gone")
    ways = {"go_on": arguments.again(asked)}
    if verb == "create":
        ways["undo"] = f"{arguments.there(asked)} destroy {' '.join(bare)}"
    output.complain(f"To go on: {ways['go_on']}")
    if "undo" in ways:
        output.complain(f"To undo it: {ways['undo']}")
    if output.json:
        output.give({"error": {"kind": "Interrupted", "message": headline}, "pixels": shown, **ways})
