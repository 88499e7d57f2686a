# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated NAS for tasks in this process, which records the state-changing calls that they make."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
import traceback
import typing as t
from dataclasses import dataclass, field

from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Session, Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.settings import SshSettings
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels

if t.TYPE_CHECKING:
    from tests.simulator.running import RunningSimulator

CALL_TIMEOUT_S = 30.0
"""For calls that are answered, also on a busy machine."""
SHORT_CALL_TIMEOUT_S = 1.0
DELAY_S = 2.0
"""Delay of a reply that arrives too late: longer than `SHORT_CALL_TIMEOUT_S`."""
HANG_AFTER_S = 120.0
STATE_FILE = "/root/state"

JOB, CALL, SHELL = "job", "call", "shell"


class Killed(BaseException):
    """The controller was killed: no further call reaches the NAS, although the code of the task continues."""


@dataclass(frozen=True)
class StateChange:
    """A state-changing call of an operation."""

    method: str
    kind: str
    """`job`, `call`, or `shell` for the token of a web shell."""
    number: int
    """How many calls of this method came before it."""
    position: int
    """How many state-changing calls came before it."""


@dataclass
class Wire:
    """A session that records each state-changing call, and can be killed after one of them."""

    session: Session
    kill_at: int | None = None
    """The position of the last call that is sent."""
    leave_at: int | None = None
    """The position of the call from which on the NAS does not answer."""
    leave: t.Callable[[], None] = lambda: None
    changes: list[StateChange] = field(default_factory=list)
    killed: bool = False

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self.session, name)

    def read(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        self._refuse_if_killed()
        return self.session.read(method, *params, timeout=timeout)

    def call(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        with self._recording(method, CALL):
            return self.session.call(method, *params, timeout=timeout)

    def run_job(self, method: str, *params: t.Any, timeout: float | None = None, progress: t.Any = None) -> t.Any:
        with self._recording(method, JOB):
            return self.session.run_job(method, *params, timeout=timeout, progress=progress)

    def borrow_shell(
        self, options: t.Mapping[str, t.Any], *, timeout: float | None = None, unused: bool = False
    ) -> t.Any:
        with self._recording("auth.generate_token", SHELL):
            return self.session.borrow_shell(options, timeout=timeout, unused=unused)

    @contextlib.contextmanager
    def _recording(self, method: str, kind: str) -> t.Iterator[None]:
        self._refuse_if_killed()
        number = sum(each.method == method for each in self.changes)
        change = StateChange(method, kind, number, len(self.changes))
        self.changes.append(change)
        if change.position == self.leave_at:
            self.leave()
        try:
            yield
        finally:
            if change.position == self.kill_at:
                self.killed = True
            self._refuse_if_killed()

    def _refuse_if_killed(self) -> None:
        if self.killed:
            raise Killed


@dataclass
class Attempt:
    """A run of a task: its result, or its failure."""

    result: dict[str, t.Any] = field(default_factory=dict)
    error: str | None = None
    """The message of the failed task."""
    crash: str | None = None
    """The traceback of an error that is not one of this collection."""
    hung: bool = False
    killed: bool = False
    changes: list[StateChange] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return bool(self.error or self.crash or self.hung or self.killed)


class Nas:
    """A simulated NAS that runs tasks and shows its state."""

    def __init__(self, simulator: RunningSimulator) -> None:
        self.simulator = simulator
        self.world = simulator.world
        self.faults = simulator.faults

    @property
    def release(self) -> str:
        return self.simulator.release.name

    def reset(self) -> None:
        """Delete everything on the NAS."""
        self.simulator.reset()
        self.world = self.simulator.world

    def add(self, name: str, **details: t.Any) -> None:
        self.world.add_container(name, **details)
        self._write_state(name, "at the start")

    def checkpoint(self, bare: str, label: str) -> None:
        """Take a checkpoint with this collection, and change the state of the pixel before and after it."""
        self._write_state(f"px-{bare}", label)
        from ansible_collections.pixels.truenas.plugins.modules import pixels_checkpoint

        self.run(pixels_checkpoint, {"name": bare, "label": label})
        self._write_state(f"px-{bare}", f"after {label}")

    def metadata(self, **notes: str) -> dict[str, str]:
        """Return these metadata as environment variables, on releases that keep them there."""
        return {} if self.release.startswith("26") else {f"PIXELS/{name}": value for name, value in notes.items()}

    def run(self, module: t.Any, params: t.Mapping[str, t.Any]) -> Attempt:
        """Run a task that must succeed."""
        attempt = self.attempt(module, params)
        assert not attempt.failed, attempt
        return attempt

    def attempt(
        self,
        module: t.Any,
        params: t.Mapping[str, t.Any],
        *,
        kill_at: int | None = None,
        leave_at: int | None = None,
        call_timeout_s: float = CALL_TIMEOUT_S,
    ) -> Attempt:
        """Run a task, and wait until the NAS is idle.

        The controller is killed after the call at the position `kill_at`; the NAS does not answer from the call at the
        position `leave_at` on, until the faults are cleared.
        """
        ended = Attempt()
        wire = functools.partial(Wire, kill_at=kill_at, leave_at=leave_at, leave=self.faults.go_away)
        thread = threading.Thread(target=self._run, args=(module, params, wire, ended, call_timeout_s), daemon=True)
        thread.start()
        thread.join(HANG_AFTER_S)
        ended.hung = thread.is_alive()
        return ended

    def _run(
        self,
        module: t.Any,
        params: t.Mapping[str, t.Any],
        wire_of: t.Callable[[Session], Wire],
        ended: Attempt,
        call_timeout_s: float,
    ) -> None:
        checked = ModuleArgumentSpecValidator(module.ARGUMENTS).validate({**params})
        assert not checked.error_messages, checked.error_messages
        options = checked.validated_parameters
        endpoint = Endpoint(self.simulator.host, self.simulator.port, ca_path=self.simulator.ca_file)
        credential = Credential(self.simulator.username, api_key=self.simulator.api_key)
        timeouts = Timeouts(connect=2.0, call=call_timeout_s, job=20.0, login_wait=2.0)
        with Session(endpoint, credential, timeouts=timeouts) as session:
            wire = wire_of(session)
            ended.changes = wire.changes
            ssh = SshSettings("root", None, self.simulator.ssh_port, options.get("transport", "shell"))
            try:
                task = Task(options, False, Pixels(wire), ssh, print, lambda text: None)
                ended.result = module.run(task)
                if ended.result.get("failed"):
                    ended.error = ended.result["msg"]
            except PixelsError as error:
                ended.error = str(error)
            except Killed:
                ended.killed = True
            except BaseException:  # noqa: BLE001 (judged afterwards)
                ended.crash = traceback.format_exc()
            self._wait_until_idle()

    def _wait_until_idle(self) -> None:
        """Wait until no call and no job is running: some take effect after their caller has timed out."""
        simulator = self.simulator._simulator
        until = time.monotonic() + HANG_AFTER_S / 2
        while time.monotonic() < until:
            calls = any(connection.slots.taken for connection in list(simulator.connections))
            jobs = any(not job.finished.is_set() for job in list(simulator.jobs))
            if not (calls or jobs or simulator.world.tasks or simulator.down):
                return
            time.sleep(0.01)

    def _write_state(self, name: str, text: str) -> None:
        engine = self.world.engine
        self.simulator.run(engine.write_file(name, STATE_FILE, text.encode(), append=False, mode=0o644, uid=0, gid=0))

    def state_of(self, name: str) -> str:
        """Return the text of the state file of a container."""
        try:
            return bytes(self.simulator.run(self.world.engine.read_file(name, STATE_FILE))).decode()
        except (OSError, KeyError):
            return ""
