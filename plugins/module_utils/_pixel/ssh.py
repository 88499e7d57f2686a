# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Into a pixel over SSH, with paramiko; its host key is pinned at first sight and must not change after that."""

from __future__ import annotations

import base64
import os
import socket
import threading
import time
import traceback
import typing as t
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    ConnectionLost,
    MissingLibrary,
    NotPermitted,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import host_keys
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import GRACE, Command, Result, Sink, ending
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.login import DEFAULT_KEY, Login

PARAMIKO_IMPORT_ERROR: str | None = None
try:
    import paramiko
except ImportError:
    PARAMIKO_IMPORT_ERROR = traceback.format_exc()

__all__ = ["DEFAULT_KEY", "Login", "Ssh"]

if t.TYPE_CHECKING:
    from types import TracebackType


AT_ONCE = 64 * 1024
BEGINS_WITHIN = 5.0


class NoAnswer(ConnectionFailed):
    """There is no SSH server at the address, or no way to it."""


class Ssh:
    """One SSH connection to one pixel; a context manager.

    Raises C(ConnectionFailed) when nothing answers, when what answers has another host key than the one pinned, and
    C(NotPermitted) when the pixel takes none of the keys, C(MissingLibrary) where there is no paramiko.
    """

    def __init__(self, login: Login, keys: host_keys.HostKeys, *, timeout: float = 10.0) -> None:
        self._login = login
        if PARAMIKO_IMPORT_ERROR:
            raise MissingLibrary(
                "SSH needs it; the shell of the NAS does without (transport: shell).",
                library="paramiko",
                trace=PARAMIKO_IMPORT_ERROR,
            )
        self._transport = self._connect(timeout)
        try:
            self._check_host_key(keys)
            self._authenticate(timeout)
        except BaseException:
            self._transport.close()
            raise

    def __enter__(self) -> Ssh:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    @property
    def login(self) -> Login:
        return self._login

    def open_channel(self) -> paramiko.Channel:
        """For a command of its own. Raises C(ConnectionLost)."""
        return self._channel()

    def run(self, command: Command, *, timeout: float | None = None, out: Sink | None = None) -> Result:
        """Run a command to its end; C(out) is handed its standard output as it comes, which is then in no result.

        Raises C(TimedOut) after C(timeout) seconds, having ended the command in the pixel too, and C(ConnectionLost)
        when the connection breaks: then nothing is known of how it ended.
        """
        running = Running(self._channel(), command, self._login, out=out)
        if not running.wait(timeout):
            pid = running.pid_within(BEGINS_WITHIN)
            if pid is None:
                raise TimedOut(f"the command had not begun after {timeout:g} s in {self._login}: it may yet")
            self._end(pid)
            raise TimedOut(f"the command ran longer than {timeout:g} s in {self._login} and was ended")
        return running.result()

    def _connect(self, timeout: float) -> paramiko.Transport:
        try:
            connection = socket.create_connection((self._login.address, self._login.port), timeout=timeout)
            transport = paramiko.Transport(connection)
            transport.set_keepalive(15)
            transport.start_client(timeout=timeout)
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise NoAnswer(f"no SSH connection to {self._login}: {error or type(error).__name__}") from error
        return transport

    def _check_host_key(self, keys: host_keys.HostKeys) -> None:
        name = host_keys.alias(self._login.pixel, self._login.nas)
        key = self._transport.get_remote_server_key()
        shown = base64.b64encode(key.asbytes()).decode("ascii")
        pinned = keys.find(name)
        if not pinned:
            keys.pin(name, key.get_name(), shown)
        elif shown not in pinned.values():
            raise ConnectionFailed(
                f"{self._login} shows another SSH host key than the one it was first seen with: another machine "
                "may have its address, or it was made anew elsewhere. "
                f"If it was, remove the lines of {name} from {keys.path}"
            )

    def _authenticate(self, timeout: float) -> None:
        tried = []
        self._transport.auth_timeout = timeout
        for label, key in self._keys():
            tried.append(label)
            try:
                self._transport.auth_publickey(self._login.user, key)
            except (paramiko.BadAuthenticationType, paramiko.AuthenticationException):
                continue
            except (EOFError, paramiko.SSHException) as error:
                raise ConnectionFailed(
                    f"the SSH connection to {self._login} broke off during login: {error}"
                ) from error
            return
        what = f"took none of the keys ({', '.join(tried)})" if tried else "was offered no key"
        raise NotPermitted(
            f"{self._login} {what}: give the private key with ssh_key, and its public half to the pixel with provision"
        )

    def _keys(self) -> t.Iterator[tuple[str, paramiko.PKey]]:
        if self._login.key_file is None and os.environ.get("SSH_AUTH_SOCK"):
            for key in paramiko.Agent().get_keys():
                yield f"{key.get_name()} of the SSH agent", key
        path = Path(os.path.expanduser(self._login.key_file or DEFAULT_KEY))
        if not path.exists() and self._login.key_file is None:
            return
        try:
            yield str(path), paramiko.PKey.from_path(path)
        except FileNotFoundError as error:
            raise NotPermitted(f"there is no private key {path} to log in to {self._login} with") from error
        except paramiko.PasswordRequiredException as error:
            raise NotPermitted(f"the private key {path} has a passphrase: add it to an SSH agent (ssh-add)") from error
        except (OSError, ValueError, paramiko.SSHException) as error:
            raise NotPermitted(f"the private key {path} cannot be used: {error}") from error

    def _channel(self) -> paramiko.Channel:
        try:
            return self._transport.open_session(timeout=30)
        except (EOFError, paramiko.SSHException) as error:
            raise ConnectionLost(f"the SSH connection to {self._login} is gone: {error}") from error

    def _end(self, pid: int) -> None:
        if not self._transport.is_active():
            return
        # sshd gives each command a session of its own, so the group has all that it started. No `--`: dash has none.
        script = ending(f"kill -$s -{pid}")
        Running(self._channel(), Command(("sh", "-c", script)), self._login).wait(GRACE + 5)


