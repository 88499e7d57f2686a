# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shared OpenSSH connection to a pixel (a control master), which stays open for later commands.

Logging in and running a command are separate steps: the master logs in, and commands use its control socket only. This
distinguishes a failed login, a lost connection and a command that ends with status 255.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import signal
import stat
import subprocess
import tempfile
import threading
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    ConnectionLost,
    Invalid,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import private_key
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import for_any_shell
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import (
    control_socket,
    login_errors,
    openssh,
    pipes,
    signal_forwarder,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh.remote_line import (
    shell_line,
    signal_line,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import DEFAULT_KEY, runs_nothing
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import user_dirs
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import fast_path

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import SshTarget
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import KnownHosts
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

PERSIST_S = 300
"""How long the connection stays open after the last command."""

# sun_path has 108 bytes with the final zero on Linux and 104 on BSD; ssh creates the socket with a suffix of 17 bytes.
SOCKET_PATH_LIMIT = 103 - 17

# Messages of ssh at LogLevel DEBUG2 for the exit status of the command. Without one, the status is that of ssh.
COMMAND_ENDED = ("Received exit status from master", "Exit status ")
# Without a master, ssh opens a connection of its own, which ends with this message because of ProxyCommand=false.
NOT_CONNECTED = "kex_exchange_identification"

# ConnectTimeout does not cover the login, during which a passphrase may be typed or a hardware key touched.
LOGIN_TIMEOUT_S = 60.0

DO_NOTHING = for_any_shell("exit 0")


class ConnectionGone(ConnectionFailed):
    """The shared connection is gone, and the command was not run."""


def control_directory() -> str | None:
    """Create the directory of the control sockets and return its path; None if it is not private to this user."""
    try:
        path = os.path.join(user_dirs.writable_cache(), "ssh")
        os.makedirs(path, mode=0o700, exist_ok=True)
        status = os.lstat(path)
    except (OSError, Invalid):
        return None
    is_private = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    return path if is_private else None


def control_path(target: SshTarget) -> str | None:
    """Return the path of the control socket for a target, which need not exist; None if there can be no socket."""
    directory = control_directory()
    if directory is None:
        return None
    key = os.path.expanduser(target.key_file or "")
    identity = "\n".join([target.pixel, target.nas, target.user, str(target.port), key])
    path = os.path.join(directory, f"{target.pixel}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}")
    return path if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT else None


class ControlMaster:
    """The OpenSSH connection to one pixel that all commands of this user share."""

    def __init__(self, target: SshTarget, keys: KnownHosts) -> None:
        self.target = target
        self._keys = keys
        self.socket = control_path(target)

    @property
    def pid(self) -> int | None:
        """Process ID of the master; None if it does not respond, as when it has ended or is stopped."""
        return control_socket.master_pid(self.socket) if self.socket else None

    @property
    def is_open(self) -> bool:
        """Whether the master responds; its connection may be gone."""
        return self.pid is not None

    def open(self, *, only_pinned: bool = False, timeout: int = 10) -> None:
        """Connect within `timeout` seconds, verify the host key and log in.

        Raises `ConnectionFailed` if no server answers, the host key does not match or the login shell runs no
        commands, and `NotPermitted` if the server accepts none of the keys.
        """
        # ssh writes the host key that it pins to an existing directory only.
        self._keys.make_directory()
        with self._log() as log, self._lock():
            if self.is_open:
                return
            # The socket of a master that crashed or is stopped. ssh does not replace it.
            self._remove_socket()
            if self.socket is None:
                # Only tests the login.
                mode = ["-S", "none", "-T"]
            else:
                # The master sends no variables of its own, and SendEnv=* lets commands send those that they name.
                mode = ["-M", "-S", self.socket, "-o", f"ControlPersist={PERSIST_S}", "-o", "SendEnv=*", "-f", "-N"]
            status = self._log_in(mode, log, only_pinned=only_pinned, timeout=timeout)
            if status == openssh.SSH_FAILED or (status and self.socket):
                output = read(log) or login_errors.cause_of_silence(status, log)
                raise login_errors.login_error(self.target, self._keys, output)
            if self.socket:
                status = openssh.run_quietly(*self._master_only(), "-T", self.target.pixel, DO_NOTHING)
        if status:
            self.close()
            raise runs_nothing(self.target, status)

    def _log_in(self, mode: list[str], log: str, *, only_pinned: bool, timeout: int) -> int:
        """Run ssh, which logs its messages to `log`, and return its exit status.

        The default key, which new pixels have, is offered alone first: servers limit the number of attempts.
        """
        has_default_key = self.target.key_file is None and private_key.is_there(DEFAULT_KEY)
        for only_default_key in (True, False) if has_default_key else (False,):
            os.truncate(log, 0)
            options = openssh.options(
                self.target, self._keys, only_pinned=only_pinned, only_default_key=only_default_key, timeout=timeout
            )
            # Without input and output of this process, because the master outlives it.
            words = [*mode, "-o", "LogLevel=ERROR", "-E", log, *options, self.target.address]
            try:
                status = openssh.run_quietly(*words, *([] if self.socket else [DO_NOTHING]), timeout=LOGIN_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                raise ConnectionFailed(
                    f"no SSH connection to {self.target}: its server did not complete the login within "
                    f"{LOGIN_TIMEOUT_S:g} s. Check the server through the web shell (transport shell)"
                ) from None
            if status != openssh.SSH_FAILED or login_errors.PERMISSION_DENIED not in read(log).lower():
                break
        return status

    def close(self) -> None:
        """Close the connection, and remove the socket of one that does not respond."""
        if not self.is_open or openssh.run_quietly(*self._master_only(), "-O", "exit", self.target.pixel):
            self._remove_socket()

    def _remove_socket(self) -> None:
        if self.socket:
            with contextlib.suppress(OSError):
                os.unlink(self.socket)

    def command(self, line: str, log: str, *, terminal: bool = False, sent: t.Iterable[str] = ()) -> list[str]:
        """Return the ssh command that runs a shell line in the pixel, over the open connection if there can be one.

        `sent` are names of variables of its environment that ssh sends along.
        """
        # At a terminal, a verbose ssh prints a closing message as well.
        arguments = ["-o", f"LogLevel={'ERROR' if terminal else 'DEBUG2'}", "-E", log, "-tt" if terminal else "-T"]
        arguments += openssh.sending(sent)
        line = for_any_shell(line)
        if self.socket is None:
            options = openssh.options(self.target, self._keys, only_pinned=True)
            return [openssh.program() or "ssh", "-S", "none", *arguments, *options, self.target.address, line]
        return [openssh.program() or "ssh", *self._master_only(), *arguments, self.target.pixel, line]

    def _master_only(self) -> list[str]:
        """Return the options that make ssh use the open connection and never open another."""
        return ["-F", "none", "-S", str(self.socket), "-o", "ControlMaster=no", "-o", "ProxyCommand=false"]

    @contextlib.contextmanager
    def _lock(self) -> t.Iterator[None]:
        """Let one process at a time open connections, so that the others find it open."""
        if self.socket is None:
            yield
            return
        with open(os.path.join(os.path.dirname(self.socket), "lock"), "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def run(
        self,
        command: Command,
        *,
        terminal: bool = False,
        stdin: bytes | None = None,
        receive: pipes.Receive | None = None,
        forwarder: signal_forwarder.SignalForwarder | None = None,
        ahead: bool = False,
    ) -> int:
        """Run a command and return its exit status.

        Without `stdin`, the command reads the standard input of this process. Without `receive`, it writes to the
        outputs of this process; this process copies a standard output that ssh could not write reliably, and raises
        `OSError` if that fails. At a `terminal`, all of them are the terminal of this process.

        Variables precede `stdin`. With the input of this process, ssh sends them, and the command's standard error
        names those that the server rejects; with `ahead`, and for arguments that are too long for a line, they precede
        that input as well, except at a terminal.

        Signals that would end this process go to the command. Callers that run several commands share a `forwarder`.

        Raises `ConnectionGone`, and `ConnectionLost` if the connection broke off and the outcome is unknown.
        """
        feeds = stdin is None and not terminal and (ahead or command.is_long)
        sent = command.environment if stdin is None and not feeds else {}
        copies = receive is None and not pipes.is_reliable_output()
        if copies:
            receive = write_own_stdout
        token = secrets.token_hex(8)
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(self._log())
            if forwarder is None and not terminal:
                forwarder = stack.enter_context(signal_forwarder.SignalForwarder())
            if forwarder and forwarder.number:
                return 128 + forwarder.number
            line = shell_line(command, self.target.user, token, sent=terminal or bool(sent))
            process = openssh.start(
                self.command(line, log, terminal=terminal, sent=sent),
                stdin=subprocess.PIPE if feeds or stdin is not None else None,
                stdout=subprocess.PIPE if receive else None,
                stderr=subprocess.PIPE if receive and not copies else None,
                env={**openssh.ssh_environment(), **sent},
                # Ctrl-C is for the command. It would end ssh alone and leave the command running.
                start_new_session=not terminal,
            )
            if forwarder:
                running = signal_forwarder.ForwardedProcess(process, lambda number: self._signal(token, number))
                forwarder.begin(running)
                stack.callback(forwarder.end, running)
            if feeds:
                threading.Thread(target=feed, args=(process.stdin, command.preamble), daemon=True).start()
            if receive:
                stack.enter_context(process)
                try:
                    pipes.pump(process, None if stdin is None else command.preamble + stdin, receive)
                except BaseException:
                    # Nothing reads its output now, so it would never end.
                    process.terminate()
                    raise
            return self._status(process.wait(), read(log), terminal=terminal)

    def rejected_variables(self, variables: t.Mapping[str, str]) -> list[str]:
        """Return the names of those variables that the SSH server does not accept (AcceptEnv)."""
        check = f'for name in {" ".join(variables)}; do eval "[ \\"\\${{$name+x}}\\" ]" || echo "$name"; done'
        ended = subprocess.run(  # pylint: disable=ansible-bad-function  # on the controller
            self.command(check, os.devnull, sent=variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**openssh.ssh_environment(), **variables},
            check=False,
        )
        return ended.stdout.decode("utf-8", "replace").split()

    def _signal(self, token: str, number: int) -> None:
        # Does not wait for ssh, because it runs in a signal handler.
        subprocess.Popen(  # pylint: disable=ansible-bad-function  # on the controller
            self.command(signal_line(token, number), os.devnull),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=openssh.ssh_environment(),
            start_new_session=True,
        )

    def _status(self, status: int, output: str, *, terminal: bool) -> int:
        if status != openssh.SSH_FAILED or any(message in output for message in COMMAND_ENDED):
            return status
        if terminal and not output and self.is_open:
            # The connection is intact, so the status is the command's.
            return status
        if NOT_CONNECTED in output:
            raise ConnectionGone(f"the SSH connection to {self.target} is gone")
        if pipes.stdout_closed():
            return 128 + signal.SIGPIPE
        raise ConnectionLost(
            f"the SSH connection to {self.target} broke off while the command ran: it may go on, or have ended"
        )

    @contextlib.contextmanager
    def _log(self) -> t.Iterator[str]:
        """Create a file for the messages of ssh itself, apart from those of the command, and remove it afterwards."""
        directory = os.path.dirname(self.socket) if self.socket else None
        descriptor, path = tempfile.mkstemp(dir=directory, prefix="log-")
        os.close(descriptor)
        try:
            yield path
        finally:
            os.unlink(path)


def close_connections(pixel: PixelName, *, cut_off: bool = True) -> None:
    """Close the open connections of all users to a pixel, given by its full name.

    Without `cut_off`, commands that run over them continue, and later commands get a new connection.
    """
    request = "exit" if cut_off else "stop"
    directory = control_directory()
    if directory is None or openssh.program() is None:
        return
    with contextlib.suppress(OSError):
        os.unlink(fast_path.path_beside(os.path.join(directory, pixel), pixel))
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        if name.rpartition("-")[0] != pixel:
            continue
        if not control_socket.master_pid(path) or openssh.run_quietly("-F", "none", "-S", path, "-O", request, pixel):
            with contextlib.suppress(OSError):
                os.unlink(path)


def write_own_stdout(_number: int, content: bytes) -> None:
    """Write a command's standard output to that of this process. Raises `OSError` that names it."""
    pipes.write_stdout(content)


def feed(stream: t.IO[bytes], preamble: bytes) -> None:
    """Write a preamble and the standard input of this process; the command may end without reading it."""
    with contextlib.suppress(OSError), stream:
        stream.write(preamble)
        stream.flush()
        while chunk := os.read(0, pipes.CHUNK_BYTES):
            stream.write(chunk)
            stream.flush()


def read(path: str) -> str:
    """Return the text of a log file."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
