# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install tools in a pixel: start the program that does it there, and watch its record."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import file_transfer, scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command, process_id
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import (
    devtools_lock,
    devtools_program,
    step_record,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Shell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.devtools_lock import Tool
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

Say = t.Callable[[str], None]

SCRIPT_TIMEOUT_S = 30.0
OUTPUT_LIMIT = 4 * step_record.SIZE_LIMIT
INSTALLING = "installing"

STAMP = re.compile(r"([a-z0-9][a-z0-9._-]{0,39}) ([0-9a-f]{64})")

INSPECT = f"""\
for file in {devtools_program.ROOT}/*/.digest; do
    [ -f "$file" ] || continue
    directory=${{file%/.digest}}
    echo "${{directory##*/}} $(head -c 64 "$file")"
done
"""

WATCH = f"""\
for pid in "$1" "$(cat {devtools_program.PID_PATH} 2>/dev/null)"; do
    case $(tr '\\0' ' ' 2>/dev/null <"/proc/${{pid:-none}}/cmdline") in
    *{devtools_program.PROGRAM_PATH}\\ install*) echo {INSTALLING}; break ;;
    esac
done
{step_record.READ}"""
"""Prints first whether a process installs tools, either $1 or another one, and then the record."""

FILES = {
    devtools_program.PROGRAM_PATH: (devtools_program.PROGRAM, "755"),
    devtools_program.PROFILE_PATH: (devtools_program.PROFILE, "644"),
}


def select(names: t.Iterable[str], lock: str | None = None) -> list[Tool]:
    """Return the tools of these names and those that they require, from the lock at a path. Raises `Invalid`."""
    return devtools_lock.select(devtools_lock.load(lock), names)


def installed(shell: Shell) -> dict[str, str]:
    """Return the digests of the tools that are installed in a pixel, by name."""
    output = scripts.run(shell, INSPECT, timeout=SCRIPT_TIMEOUT_S).stdout.decode("utf-8", "replace")
    return {match[1]: match[2] for match in map(STAMP.fullmatch, output.splitlines()) if match}


def missing(shell: Shell, tools: t.Sequence[Tool]) -> list[Tool]:
    """Return the tools that are not installed as locked."""
    present = installed(shell)
    return [tool for tool in tools if present.get(tool.name) != tool.digest]


def is_complete(pixels: Pixels, name: PixelName, tools: t.Sequence[Tool]) -> bool:
    """Return whether a running pixel has these tools as locked."""
    with trying(f"inspecting {name.bare} on {pixels.nas}"), WebShellClient(pixels, name) as shell:
        return not missing(shell, tools)


def plan(shell: Shell, tools: t.Sequence[Tool]) -> Change:
    """Return what an installation changes, with the versions of the tools."""
    to_install = {tool.name for tool in missing(shell, tools)}
    before = {tool.name: None if tool.name in to_install else tool.version for tool in tools}
    return Change({"devtools": before}, {"devtools": {tool.name: tool.version for tool in tools}})


def install(
    pixels: Pixels, name: PixelName, tools: t.Sequence[Tool], *, deadline: Deadline, wait: bool = True, say: Say
) -> None:
    """Install the tools that are missing in a running pixel; with `wait`, until they are.

    A process in the pixel installs them, which continues if this one ends. Raises `Refused` with the tools that failed,
    and `TimedOut`.
    """
    where = f"{name.bare} on {pixels.nas}"
    with trying(f"installing devtools in {where}"), WebShellClient(pixels, name) as shell:
        # Another controller may have started it, with another plan.
        watch(shell, deadline, say, where)
        if not missing(shell, tools):
            return
        process = start(shell, tools)
        if not wait:
            return
        record = watch(shell, deadline, say, where, process=process)
        left = missing(shell, tools)
        if left:
            raise Refused(failure(record, left)).with_hints(Hint.run_again("to continue", after="remove the cause"))


def start(shell: Shell, tools: t.Sequence[Tool]) -> str:
    """Write the plan and the program, start it in the background, and return its process ID. Raises `Refused`."""
    contents = {**FILES, devtools_program.PLAN_PATH: (devtools_lock.plan(tools), "644")}
    for path, (text, mode) in contents.items():
        directory = path.rpartition("/")[0]
        action = f"creating the directory {directory}"
        scripts.run_checked(shell, 'mkdir -p -m 755 "$1"', directory, action=action, timeout=SCRIPT_TIMEOUT_S)
        file_transfer.put_bytes(shell, text.encode(), path, mode=mode)
    program = Command(("sh", devtools_program.PROGRAM_PATH, "install"), detach=True)
    ended = scripts.run_command(shell, program, timeout=SCRIPT_TIMEOUT_S)
    process = process_id(ended.stdout.decode("ascii", "replace"))
    if ended.rc or process is None:
        raise Refused(f"starting {devtools_program.PROGRAM_PATH} failed: {scripts.output_tail(ended.stderr)}")
    return str(process)


def watch(shell: Shell, deadline: Deadline, say: Say, where: str, *, process: str = "") -> step_record.Record:
    """Wait until no process installs tools, and return the record. Raises `TimedOut`.

    `process` is the ID of one that was just started.
    """
    shown = ""

    def ended() -> step_record.Record | None:
        nonlocal shown
        output = scripts.run(shell, WATCH, process, timeout=SCRIPT_TIMEOUT_S, limit=OUTPUT_LIMIT).stdout
        text = output.decode("utf-8", "replace")
        record = step_record.parse(text)
        if not text.startswith(INSTALLING):
            return record
        running = next((step.name for step in record.steps if step.state == step_record.RUNNING), "")
        if running and running != shown:
            shown = running
            done = sum(step.state == step_record.DONE for step in record.steps)
            say(f"{done} of {len(record.steps)} steps are done, now {shown}")
        return None

    record = deadline.wait_until(ended)
    if record is None:
        raise TimedOut(
            f"devtools are not installed after {deadline.seconds:g} s, now {shown or 'starting'}. The installation "
            f"continues in {where}: pixels status shows its progress"
        )
    return record


def failure(record: step_record.Record, left: t.Sequence[Tool]) -> str:
    """Return which tools are not installed, with the output of the first step that failed."""
    names = ", ".join(tool.name for tool in left)
    failed = next((step for step in record.steps if step.state == step_record.FAILED), None)
    reason = "the program ended early"
    if failed:
        reason = f"{failed.name} failed with exit status {failed.rc}: {''.join(failed.output[-1:]) or 'no output'}"
    return f"not installed: {names}. {reason.rstrip('.')}. All output is in {devtools_program.LOG_PATH} in the pixel"
