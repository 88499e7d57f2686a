# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of the steps of provisioning, a text file in the pixel that what provisions it appends to.

Each line is a keyword and its values, separated by blanks:

    plan STEP...            the steps of a run
    start STEP TIME WORKER  `WORKER` is `pid:N` for a process in the pixel, or `until:TIME` for one on a controller
    end STEP STATUS TIME    with the exit status
    out STEP TEXT           a line of output of a step that failed

Times are seconds since the epoch, by the clock of the pixel. The last line about a step counts. The role `provision`,
the first-boot script and the program of devtools write the same lines.
"""

from __future__ import annotations

import re
import typing as t
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import safe_text
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import first_boot

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Shell

DIRECTORY = "/var/lib/pixels"
PATH = f"{DIRECTORY}/provisioning"

PENDING, RUNNING, DONE, FAILED, INTERRUPTED = "pending", "running", "done", "failed", "interrupted"

SIZE_LIMIT = 64 * 1024
"""Bytes of the record that are read: the last ones. A run that finds more starts a new record."""
STEPS_LIMIT = 100
OUTPUT_LINES = 5
"""Lines of output that are kept for a step: the last ones."""
OUTPUT_WIDTH = 200
READ_TIMEOUT_S = 10.0
WRITE_TIMEOUT_S = 30.0

STEP = re.compile(r"[a-z0-9][a-z0-9@+._-]{0,63}")
TIME = re.compile(r"\d{1,12}")
STATUS = re.compile(r"\d{1,3}")

READ = f"""\
now=$(date +%s) && echo "now $now"
if [ -e {first_boot.MARKER_PATH} ]; then echo marker {DONE}
elif [ -e {first_boot.FAILURE_PATH} ]; then echo marker {FAILED}
elif [ -e {first_boot.SCRIPT_PATH} ]; then echo marker {RUNNING}
fi
file={PATH}
[ -f "$file" ] && [ ! -L "$file" ] || exit 0
tail -c {SIZE_LIMIT} "$file" | grep -E '^(plan|start|end|out) '
pid=$(tail -c {SIZE_LIMIT} "$file" | sed -n 's/^start [^ ]* [0-9]* pid:\\([0-9][0-9]*\\)$/\\1/p' | tail -n 1)
case $(tr '\\0' ' ' 2>/dev/null <"/proc/${{pid:-none}}/cmdline") in
*/lib/pixels/* | */rc.local*) echo "alive $pid" ;;
esac
exit 0
"""
"""Prints the record, the time, how far the first boot is, and the process of the last step if it still exists."""

APPEND = f"""\
set -e
file={PATH}
mkdir -p -m 755 {DIRECTORY}
if [ -L "$file" ] || [ "$({{ wc -c <"$file"; }} 2>/dev/null || echo 0)" -gt {SIZE_LIMIT // 2} ]; then rm -f "$file"; fi
now=$(date +%s)
until=$((now + $1))
shift
for line; do
    case $line in
    "start "*) echo "$line $now until:$until" ;;
    "end "*) echo "$line $now" ;;
    *) printf '%s\\n' "$line" ;;
    esac
