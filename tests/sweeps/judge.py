# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge of the sweep: checks the state of the NAS after a fault, and the error message."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from tests.sweeps.faults import Fault
    from tests.sweeps.nas import Attempt, Nas
    from tests.sweeps.operations import Operation

VOLATILE = ("id", "uuid", "raw", "aliases", "userns_idmap", "time")
TIME = re.compile(r"\d{8}-\d{6}(-\d+)?")
TOKEN = re.compile(r"(?<=[.-])[0-9a-f]{8}\b")
IMAGES = "/images/"
SAFETY = "px-safety-"

NEXT_STEP = re.compile(
    r"[Rr]un this again|can be run again|[Ss]et state: (absent|started) for|[Dd]elete the checkpoint with|"
    r"[Ss]et stop_timeout|completes it"
)
STATEMENT = r"\b{pixel} (?:is now (\w+)|does not exist now)"
GONE = ""
"""The status of a container that does not exist."""
UNKNOWN = re.compile(r"may still change|could not be read")
NOTHING_DONE = "Nothing was run there"


@dataclass(frozen=True)
class World:
    """The relevant state of a NAS, with names that do not depend on the time."""

    containers: t.Mapping[str, t.Any]
    datasets: t.Mapping[str, str | None]
    snapshots: frozenset[str]
    states: t.Mapping[str, str]

    def status(self, pixel: str) -> str:
        """Return the status of a pixel, in lower case."""
        container = self.containers.get(f"px-{pixel}")
        return str(container["status"]).lower() if container else GONE

    @property
    def labels(self) -> set[str]:
        """The labels of all checkpoints."""
        return {each.partition("@")[2] for each in self.snapshots}


def look(nas: Nas) -> World:
    """Return the current state of a NAS."""
    shown = nas.world.as_json()
    containers = {name: stripped(row) for name, row in shown["containers"].items()}
    datasets = {fixed(name): origin and fixed(origin) for name, origin in shown["datasets"].items()}
    snapshots = frozenset(fixed(name) for name in shown["snapshots"])
    return World(containers, datasets, snapshots, {name: nas.state_of(name) for name in containers})


def stripped(row: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return a container without the fields that differ from run to run."""
    kept = {name: value for name, value in row.items() if name not in VOLATILE}
    status = kept["status"]
    kept["status"] = status["state"] if isinstance(status, dict) else status
    if "devices" in kept:
        kept["devices"] = [each["attributes"].get("nic_attach") for each in kept["devices"]]
    return kept


def fixed(name: str) -> str:
    """Return a name with its random and time-dependent parts replaced."""
    return TOKEN.sub("TOKEN", TIME.sub("TIME", name))


def first(operation: Operation, fault: Fault, before: World, after: World, attempt: Attempt) -> t.Iterator[str]:
    """Yield the problems of the run with the fault."""
    if attempt.hung:
        yield "hung"
    if attempt.crash:
        yield f"ended with a traceback: {attempt.crash}"
    lost = before.labels - after.labels - operation.removes
    if lost:
        yield f"lost the checkpoints {', '.join(sorted(lost))}"
    if operation.keeps_base and not has_base(after, operation.keeps_base):
        yield f"no pixel can be cloned from the base {operation.keeps_base}"
    if attempt.error:
        yield from message(operation, fault, after, attempt.error)


def has_base(world: World, base: str) -> bool:
    """Return whether a base on Incus has a complete version with its checkpoint."""
    ready = {each.partition("@")[0].rpartition("/")[2] for each in world.snapshots if each.endswith("@ready")}
    return any(
        name in ready
        and row["environment"].get("PIXELS/base") == base
        and not {"PIXELS/building", "PIXELS/cloning"}.intersection(row["environment"])
        for name, row in world.containers.items()
    )


def message(operation: Operation, fault: Fault, after: World, error: str) -> t.Iterator[str]:
    """Yield what an error lacks: the pixel, its current state, or the next step."""
    named = [pixel for pixel in operation.pixels if re.search(rf"\b{pixel}\b", error)]
    if not named:
        yield f"the error names no pixel: {error}"
    for pixel in named if operation.says_state else ():
        statements = re.findall(STATEMENT.format(pixel=pixel), error)
        status = after.status(pixel)
        if not statements and not UNKNOWN.search(error) and NOTHING_DONE not in error:
            yield f"the error does not say that {pixel} is now {status}: {error}"
        if any(each != status for each in statements) and not (fault.unknown and UNKNOWN.search(error)):
            yield f"the error says {statements}, but {pixel} is now {status}: {error}"
    if not NEXT_STEP.search(error):
        yield f"the error does not say what to do next: {error}"


def last(operation: Operation, goal: World, now: World, again: Attempt, third: Attempt, error: str) -> t.Iterator[str]:
    """Yield the problems after the same task has run again without a fault."""
    if again.failed:
        yield f"the next run failed: {again.error or again.crash or 'hung'}"
        return
    if third.failed:
        yield f"the run after the next failed: {third.error or third.crash or 'hung'}"
    elif operation.idempotent and third.result.get("changed"):
        yield f"the run after the next changed something: {third.result.get('diff')}"
    yield from differences("containers", goal.containers, now.containers)
    yield from differences("state files", goal.states, now.states)
    leftovers = (set(now.datasets) | now.snapshots) - set(goal.datasets) - goal.snapshots
    leftovers = {each for each in leftovers if SAFETY not in each and not is_named(each, error)}
    if leftovers:
        yield f"left behind without being named: {', '.join(sorted(leftovers))}"
    missing = (set(goal.datasets) | goal.snapshots) - set(now.datasets) - now.snapshots
    if missing:
        yield f"missing: {', '.join(sorted(missing))}"
    for name, origin in goal.datasets.items():
        if IMAGES in name and now.datasets.get(name) != origin:
            yield f"{name} depends on {now.datasets.get(name)}"


def differences(subject: str, goal: t.Mapping[str, t.Any], now: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Yield each entry that differs from the goal."""
    for name in sorted(goal.keys() | now.keys()):
        expected, found = goal.get(name), now.get(name)
        if expected == found:
            continue
        if isinstance(expected, dict) and isinstance(found, dict):
            keys = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
            expected, found = ({key: each.get(key) for key in sorted(keys)} for each in (expected, found))
        yield f"{subject}: {name} is {found} instead of {expected}"


def is_named(leftover: str, error: str) -> bool:
    """Return whether a message contains the last part of the name of a dataset or a checkpoint."""
    return re.split("[@/]", leftover)[-1] in fixed(error)
