# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which commands of a cron job does the simulated NAS understand? It never runs one on this machine.

A command is a chain of simple ones with `&&` and `;`; the known ones are `true`, `false`, `exit`, `sleep`,
`echo`, `zfs snapshot`, `zfs destroy`, `zfs clone` and `zfs rollback`. Any other fails with a text that says so.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import typing as t

from tests.simulator.storage import ZfsError

if t.TYPE_CHECKING:
    from tests.simulator.storage import Storage

NOT_UNDERSTOOD = 127
INTO_NOTHING = re.compile(r"\s*\d?>\s*/dev/null|\s*2>&1")
SHELL_WORK = re.compile(r"[<>|&$`()]")
"""What only a shell can do: files, pipes and variables."""


class Ended(t.NamedTuple):
    returncode: int
    output: str = ""


async def run(storage: Storage, command: str) -> Ended:
    """What a shell would do, as far as the commands are known."""
    output = ""
    ended = Ended(0)
    parts = re.split(r"\s*(&&|;)\s*", command.strip())
    for joint, part in zip(["", *parts[1::2]], parts[0::2], strict=True):
        if not part or (joint == "&&" and ended.returncode):
            continue
        ended = await run_simple(storage, part)
        output += ended.output
    return Ended(ended.returncode, output)


async def run_simple(storage: Storage, command: str) -> Ended:
    loud = INTO_NOTHING.sub("", command)
    try:
        words = shlex.split(loud)
    except ValueError as error:
        return Ended(2, f"sh: {error}\n")
    if SHELL_WORK.search(loud):
        return not_understood(command)
    match words:
        case ["true" | ":"]:
            return Ended(0)
        case ["false"]:
            return Ended(1)
        case ["exit", code] if code.isdigit():
            return Ended(int(code))
        case ["sleep", seconds] if seconds.replace(".", "", 1).isdigit():
            await asyncio.sleep(float(seconds))
            return Ended(0)
        case ["echo", *rest]:
            return Ended(0, " ".join(rest) + "\n")
        case ["zfs" | "/sbin/zfs" | "/usr/sbin/zfs", verb, *rest]:
            return await run_zfs(storage, verb, rest)
    return not_understood(command)


def not_understood(command: str) -> Ended:
    return Ended(NOT_UNDERSTOOD, f"the simulated NAS does not know how to run: {command}\n")


async def run_zfs(storage: Storage, verb: str, words: list[str]) -> Ended:
    flags = "".join(word[1:] for word in words if word.startswith("-"))
    names = [word for word in words if not word.startswith("-")]
    try:
        match verb, names:
            case "snapshot", [id] if "@" in id:
                await storage.take(*id.split("@", 1), recursive="r" in flags)
            case "destroy", [id] if "@" in id:
                if id not in storage.zfs.snapshots:
                    raise ZfsError("could not find any snapshots to destroy; check snapshot names.")
                await storage.drop(id, defer="d" in flags)
            case "destroy", [dataset]:
                await storage.destroy(dataset, recursive="r" in flags or "R" in flags, dependents="R" in flags)
            case "clone", [id, target]:
                await storage.clone(id, target)
            case "rollback", [id]:
                await storage.rollback(id, newer="r" in flags or "R" in flags, clones="R" in flags)
            case _:
                return not_understood(" ".join(["zfs", verb, *words]))
    except ZfsError as error:
        return Ended(1, f"{error}\n")
    return Ended(0)
