# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels command as a person would run it: in a shell, or at a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import typing as t
from pathlib import Path

from tests.prepared import MEASURING, Running, prepared
from tests.simulator.engines.process.streams import read_rest
from tests.unit.error_shape import assert_well_formed

PIXELS = Path(__file__).resolve().parents[2] / "bin" / "pixels"

# Far more than anything here takes.
PATIENCE = 30.0

# A new session has no terminal until one is assigned.
OWN_THE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)

Ended = subprocess.CompletedProcess[str]
Process = subprocess.Popen[bytes] | Running

STARTUP_VARIABLES = (
    "PATH",
    "PIXELS_PYTHON",
    *("LANG", "LC_ALL", "LC_CTYPE"),
    *("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONWARNINGS"),
)
"""What `libexec/pixels` and the interpreter read before the code of the command runs."""


class Terminal:
    """A command at a terminal of its own, which is read and written as a person does."""

    def __init__(self, start: t.Callable[[int], Process], columns: int) -> None:
        """`start` starts the command with a terminal of that file descriptor."""
        self._ours, theirs = pty.openpty()
        self.resize(columns)
        self.process = start(theirs)
        os.close(theirs)
        self.shown = ""

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def see(self, text: str) -> str:
        """Wait until a text is shown; everything up to it, which is then forgotten."""
        until = time.monotonic() + PATIENCE
        while text not in self.shown:
            if time.monotonic() > until or not self._read(0.2):
                raise AssertionError(f"{text!r} was never shown, but this: {self.shown!r}")
        before, _text, self.shown = self.shown.partition(text)
        return before + text

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def type_bytes(self, content: bytes) -> None:
        os.write(self._ours, content)

    @property
    def echoes(self) -> bool:
        """Whether it shows what is typed, as it does while no program has made it raw."""
        return bool(termios.tcgetattr(self._ours)[3] & termios.ECHO)

    def press_ctrl_c(self) -> None:
        self.type("\x03")

    def end(self) -> int:
        """Wait for the end; the exit status."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self._read(0.2):
            pass
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if isinstance(self.process, Running):
            self.process.closing.close()
        os.close(self._ours)

    def _read(self, seconds: float) -> bool:
        """Read what comes within so many seconds; False at the end."""
        if not select.select([self._ours], [], [], seconds)[0]:
            if self.process.poll() is None:
                return True
            # It may have written since, and ended then.
            if not select.select([self._ours], [], [], 0)[0]:
                return False
        try:
            text = os.read(self._ours, 65536)
        except OSError:
            text = read_rest(self._ours)
        self.shown += text.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(text)


class Command:
    """Run pixels as a user with a separate home directory and environment."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._terminals: list[Terminal] = []
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "PIXELS_PYTHON": sys.executable,
            **MEASURING,
        }
        self._initial = dict(self.environment)

    def __call__(self, *arguments: str, stdin: str = "", **variables: str | None) -> Ended:
        """Run it to its end in a fork of a prepared process; `variables` are set, or with None unset."""
        environment = self.having(variables)
        if self._needs_own_process(arguments, environment):
            return self.as_own_process(*arguments, stdin=stdin, **variables)
        ended = prepared("pixels").run(arguments, environment, stdin=stdin, seconds=PATIENCE * 2)
        for line in ended.stderr.splitlines():
            if line.startswith("Error: "):
                assert_well_formed(line.removeprefix("Error: "))
        return ended

    def as_own_process(self, *arguments: str, stdin: str = "", **variables: str | None) -> Ended:
        """Run the program itself to its end."""
        return subprocess.run(
            [str(PIXELS), *arguments],
            env=self.having(variables),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE * 2,
        )

    def _needs_own_process(self, arguments: t.Sequence[str], environment: t.Mapping[str, str]) -> bool:
        """Return whether `libexec/pixels` or the start of the interpreter matters."""
        if any(environment.get(name) != self._initial.get(name) for name in STARTUP_VARIABLES):
            return True
        # `libexec/pixels` itself runs a command over a connection that is open.
        cache = Path(environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME", "/")) / ".cache")
        return arguments[:1] == ("exec",) and any(cache.glob("pixels/ssh/*.warm"))

    def json(self, *arguments: str, **how: t.Any) -> t.Any:
        return json.loads(self("--json", *arguments, **how).stdout)

    def start(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> Process:
        """Begin it, in a session of its own."""
        if not self._needs_own_process(arguments, self.environment):
            return prepared("pixels").start(arguments, self.environment, stdin=stdin, session="own")
        return subprocess.Popen(
            [str(PIXELS), *arguments],
            env=self.environment,
            start_new_session=True,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def at_terminal(self, *arguments: str, columns: int = 80, **variables: str | None) -> Terminal:
        environment = self.having(variables)

        def start(file: int) -> Process:
            if not self._needs_own_process(arguments, environment):
                streams = {"stdin": file, "stdout": file, "stderr": file}
                return prepared("pixels").start(arguments, environment, **streams, session="terminal")
            return subprocess.Popen(
                [sys.executable, "-c", OWN_THE_TERMINAL, str(PIXELS), *arguments],
                stdin=file,
                stdout=file,
                stderr=file,
                env=environment,
                start_new_session=True,
            )

        terminal = Terminal(start, columns)
        self._terminals.append(terminal)
        return terminal

    def configure(self, text: str) -> Path:
        """Write the configuration file."""
        path = self.home / ".config/pixels/config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def having(self, variables: t.Mapping[str, str | None]) -> dict[str, str]:
        merged = {**self.environment, **variables}
        return {name: value for name, value in merged.items() if value is not None}

    @property
    def sockets(self) -> list[Path]:
        """Of the SSH connections that are open."""
        return [path for path in (self.home / ".cache/pixels/ssh").glob("px-*") if path.is_socket()]

    def close(self) -> None:
        for terminal in self._terminals:
            terminal.close()
        for path in self.sockets:
            subprocess.run(["ssh", "-S", str(path), "-O", "exit", "pixel"], capture_output=True, check=False)
