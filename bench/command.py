# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the `pixels` command and the commands that users would run otherwise."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from bench.rows import Row
from tests.simulator.running import RunningSimulator, running_simulator

ROOT = Path(__file__).resolve().parents[1]
PIXELS = str(ROOT / "bin/pixels")
BARE = str(ROOT / "bench/bare_listing.py")
INTERPRETER = 'python3 -I -S -c "import _socket, json"'
VERBS = (("info", "web"), ("status", "web"), ("checkpoint", "list", "web"), ("protect", "web"))
"""Verbs that parse, make one or two calls and print."""
QUEUE = 4
KEPT: list[socket.socket] = []
"""Sockets that stay open until this process ends."""
WARM_UP = 2
TURNS = 20

Words = t.Sequence[str]


class Person:
    """A user with a home directory, whose commands are measured."""

    def __init__(self, nas: RunningSimulator, home: Path) -> None:
        self.home = home
        self._variables = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PIXELS_PYTHON": sys.executable,
            "PIXELS_TRUENAS_HOST": nas.host,
            "PIXELS_TRUENAS_PORT": str(nas.port),
            "PIXELS_TRUENAS_USERNAME": nas.username,
            "PIXELS_TRUENAS_API_KEY": nas.api_key,
            "PIXELS_TRUENAS_CA_PATH": nas.ca_file,
            "PIXELS_SSH_KEY": str(home / "key"),
            "PIXELS_SSH_PORT": str(nas.ssh_port),
        }

    def seconds(self, words: Words, **variables: str) -> float:
        began = time.perf_counter()
        subprocess.run(
            words, env=self._variables | variables, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )
        return time.perf_counter() - began

    def forget_session(self, variables: dict[str, str]) -> None:
        """Close the session, and reset the count of logins: the client limits itself to 20 a minute."""
        self.seconds([PIXELS, "session", "stop"], **variables)
        for path in (self.home / "run/pixels").glob("logins-*"):
            path.unlink()

    def forget_answers(self) -> None:
        """Forget which SSH servers did not answer, as for a pixel that is new."""
        for path in (self.home / ".cache/pixels").glob("ssh-*.json"):
            path.unlink()

    def beside(
        self, ours: Words, peer: Words, *, before: t.Callable[[], object] = lambda: None, **variables: str
    ) -> tuple[float, float]:
        """Return the medians of both commands, run alternately so that other load affects both."""

        def turn() -> tuple[float, float]:
            before()
            return self.seconds(ours, **variables), self.seconds(peer, **variables)

        def turns(number: int) -> list[tuple[float, float]]:
            return [turn() for _turn in range(number)]

        turns(WARM_UP)
        taken = turns(TURNS)
        return statistics.median(one for one, _other in taken), statistics.median(other for _one, other in taken)


def measure(_runs: int) -> list[Row]:
    # Socket paths are limited to about 100 characters, so the directory has a short one.
    home = Path(tempfile.mkdtemp(prefix="px-"))
    try:
        with running_simulator(engine="process", ssh_installed=True, login_limit=100_000) as nas:
            return in_a_home(nas, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def in_a_home(nas: RunningSimulator, home: Path) -> list[Row]:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / "key")], check=True)
    nas.world.add_container("px-web")
    public = (home / "key.pub").read_bytes()
    path = "/root/.ssh/authorized_keys"
    nas.run(nas.world.engine.write_file("px-web", path, public, append=False, mode=0o600, uid=0, gid=0))
    address = nas.world.containers["px-web"].aliases[0]["address"]
    (home / "run").mkdir(mode=0o700)
    nas.world.add_container("px-bare")
    nas.run(nas.world.engine.run("px-bare", ["systemctl", "stop", "ssh"]))
    silent = full_port(nas.world.containers["px-bare"].aliases[0]["address"])
    person = Person(nas, home)
    shared = {"XDG_RUNTIME_DIR": str(home / "run")}

    master = str(home / "master")
    at = ["-S", master, "-i", str(home / "key"), "-p", str(nas.ssh_port), "-o", "StrictHostKeyChecking=no"]
    nobody = ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    subprocess.run(["ssh", "-M", "-N", "-f", *at, *nobody, f"root@{address}"], **quiet, check=True)
    interpreter = [sys.executable, "-I", "-S", "-c", "import _socket, json"]
    try:
        return [
            Row("pixels list, session open", *person.beside([PIXELS, "list"], interpreter, **shared), INTERPRETER, 1.6),
            Row(
                "pixels list, cold: connect, log in, query",
                *person.beside(
                    [PIXELS, "list"], [sys.executable, BARE], before=lambda: person.forget_session(shared), **shared
                ),
                "a bare script with websocket-client",
                0.7,
            ),
            *(
                Row(
                    f"pixels {' '.join(words)}, session open",
                    *person.beside([PIXELS, *words], interpreter, **shared),
                    INTERPRETER,
                    2.5,
                )
                for words in VERBS
            ),
            Row(
                "pixels exec web true, warm",
                *person.beside([PIXELS, "exec", "web", "true"], ["ssh", *at, f"root@{address}", "true"], **shared),
                "ssh over an open ControlPersist master",
                1.15,
            ),
            *(
                Row(
                    f"first pixels exec without SSH ({how}), session open",
                    *person.beside(
                        [PIXELS, "exec", "bare", "true"],
                        [PIXELS, "exec", "--transport", "shell", "bare", "true"],
                        before=person.forget_answers,
                        PIXELS_SSH_PORT=str(port),
                        **shared,
                    ),
                    "pixels exec --transport shell",
                    1.2,
                )
                for how, port in (("refused", nas.ssh_port), ("no answer", silent))
            ),
        ]
    finally:
        person.seconds([PIXELS, "session", "stop"], **shared)
        for path in [Path(master), *(home / ".cache/pixels/ssh").glob("px-*")]:
            subprocess.run(["ssh", "-S", str(path), "-O", "exit", "pixel"], capture_output=True, check=False)


def full_port(address: str) -> int:
    """Return a port where the kernel drops connections, as a firewall does: its queue is full."""
    listener = socket.socket()
    listener.bind((address, 0))
    listener.listen(0)
    KEPT.append(listener)
    for _connection in range(QUEUE):
        waiting = socket.socket()
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
        KEPT.append(waiting)
    return int(listener.getsockname()[1])
