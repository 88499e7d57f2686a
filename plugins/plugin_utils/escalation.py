# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers the password prompt of a become plugin, and separates its dialog from the output of the task's command."""

from __future__ import annotations

import threading
import time
import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import safe_text
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Abandoned

if t.TYPE_CHECKING:
    from ansible.plugins.become import BecomeBase


class Escalation:
    """The dialog of one command that a become plugin has wrapped. The threads that read and write for it share it.

    The command prints the plugin's success marker first. Until then, its output belongs to a program such as `sudo`:
    prompts are answered once and dropped, and no input of the task is sent.
    """

    def __init__(self, become: BecomeBase, in_data: bytes, timeout: float) -> None:
        """`timeout` is how many seconds without output to wait for the prompt or the success marker."""
        self._become = become
        self._input = [in_data, b""] if in_data else [b""]
        self._timeout = timeout
        self._changed = threading.Condition()
        self._pending = {"stdout": b"", "stderr": b""}
        self._kept: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        self._output_at = time.monotonic()
        self._prompted = False
        self._answered = False
        self._succeeded = False
        self._failure: str | None = None
        self._ended = False

    @staticmethod
    def is_needed(become: BecomeBase | None, command: str) -> bool:
        """Return whether a become plugin has wrapped this command. If the users are equal, it may not have."""
        return bool(become is not None and become.success and become.success in command)

    def out(self, piece: bytes) -> None:
        """Take a piece of standard output."""
        self._receive("stdout", piece)

    def err(self, piece: bytes) -> None:
        """Take a piece of standard error."""
        self._receive("stderr", piece)

    def input(self) -> bytes:
        """Wait for a prompt or the success marker, and return the password or the task's input.

        Raises `Abandoned` after `timeout` seconds without output.
        """
        with self._changed:
            while not (self._succeeded or self._failure or self._ended or (self._prompted and not self._answered)):
                left = self._output_at + self._timeout - time.monotonic()
                if left <= 0:
                    raise Abandoned(f"Timeout ({self._timeout:g}s) waiting for privilege escalation prompt")
                self._changed.wait(left)
            if self._succeeded:
                return self._input.pop(0) if self._input else b""
            if self._failure or self._ended:
                return b""
            self._answered = True
            return str(self._become.get_option("become_pass")).encode("utf-8", "surrogateescape") + b"\n"

    def abandoned(self, error: Abandoned) -> AnsibleConnectionFailure:
        """Return the error for a dialog that timed out, with the output of the program."""
        stdout, stderr = self.outputs()
        output = (stdout + stderr).decode("utf-8", "replace").strip()
        return AnsibleConnectionFailure(f"{error}: {safe_text(output)}" if output else str(error))

    def end(self) -> None:
        """Wake a thread that waits in `input`, because the command has ended."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def outputs(self) -> tuple[bytes, bytes]:
        """Return the outputs of the command, without prompts and the success marker.

        Raises `AnsibleError` if the password is wrong or missing, with the message of Ansible's own plugins.
        """
        with self._changed:
            if self._failure:
                raise AnsibleError(self._failure)
            stdout, stderr = (b"".join([*self._kept[name], self._pending[name]]) for name in ("stdout", "stderr"))
        return stdout, stderr

    def _receive(self, name: str, piece: bytes) -> None:
        with self._changed:
            self._output_at = time.monotonic()
            if self._succeeded:
                self._kept[name].append(piece)
                return
            *lines, rest = (self._pending[name] + piece).splitlines(keepends=True) or [b""]
            if rest.endswith(b"\n"):
                lines, rest = [*lines, rest], b""
            self._pending[name] = rest
            for number, line in enumerate(lines):
                self._examine(name, line)
                if self._succeeded:
                    self._keep_remaining(name, b"".join(lines[number + 1 :]) + rest)
                    break
            else:
                # A prompt has no line break.
                if rest and self._is_prompt(rest):
                    self._pending[name] = b""
            self._changed.notify_all()

    def _keep_remaining(self, name: str, rest: bytes) -> None:
        """Keep the output that follows the success marker, and the unfinished line of the other output."""
        self._pending[name] = rest
        for output, pending in self._pending.items():
            if pending:
                self._kept[output].append(pending)
        self._pending = {"stdout": b"", "stderr": b""}

    def _examine(self, name: str, line: bytes) -> None:
        if self._become.check_success(line):
            self._succeeded = True
        elif self._is_prompt(line):
            return
        else:
            if self._become.check_incorrect_password(line):
                self._fail("Incorrect")
            elif self._become.check_missing_password(line):
                self._fail("Missing")
            self._kept[name].append(line)

    def _is_prompt(self, line: bytes) -> bool:
        if not self._become.check_password_prompt(line):
            return False
        if self._answered:
            self._fail("Incorrect")
        elif not self._become.get_option("become_pass"):
            self._fail("Missing")
        else:
            self._prompted = True
        return True

    def _fail(self, cause: str) -> None:
        self._failure = self._failure or f"{cause} {self._become.name} password"