class Running:
    """A command on its way, both of its outputs read as they come, so that neither can block it."""

    def __init__(self, channel: paramiko.Channel, command: Command, login: Login, *, out: Sink | None = None) -> None:
        self._channel = channel
        self._login = login
        self._out = out
        self._outputs: dict[str, bytes] = {}
        self._pid_line = b""
        self._has_said = threading.Event()
        # The first line is the process group to end when time is up. The last word keeps the shell there, and its
        # exit status is the command's, with signals counted as 128 and more: SSH has no status for those.
        channel.exec_command(f"echo $$; {command.as_login(login.user)}; exit $?")
        self._threads = [
            threading.Thread(target=self._write, args=(command.input,), daemon=True),
            threading.Thread(target=self._read, args=("stdout", channel.makefile("rb")), daemon=True),
            threading.Thread(target=self._read, args=("stderr", channel.makefile_stderr("rb")), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def pid_within(self, seconds: float) -> int | None:
        """The process group of the command; None when it does not say by then."""
        self._has_said.wait(seconds)
        return int(self._pid_line) if self._pid_line.strip().isdigit() else None

    def wait(self, timeout: float | None) -> bool:
        """Whether it ended in time, all of its output read: what it left in the background may still write some."""
        until = None if timeout is None else time.monotonic() + timeout
        if not self._channel.status_event.wait(timeout):
            return False
        for thread in self._threads[1:]:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads[1:])

    def result(self) -> Result:
        rc = self._channel.recv_exit_status()
        self._channel.close()
        if rc < 0:
            raise ConnectionLost(f"the SSH connection to {self._login} broke off while the command ran")
        return Result(rc, self._outputs.get("stdout", b""), self._outputs.get("stderr", b""))

    def _write(self, stdin: bytes) -> None:
        try:
            self._channel.sendall(stdin)
            self._channel.shutdown_write()
        except (OSError, EOFError, paramiko.SSHException):
            # The command ended without reading all of it, which is its right; a lost connection is told by its status.
            return

    def _read(self, name: str, stream: t.IO[bytes]) -> None:
        if name == "stdout":
            self._pid_line = stream.readline()
            self._has_said.set()
            if self._out is not None:
                while piece := stream.read(AT_ONCE):
                    self._out(piece)
                return
        self._outputs[name] = stream.read()
