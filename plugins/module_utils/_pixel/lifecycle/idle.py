# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how long pixels have been idle, inside them: no release of TrueNAS reports their sessions and CPU time.

Each measurement is one command in a pixel. It compares the CPU time with that of the measurement before, which it keeps
in `/run` of the pixel, so a pixel counts as idle only since the first measurement after its start.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import safe_text
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import lifetime
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import devtools_program

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Shell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

STATE_PATH = "/run/pixels/activity"
CPU_THRESHOLD_PERCENT = 2.0
"""Average share of one core between two measurements above which a pixel is not idle."""
MIN_INTERVAL_S = 30
"""Seconds between two measurements of CPU time: in a shorter time, the measurement itself would count."""
TIMEOUT_S = 30.0
NAME_LIMIT = 40

NUMBER = re.compile(r"\d{1,12}")
PERCENT = re.compile(r"\d{1,6}\.\d")

# The terminals of this command and of the shells that it runs in do not count, nor do web shells that a controller
# keeps for its next command (`web_shell/protocol.py`). A session is a process with another terminal, such as a shell in
# tmux, or one of an SSH server for a login. The CPU time of the cgroup includes processes that have ended; where it
# cannot be read, that of the processes that exist, and of their ended children, is used.
MEASURE = f"""\
cpu=
if [ -r /sys/fs/cgroup/cpu.stat ]; then cpu=$(sed -n 's/^usage_usec //p' /sys/fs/cgroup/cpu.stat)
elif [ -r /sys/fs/cgroup/cpuacct/cpuacct.usage ]; then cpu=$(($(cat /sys/fs/cgroup/cpuacct/cpuacct.usage) / 1000))
fi
installing=
pid=$(cat {devtools_program.PID_PATH} 2>/dev/null) && [ -d "/proc/${{pid:-none}}" ] && installing=yes
before=$(head -n 1 {STATE_PATH} 2>/dev/null)
shells=$(grep -l 'pixels-%s-%s' /proc/[0-9]*/cmdline 2>/dev/null | tr -cd '0-9\n' | tr '\n' ' ')
set -- "$1" -v shells="$shells" -v self=$$ -v cpu="$cpu" -v before="$before" -v installing="$installing"
dry=$1
shift
found=$(cat /proc/[0-9]*/stat 2>/dev/null | awk "$@" '
{{
    pid = $1; name = $0; fields = $0
    sub(/^[^(]*\\(/, "", name); sub(/\\) [^)]*$/, "", name)
    sub(/^.*\\) /, "", fields); split(fields, field, " ")
    has_child[field[2]] = 1; names[pid] = name; parents[pid] = field[2]; terminals[pid] = field[5]
    ticks += field[12] + field[13] + field[14] + field[15]
}}
END {{
    for (pid = self; pid > 0 && count++ < 100; pid = parents[pid]) {{
        own[pid] = 1
        if (terminals[pid] > 0) own_terminals[terminals[pid]] = 1
    }}
    count = split(shells, list, " ")
    while (count > 0) kept[list[count--]] = 1
    getline uptime <"/proc/uptime"
    now = int(uptime)
    if (cpu == "") cpu = ticks * 10000
    session = installing ? "devtools" : ""
    for (pid in names) {{
        if (pid in own || names[pid] ~ /^a?getty$/ || (pid in kept && !(pid in has_child))) continue
        if (terminals[pid] > 0 && !(terminals[pid] in own_terminals)) session = names[pid]
        if (names[pid] ~ /^(sshd|sshd-session|dropbear)$/ && names[parents[pid]] ~ /^(sshd|dropbear)/) session = "ssh"
    }}
    split(before, old, " ")
    last = measured = now; percent = 0
    if (old[1] ~ /^[0-9]+$/ && old[1] <= now) {{
        if (now - old[1] < {MIN_INTERVAL_S}) {{ measured = old[1]; cpu = old[2] }}
        else if (cpu > old[2]) percent = (cpu - old[2]) / (now - old[1]) / 10000
        if (session == "" && percent <= {CPU_THRESHOLD_PERCENT}) last = old[3]
    }}
    printf "%d %.0f %d\\n%d %.1f %s\\n", measured, cpu, last, now - last, percent, session
}}')
if [ ! "$dry" ]; then
    mkdir -p -m 755 {STATE_PATH.rpartition("/")[0]} && printf '%s\\n' "$found" | head -n 1 >{STATE_PATH}
fi
printf '%s\\n' "$found" | sed -n 2p
"""
"""Prints the idle time in seconds, the CPU time in percent of a core, and a session. `$1` measures without a trace."""


@dataclass(frozen=True)
class Activity:
    """What a pixel does."""

    idle_s: int
    """Seconds since it was last measured to be active."""
    cpu_percent: float
    """Average share of one core since the measurement before."""
    session: str = ""
    """A program that belongs to a session; empty without one."""

    def describe(self, limit_s: int) -> str:
        """Return why a pixel is stopped or not, as the end of a sentence."""
        if self.session:
            return f"it has a session ({self.session})"
        if self.cpu_percent > CPU_THRESHOLD_PERCENT:
            return f"it uses {self.cpu_percent:g} % of a core"
        idle = lifetime.format_duration(self.idle_s)
        return f"it has been idle for {idle}" + (
            "" if self.idle_s >= limit_s else f" of {lifetime.format_duration(limit_s)}"
        )


def limit(container: Container) -> int | None:
    """Return the seconds after which a pixel is stopped; None if it is not, or if the value is invalid."""
    if not container.metadata.idle_stop:
        return None
    try:
        return lifetime.parse_duration("idle_stop", container.metadata.idle_stop)
    except Invalid:
        # Not a value of this collection. To let the pixel run is the safe choice.
        return None


def measure(pixels: Pixels, container: Container, *, keep: bool) -> Activity:
    """Return the activity of a running pixel; with `keep`, the next measurement continues from this one."""
    with (
        trying(f"measuring the activity of {container.name.bare} on {pixels.nas}"),
        WebShellClient(pixels, container.name) as shell,
    ):
        return read(shell, keep=keep)


def read(shell: Shell, *, keep: bool) -> Activity:
    """Return the activity of the pixel of a shell. Raises `Refused` for an answer that is none."""
    result = scripts.run_checked(
        shell, MEASURE, "" if keep else "dry", action="reading the processes", timeout=TIMEOUT_S
    )
    idle, _blank, rest = result.stdout.decode("utf-8", "replace").strip("\n").partition(" ")
    percent, _blank, session = rest.partition(" ")
    if not (NUMBER.fullmatch(idle) and PERCENT.fullmatch(percent)):
        raise Refused("the pixel returned no measurement. Check whether it has awk and /proc")
    return Activity(int(idle), float(percent), safe_text(session, limit=NAME_LIMIT))
