# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shell in a pixel over SSH with paramiko. The host key is pinned at the first connection and verified afterwards."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import sys
import traceback
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    ConnectionLost,
    MissingLibrary,
    NotPermitted,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import private_key
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import (
    KILL_DELAY_S,
    Command,
    Result,
    Shell,
    Streams,
    termination_script,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh.paramiko_command import RunningCommand
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import (
    DEFAULT_KEY,
    SshTarget,
    host_key_mismatch,
    no_answer,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts

PARAMIKO_IMPORT_ERROR: str | None = None
try:
    import paramiko
except ImportError:
    PARAMIKO_IMPORT_ERROR = traceback.format_exc()

BEGIN_TIMEOUT_S = 5.0
"""How long to wait for the process group of a command that has to be ended."""
CHANNEL_TIMEOUT_S = 30
SUPPORTED_KEYS = ("ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
"""Types of keys with which paramiko can sign. For other types, such as hardware tokens, it needs an SSH agent."""


class ParamikoClient(Shell):
    """One SSH connection to one pixel; a context manager.

    Raises `ConnectionFailed` if no server answers or its host key is not the pinned one, `NotPermitted` if it accepts
    none of the keys, and `MissingLibrary` without paramiko.
    """

    def __init__(self, target: SshTarget, keys: known_hosts.KnownHosts, *, timeout: float = 10.0) -> None:
        """Connect and log in; `timeout` is in seconds."""
        self._target = target
        if PARAMIKO_IMPORT_ERROR:
            raise MissingLibrary(
                f"cannot connect over SSH: the Python library paramiko is not installed for {sys.executable}. "
                f"Use the web shell (transport: shell), install it with {sys.executable} -m pip install paramiko",
                library="paramiko",
                trace=PARAMIKO_IMPORT_ERROR,
            )
        self._timeout = timeout
        self._key_problem: str | None = None
        self._attempts = 0
        """Number of keys that were offered on the current connection."""
        self._transport = self._connect(timeout)
        try:
            is_pinned = self._check_host_key(keys)
            self._authenticate(keys, with_password=is_pinned)
        except BaseException:
            self._transport.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def _open_channel(self) -> paramiko.Channel:
        try:
            return self._transport.open_session(timeout=CHANNEL_TIMEOUT_S)
        except (EOFError, paramiko.SSHException) as error:
            raise ConnectionLost(f"the SSH connection to {self._target} is gone: {error}") from error

    def run_with(self, command: Command, timeout: float | None, streams: Streams) -> Result:
        """Run a command as `run` does."""
        running = RunningCommand(self._open_channel(), command, self._target, streams)
        try:
            in_time = running.wait(timeout)
        except KeyboardInterrupt:
            # sshd does not end a command when its client disconnects.
            self._end(running)
            raise
        if not in_time:
            if not self._end(running):
                raise TimedOut(f"the command had not begun after {timeout:g} s in {self._target}: it may yet")
            raise TimedOut(f"the command ran longer than {timeout:g} s in {self._target} and was ended")
        if running.failure is not None:
            self._end(running)
            running.close()
            raise running.failure
        return running.result()

    def _connect(self, timeout: float) -> paramiko.Transport:
        try:
            connection = socket.create_connection((self._target.address, self._target.port), timeout=timeout)
            transport = paramiko.Transport(connection)
            transport.set_keepalive(15)
            transport.start_client(timeout=timeout)
        except (OSError, EOFError, paramiko.SSHException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise no_answer(self._target, reason) from error
        return transport

    def _check_host_key(self, keys: known_hosts.KnownHosts) -> bool:
        """Return whether the server has the pinned host key. If none is pinned, pin it."""
        alias = known_hosts.alias(self._target.pixel, self._target.nas)
        key = self._transport.get_remote_server_key()
        encoded = base64.b64encode(key.asbytes()).decode("ascii")
        pinned = keys.find(alias)
        if not pinned:
            keys.pin(alias, key.get_name(), encoded)
        elif encoded not in pinned.values():
            if not self._target.check_host_key:
                return False
            raise host_key_mismatch(self._target, keys)
        return True

    def _authenticate(self, keys: known_hosts.KnownHosts, *, with_password: bool) -> None:
        rejected = []
        with contextlib.closing(self._keys()) as candidates:
            for label, key in candidates:
                if self._accepts_key(keys, key):
                    return
                rejected.append(label)
        if self._target.password and with_password:
            if self._attempts:
                # Servers limit the number of attempts, and the rejected keys may have reached it.
                with_password = self._connect_again(keys)
            if with_password and self._accepts_password(self._target.password):
                return
            raise NotPermitted(
                f"{self._target} accepted neither the password nor a key: check both and the name of the user"
            )
        if self._key_problem:
            others = f". It took none of the other keys ({', '.join(rejected)})" if rejected else ""
            raise NotPermitted(f"cannot log in to {self._target}: {self._key_problem}{others}")
        problem = f"took none of the keys ({', '.join(rejected)})" if rejected else "was offered no key"
        raise NotPermitted(
            f"{self._target} {problem}: set ssh_key to the private key, and install its public half with provision"
        )

    def _connect_again(self, keys: known_hosts.KnownHosts) -> bool:
        """Connect again; return whether the server has the pinned host key."""
        self._transport.close()
        self._transport = self._connect(self._timeout)
        self._attempts = 0
        return self._check_host_key(keys)

    def _accepts_key(self, keys: known_hosts.KnownHosts, key: paramiko.PKey) -> bool:
        """Return whether the server accepts a key. If it disconnected after those before, connect again first."""
        while True:
            if not self._transport.is_active():
                self._connect_again(keys)
            is_first = not self._attempts
            self._attempts += 1
            self._transport.auth_timeout = self._timeout
            try:
                self._transport.auth_publickey(self._target.user, key)
            except (paramiko.BadAuthenticationType, paramiko.AuthenticationException):
                if is_first or self._transport.is_active():
                    return False
            except (EOFError, paramiko.SSHException) as error:
                if is_first:
                    raise self._broke_off(error) from error
                self._transport.close()
            else:
                return True

    def _accepts_password(self, password: str) -> bool:
        self._transport.auth_timeout = self._timeout
        try:
            self._transport.auth_password(self._target.user, password)
        except (paramiko.BadAuthenticationType, paramiko.AuthenticationException):
            return False
        except (EOFError, paramiko.SSHException) as error:
            raise self._broke_off(error) from error
        return True

    def _broke_off(self, error: Exception) -> ConnectionFailed:
        return ConnectionFailed(f"the SSH connection to {self._target} broke off during login: {error}")

    def _keys(self) -> t.Generator[tuple[str, paramiko.PKey], None, None]:
        """Yield the keys to offer, in the order that `private_key` defines, each with its certificate first."""
        key_file = self._target.key_file
        path = key_file or DEFAULT_KEY
        public = private_key.public_half(path)
        with agent_keys() as in_agent:
            same = [key for key in in_agent if public and key.asbytes() == public]
            if key_file or private_key.is_there(path):
                self._key_problem = private_key.problem(path, in_agent=bool(same))
                for key in same if same or self._key_problem else self._read_key(path, public):
                    yield from certified(key, path)
            if key_file is None:
                yield from ((f"{key.get_name()} of the SSH agent", key) for key in in_agent if key not in same)

    def _read_key(self, path: str, public: bytes | None) -> list[paramiko.PKey]:
        kind = private_key.type_of(public) if public else ""
        reason = ""
        if not kind or kind in SUPPORTED_KEYS:
            try:
                return [paramiko.PKey.from_path(private_key.expanded(path))]
            except (OSError, ValueError, TypeError, paramiko.SSHException) as error:
                reason = f": {error}"
        of_type = f" of the type {kind}" if kind else ""
        self._key_problem = (
            f"the private key {path}{of_type} cannot be used by paramiko{reason}. Add it to an SSH agent "
            f"(ssh-add {path}), or use another key"
        )
        return []

    def _end(self, running: RunningCommand) -> bool:
        """End a command in the pixel; return whether it had begun."""
        pid = running.pid_within(BEGIN_TIMEOUT_S)
        if pid is None:
            return False
        if self._transport.is_active():
            # sshd runs each command in a session of its own, so the group has all its processes. dash accepts no `--`.
            command = Command(("sh", "-c", termination_script(f"kill -$s -{pid}")))
            RunningCommand(self._open_channel(), command, self._target, Streams()).wait(KILL_DELAY_S + 5)
        return True


@contextlib.contextmanager
def agent_keys() -> t.Iterator[list[paramiko.PKey]]:
    """Connect to the SSH agent and yield its keys; none if there is no agent or it does not answer."""
    with contextlib.ExitStack() as undo:
        keys: list[paramiko.PKey] = []
        if os.environ.get("SSH_AUTH_SOCK"):
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                agent = paramiko.Agent()
                undo.callback(agent.close)
                keys = list(agent.get_keys())
        yield keys


def certified(key: paramiko.PKey, path: str) -> t.Iterator[tuple[str, paramiko.PKey]]:
    """Yield a key with the certificate beside its file, and then without: a server may accept only one of them."""
    certificate = f"{private_key.expanded(path)}-cert.pub"
    if os.path.exists(certificate):
        with contextlib.suppress(OSError, ValueError, paramiko.SSHException):
            key.load_certificate(certificate)
            yield certificate, key
    key.public_blob = None
    yield path, key
