# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep many calls in flight while connections, session daemons and the NAS fail at random.

Reads must never fail. A change whose reply is lost fails by design with an unknown outcome, and the worker repeats it,
as the error message says.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
import typing as t
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

from bench.nas import Nas, running  # noqa: E402 (the path comes first)
from bench.rows import Row  # noqa: E402

PIXELS, PROCESSES, CALLS = 1000, 20, 50
EVENT_INTERVAL_S = 12.0
"""Between two failures: each costs a login, of which the NAS allows 20 a minute."""
RESTART_SECONDS = 3.0
CALM_FRACTION = 0.5
"""Of the time, at its end, in which no daemon is killed: the memory of one daemon is measured."""
SETTLE_FRACTION = 0.1
"""Of the calm time, before that measurement begins."""
SHARE_OF_LISTS, SHARE_OF_CHANGES = 0.02, 0.1
METHOD = "virt.instance.query"
MEBIBYTE = 1024 * 1024


class Result(t.NamedTuple):
    """What one process did."""

    seconds: list[float]
    unknown: int
    """Changes with an unknown outcome, which were repeated."""
    errors: list[str]
    files: int
    """Open files at the end."""


class Daemon(t.NamedTuple):
    pid: int
    memory: float
    """Bytes."""
    files: int


def work(connection: dict[str, t.Any], deadline: float, threads: int, seed: int) -> Result:
    """Call from several threads until the deadline (of `time.time`)."""
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.open_session import open_session
    from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint, Timeouts

    endpoint = Endpoint(connection["host"], connection["port"], ca_path=connection["ca_file"])
    credential = Credential(connection["username"], api_key=connection["api_key"])
    seconds: list[float] = []
    unknown: list[str] = []
    errors: list[str] = []
    with open_session(endpoint, credential, Timeouts(), lambda text: None) as session:

        def call_again_and_again(number: int) -> None:
            chance = random.Random(seed * 100 + number)
            while time.time() < deadline:
                began = time.perf_counter()
                try:
                    call(session, chance, unknown)
                except Exception as error:  # noqa: BLE001 (any error is what this looks for)
                    errors.append(f"{type(error).__name__}: {error}")
                seconds.append(time.perf_counter() - began)

        callers = [threading.Thread(target=call_again_and_again, args=(number,)) for number in range(threads)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        files = len(os.listdir("/proc/self/fd"))
    return Result(seconds, len(unknown), errors, files)


def call(session: t.Any, chance: random.Random, unknown: list[str]) -> None:
    """Make one call: mostly of one pixel, sometimes of all, sometimes a change."""
    from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import OutcomeUnknown

    name = f"px-seed-{chance.randint(1, PIXELS):04d}"
    kind = chance.random()
    if kind < SHARE_OF_LISTS:
        found = session.read(METHOD, [["name", "^", "px-"]])
        assert len(found) == PIXELS
    elif kind < SHARE_OF_LISTS + SHARE_OF_CHANGES:
        while True:
            try:
                session.run_job("virt.instance.update", name, {"autostart": chance.random() < 0.5})
                return
            except OutcomeUnknown as error:
                unknown.append(str(error))
    else:
        (found,) = session.read(METHOD, [["name", "=", name]])
        assert found["name"] == name


def daemons() -> list[int]:
    """Return the process IDs of the session daemons."""
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import status

    return [each.pid for each in status.status() if each.pid is not None and each.responding]


def daemon() -> Daemon | None:
    """Return the memory and the open files of the only daemon; None while there is not exactly one."""
    with contextlib.suppress(OSError, ValueError):
        (pid,) = daemons()
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return Daemon(pid, resident, len(os.listdir(f"/proc/{pid}/fd")))
    return None


def order(nas: Nas, name: str, **details: t.Any) -> None:
    """Order a fault of the next call."""
    request = urllib.request.Request(
        f"{nas.control}/faults",
        json.dumps({"name": name, "method": METHOD, **details}).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=60).close()


def kill_daemon() -> None:
    for pid in daemons():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Failures:
    """Lets things fail at random times, and measures the daemon in the calm time."""

    def __init__(self, nas: Nas, seconds: float) -> None:
        self.counts = {"drops": 0, "kills": 0, "restarts": 0}
        self.daemons: list[Daemon] = []
        self._nas = nas
        self._began = time.monotonic()
        self._seconds = seconds
        self._chance = random.Random(1)

    def run(self, finished: threading.Event) -> None:
        """Run until `finished` is set."""
        while not finished.wait(self._chance.expovariate(1 / EVENT_INTERVAL_S)):
            calm_since = (time.monotonic() - self._began - self._seconds * (1 - CALM_FRACTION)) / self._seconds
            if calm_since >= CALM_FRACTION * SETTLE_FRACTION and (found := daemon()):
                self.daemons.append(found)
            kinds = ["drops", "restarts"] if calm_since >= 0 else ["drops", "restarts", "kills"]
            self._fail(self._chance.choice(kinds))

    def _fail(self, kind: str) -> None:
        self.counts[kind] += 1
        if kind == "kills":
            kill_daemon()
        elif kind == "restarts":
            order(self._nas, "restart_middleware", seconds=RESTART_SECONDS)
        else:
            order(self._nas, self._chance.choice(["drop_before_call", "drop_before_reply", "drop_after_reply"]))

    def last(self) -> list[Daemon]:
        """Return the measurements of the daemon that was measured last, in the order of time."""
        return [each for each in self.daemons if each.pid == self.daemons[-1].pid]


def measure(_runs: int, *, minutes: float = 10.0) -> list[Row]:
    # Socket paths are limited to about 100 characters, so the directory has a short one.
    with tempfile.TemporaryDirectory(prefix="px-") as directory:
        os.environ["XDG_RUNTIME_DIR"] = directory
        # In new processes: threads and a fork do not mix.
        spawning = multiprocessing.get_context("spawn")
        with running(seed_pixels=PIXELS) as nas:
            seconds = minutes * 60
            connection = {name: getattr(nas, name) for name in ("host", "port", "ca_file", "username", "api_key")}
            threads = [CALLS // PROCESSES + (number < CALLS % PROCESSES) for number in range(PROCESSES)]
            failures, finished = Failures(nas, seconds), threading.Event()
            failing = threading.Thread(target=failures.run, args=(finished,))
            deadline = time.time() + seconds
            with spawning.Pool(PROCESSES) as pool:
                pending = pool.starmap_async(
                    work, [(connection, deadline, each, number) for number, each in enumerate(threads)]
                )
                failing.start()
                results: list[Result] = pending.get()
                finished.set()
                failing.join()
            rows = report(results, failures, nas.stats(), minutes)
            kill_daemon()
            return rows


def report(results: list[Result], failures: Failures, stats: dict[str, t.Any], minutes: float) -> list[Row]:
    """Return the rows, and print the errors that reached a caller."""
    seconds = sorted(each for result in results for each in result.seconds)
    errors = [error for result in results for error in result.errors]
    for error in sorted(set(errors)):
        print(f"{errors.count(error)} x {error}", file=sys.stderr)
    measured = failures.last() or [Daemon(0, 1, 1)]
    percentiles = statistics.quantiles(seconds, n=100)
    mean = statistics.fmean(seconds)
    happened = ", ".join(f"{number} {name}" for name, number in failures.counts.items())
    what = f"soak, {minutes:g} min"
    return [
        Row(f"{what}: calls", len(seconds), minutes, "minutes", unit=""),
        Row(f"{what}: median latency with {CALLS} calls in flight", percentiles[49], mean, "the mean"),
        Row(f"{what}: 99th percentile", percentiles[98], percentiles[49], "the median"),
        Row(f"{what}: longest call", seconds[-1], percentiles[49], "the median"),
        Row(f"{what}: errors that reached a caller", len(errors), 1, happened, target=0.0, unit=""),
        Row(
            f"{what}: changes repeated for an unknown outcome",
            sum(result.unknown for result in results),
            sum(failures.counts.values()) or 1,
            "drops, kills and restarts",
            unit="",
        ),
        Row(f"{what}: logins", stats["logins"], 20 * minutes, "the limit of the NAS", target=1.0, unit=""),
        Row(f"{what}: logins that the NAS refused", stats["rate_limited"], 1, "one", target=0.0, unit=""),
        Row(
            f"{what}: memory of the daemon at the end",
            measured[-1].memory / MEBIBYTE,
            measured[0].memory / MEBIBYTE,
            "at the start of the calm half",
            target=1.1,
            unit="MB",
        ),
        Row(
            f"{what}: open files of the daemon at the end",
            measured[-1].files,
            measured[0].files,
            "at the start of the calm half",
            unit="",
        ),
        Row(
            f"{what}: most open files of a process at the end",
            max(result.files for result in results),
            CALLS / PROCESSES,
            "calls in flight in a process",
            unit="",
        ),
    ]