done >>"$file"
"""
"""Appends lines to the record, with the time. `$1` is the number of seconds after which a step is given up."""


@dataclass(frozen=True)
class Step:
    """A step of provisioning. Its name and output come from the pixel, and are safe to print."""

    name: str
    state: str = PENDING
    started: int | None = None
    """Seconds since the epoch, by the clock of the pixel."""
    ended: int | None = None
    rc: int | None = None
    """Exit status."""
    output: tuple[str, ...] = ()
    worker: str = ""

    def as_dict(self) -> dict[str, t.Any]:
        """Return the step for JSON."""
        known = {"name": self.name, "state": self.state, "started": self.started, "ended": self.ended, "rc": self.rc}
        return {**known, "output": list(self.output)}


@dataclass(frozen=True)
class Record:
    """What a pixel has recorded about its provisioning."""

    steps: tuple[Step, ...] = ()
    first_boot: str | None = None
    """How far provisioning by files of the first boot is, which upstream pixels uses too; None if it is not used."""

    @property
    def state(self) -> str | None:
        """The state of all steps together; None for a pixel that was not provisioned."""
        states = {step.state for step in self.steps}
        for state in (FAILED, RUNNING, INTERRUPTED):
            if state in states:
                return state
        # The end of a step and the start of the next one are written together.
        return INTERRUPTED if PENDING in states else DONE if states else self.first_boot

    @property
    def unfinished(self) -> tuple[Step, ...]:
        """The steps that are not done."""
        return tuple(step for step in self.steps if step.state != DONE)


def read(shell: Shell, *, timeout: float = READ_TIMEOUT_S) -> Record:
    """Return what a pixel has recorded. Raises `Refused`."""
    output = scripts.run(shell, READ, timeout=timeout, limit=4 * SIZE_LIMIT).stdout
    return parse(output.decode("utf-8", "replace"))


def parse(text: str) -> Record:
    """Return what the output of `READ` says. Lines that are no lines of a record are ignored."""
    steps: dict[str, Step] = {}
    now, alive, marker = 0, "", None
    for line in text.split("\n"):
        keyword, _blank, rest = line.partition(" ")
        if keyword == "now" and TIME.fullmatch(rest):
            now = int(rest)
        elif keyword == "alive":
            alive = f"pid:{rest}"
        elif keyword == "marker" and rest in (DONE, FAILED, RUNNING):
            marker = rest
        else:
            _apply(steps, keyword, rest)
    return Record(tuple(_settled(step, now, alive) for step in steps.values()), marker)


def _apply(steps: dict[str, Step], keyword: str, rest: str) -> None:
    words = rest.split(" ")
    names = [word for word in (words if keyword == "plan" else words[:1]) if STEP.fullmatch(word)]
    for name in names:
        if name not in steps and len(steps) >= STEPS_LIMIT:
            return
        step = steps.get(name, Step(name))
        match keyword, words[1:]:
            case "plan", _:
                # Steps of an earlier run keep their place, and are pending again.
                steps[name] = Step(name)
            case "start", [started, worker] if TIME.fullmatch(started):
                steps[name] = Step(name, RUNNING, int(started), worker=worker)
            case "end", [status, ended] if STATUS.fullmatch(status) and TIME.fullmatch(ended):
                rc = int(status)
                steps[name] = replace(step, state=FAILED if rc else DONE, rc=rc, ended=int(ended))
            case "out", _:
                line = safe_text(rest.partition(" ")[2], limit=OUTPUT_WIDTH)
                steps[name] = replace(step, output=(*step.output, line)[-OUTPUT_LINES:])


def _settled(step: Step, now: int, alive: str) -> Step:
    """Return a step that ended without a line as `interrupted`: its worker is gone, or had to give up meanwhile."""
    if step.state != RUNNING or step.worker == alive:
        return step
    kind, _colon, until = step.worker.partition(":")
    if kind == "until" and TIME.fullmatch(until) and now < int(until):
        return step
    return replace(step, state=INTERRUPTED)


class Recorder:
    """Records the steps that a controller runs in a pixel through a shell.

    Recording never fails what is recorded: a pixel with a full disk reports that itself.
    """

    def __init__(self, shell: Shell, steps: t.Sequence[str], *, timeout: float) -> None:
        """`timeout` is the number of seconds after which this controller gives up."""
        self._shell = shell
        self._timeout = timeout
        self._lines = [f"plan {' '.join(steps)}"] if steps else []

    @contextmanager
    def step(self, name: str) -> t.Iterator[None]:
        """Record that a step starts, and how it ends."""
        self._lines.append(f"start {name}")
        self.flush()
        try:
            yield
        except PixelsError as error:
            self._lines += [f"end {name} 1", f"out {name} {safe_text(error.message, limit=OUTPUT_WIDTH)}"]
            self.flush()
            raise
        self._lines.append(f"end {name} 0")

    def flush(self) -> None:
        """Write the lines that are not written yet."""
        lines, self._lines = self._lines, []
        if lines:
            with suppress(PixelsError):
                scripts.run(self._shell, APPEND, str(int(self._timeout)), *lines, timeout=WRITE_TIMEOUT_S)
