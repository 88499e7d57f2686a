# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Into a pixel with OpenSSH: one connection that stays open for the commands to come, with the host key pinned.

The connection (a "master" of ssh) is made by itself and commands go through its control socket, so a failure to get in
and a failure on the way are never mistaken for each other, nor for a command that ends with 255.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import stat
import subprocess
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    ConnectionLost,
    NotPermitted,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import host_keys, piping, relaying, warm
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.addresses import default_folder
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.grouping import as_ssh_reads

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.login import Login

PERSIST = 300
"""Seconds the open connection stays after the last command."""

# 108 bytes with the final zero on Linux, 104 on BSD; ssh makes the socket under a name that is 17 longer.
LONGEST_SOCKET = 103 - 17

NAS_VARIABLES = "PIXELS_TRUENAS_"

# What ssh says at LogLevel DEBUG2 once the command's own status has come; without it the status is ssh's.
ENDED = ("Received exit status from master", "Exit status ")
# With a master that is gone ssh would make a connection of its own, which ProxyCommand=false ends like this.
NEVER_BEGUN = "kex_exchange_identification"

KEY_CHANGED = "host key verification failed"
NOT_LET_IN = "permission denied"


class NotBegun(ConnectionFailed):
    """The connection that was there is gone, and the command was not run."""


def program() -> str | None:
    """The path of ssh; None where there is none."""
    return shutil.which("ssh")


def options(login: Login, keys: host_keys.HostKeys, *, only_pinned: bool = False, timeout: int = 10) -> list[str]:
    """What to tell ssh so that it reaches this pixel and nobody else.

    An unknown host key is pinned, unless C(only_pinned), which is for an address that nobody has vouched for just now.
    """
    said = {
        "HostKeyAlias": host_keys.alias(login.pixel, login.nas),
        "UserKnownHostsFile": as_ssh_reads(str(keys.path)),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes" if only_pinned else "accept-new",
        # Hashed names could not be found again to be forgotten.
        "HashKnownHosts": "no",
        "CheckHostIP": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "ConnectTimeout": str(timeout),
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "3",
        "User": login.user,
        "Port": str(login.port),
    }
    if login.key_file:
        said |= {"IdentityFile": as_ssh_reads(os.path.expanduser(login.key_file)), "IdentitiesOnly": "yes"}
    return [word for name, value in said.items() for word in ("-o", f"{name}={value}")]


def control_folder() -> str | None:
    """A folder of this user alone for the sockets; None where there can be none, or it could be somebody else's."""
    folder = os.path.join(default_folder(), "ssh")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.lstat(folder)
    except OSError:
        return None
    safe = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return folder if safe else None


def control_path(login: Login) -> str | None:
    """The socket of the open connection to a pixel, whether it is open or not."""
    folder = control_folder()
    if folder is None:
        return None
    key = os.path.expanduser(login.key_file or "")
    who = "\n".join([login.pixel, login.nas, login.user, str(login.port), key])
    path = os.path.join(folder, f"{login.pixel}-{hashlib.sha256(who.encode()).hexdigest()[:12]}")
    return path if len(os.fsencode(path)) <= LONGEST_SOCKET else None


class Master:
    """The open connection to one pixel, shared by all commands of this user."""

    def __init__(self, login: Login, keys: host_keys.HostKeys) -> None:
        self.login = login
        self._keys = keys
        self.socket = control_path(login)

    @property
    def is_open(self) -> bool:
        """Whether somebody listens; the connection itself may be gone all the same."""
        return self.socket is not None and os.path.exists(self.socket)

    def open(self, *, only_pinned: bool = False, timeout: int = 10) -> None:
        """Connect, check the host key and log in; for C(timeout) seconds.

        Raises C(ConnectionFailed) when nothing answers, or somebody with another host key, C(NotPermitted) when it
        takes none of our keys.
        """
        how = options(self.login, self._keys, only_pinned=only_pinned, timeout=timeout)
        # ssh writes the key it pins into a folder that is there.
        self._keys.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._log() as log, self._alone():
            if self.is_open:
                if self._answers():
                    return
                # What a crash left: ssh would not take its place.
                os.unlink(str(self.socket))
            if self.socket is None:
                # One to try, which ends at once.
                stay = ["-S", "none", "-T"]
            else:
                # It sends no variable by itself, and of those that commands to come bring only what it is told to.
                stay = ["-M", "-S", self.socket, "-o", f"ControlPersist={PERSIST}", "-o", "SendEnv=*", "-f", "-N"]
            # Its input and outputs are not ours: it stays when we are gone.
            told = ["-o", "LogLevel=ERROR", "-E", log]
            if quietly(*stay, *told, *how, self.login.address, *([] if self.socket else ["exit 0"])):
                raise refused(self.login, self._keys, read(log))

    def command(self, line: str, log: str, *, terminal: bool = False, sent: t.Iterable[str] = ()) -> list[str]:
        """What to run so that a shell line runs in the pixel: over the open connection only, where one can be.

        C(sent) are names of variables to send along, from the environment of what is run.
        """
        # On a terminal a talkative ssh says goodbye as well.
        told = ["-o", f"LogLevel={'ERROR' if terminal else 'DEBUG2'}", "-E", log, "-tt" if terminal else "-T"]
        told += sending(sent)
        if self.socket is None:
            how = options(self.login, self._keys, only_pinned=True)
            return [program() or "ssh", "-S", "none", *told, *how, self.login.address, line]
        only_there = ["-F", "none", "-S", self.socket, "-o", "ControlMaster=no", "-o", "ProxyCommand=false"]
        return [program() or "ssh", *only_there, *told, self.login.pixel, line]

    def _answers(self) -> bool:
        """Whether the open connection is one."""
        return self.socket is not None and quietly("-F", "none", "-S", self.socket, "-O", "check", "pixel") == 0

    @contextlib.contextmanager
    def _alone(self) -> t.Iterator[None]:
        """One process at a time makes the connection; the others find it made."""
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
        receive: piping.Receive | None = None,
        relay: relaying.Relay | None = None,
    ) -> int:
        """Run a command to its end; its exit status.

        Where there is C(receive), it gets what the command writes, as it comes. Otherwise stdin, stdout and stderr are
        this process's own, as is the terminal. The variables of a command go ahead of C(stdin); where that is ours, ssh
        sends them, and the command's stderr says which the server does not take. Signals that would end this process go
        to the command; who runs several at once has a C(relay) for all of them. Raises C(NotBegun), and
        C(ConnectionLost) when it broke off: then nothing is known of its end.
        """
        sent = command.environment if stdin is None else {}
        token = secrets.token_hex(8)
        with contextlib.ExitStack() as undo:
            log = undo.enter_context(self._log())
            if relay is None and not terminal:
                relay = undo.enter_context(relaying.Relay())
            if relay and relay.number:
                return 128 + relay.number
            process = subprocess.Popen(
                self.command(
                    shell_line(command, self.login.user, token, sent=bool(sent)), log, terminal=terminal, sent=sent
                ),
                stdin=None if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE if receive else None,
                stderr=subprocess.PIPE if receive else None,
                env={**surroundings(), **sent},
                # Ctrl-C is for the command: ssh would leave it behind, running.
                start_new_session=not terminal,
            )
            if relay:
                running = relaying.Running(process, lambda number: self._signal(token, number))
                relay.begin(running)
                undo.callback(relay.end, running)
            if receive:
                undo.enter_context(process)
                try:
                    piping.pump(process, command.variables + (stdin or b""), receive)
                except BaseException:
                    # Nobody reads any more, and it would wait for that.
                    process.terminate()
                    raise
            return self._status(process.wait(), read(log), terminal=terminal)

    def refuses(self, variables: t.Mapping[str, str]) -> list[str]:
        """The names of those variables that the SSH server does not take from us."""
        look = f'for name in {" ".join(variables)}; do eval "[ \\"\\${{$name+x}}\\" ]" || echo "$name"; done'
        ended = subprocess.run(
            self.command(look, os.devnull, sent=variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**surroundings(), **variables},
            check=False,
        )
        return ended.stdout.decode("utf-8", "replace").split()

    def _signal(self, token: str, number: int) -> None:
        # Beside this process: a handler of signals must not wait.
        subprocess.Popen(
            self.command(signal_line(token, number), os.devnull),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=surroundings(),
            start_new_session=True,
        )

    def _status(self, rc: int, said: str, *, terminal: bool) -> int:
        if rc != 255 or any(word in said for word in ENDED):
            return rc
        if terminal and not said and self._answers():
            # It would have gone with the connection.
            return rc
        if NEVER_BEGUN in said:
            raise NotBegun(f"the SSH connection to {self.login} is gone")
        if piping.nobody_reads():
            return 128 + signal.SIGPIPE
        raise ConnectionLost(
            f"the SSH connection to {self.login} broke off while the command ran: it may go on, or have ended"
        )

    @contextlib.contextmanager
    def _log(self) -> t.Iterator[str]:
        """A file for what ssh itself has to say, apart from what the command says."""
        import tempfile

        folder = os.path.dirname(self.socket) if self.socket else None
        descriptor, path = tempfile.mkstemp(dir=folder, prefix="log-")
        os.close(descriptor)
        try:
            yield path
        finally:
            os.unlink(path)


def hang_up(pixel: str, *, at_once: bool = True) -> None:
    """Close every open connection to a pixel, as whichever user it was; its name is all that is needed.

    Unless C(at_once), what runs over them goes on, and the next command gets a connection of its own.
    """
    word = "exit" if at_once else "stop"
    folder = control_folder()
    if folder is None or program() is None:
        return
    with contextlib.suppress(OSError):
        os.unlink(warm.path_beside(os.path.join(folder, pixel), pixel))
    for name in os.listdir(folder):
        # Nobody listens any more where nobody can be told to end.
        if name.rpartition("-")[0] == pixel and quietly(
            "-F", "none", "-S", os.path.join(folder, name), "-O", word, pixel
        ):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, name))


def quietly(*arguments: str) -> int:
    """Run ssh by itself; its exit status."""
    ended = subprocess.run(
        [program() or "ssh", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=surroundings(),
        check=False,
    )
    return ended.returncode


def surroundings() -> dict[str, str]:
    """The variables of this process without those for the NAS: ssh stays behind, and one of them can be its key."""
    return {name: value for name, value in os.environ.items() if not name.startswith(NAS_VARIABLES)}


def sending(names: t.Iterable[str]) -> list[str]:
    """What to tell ssh so that it sends these of its own variables along: no value is in what it is told."""
    return [word for name in names for word in ("-o", f"SendEnv={name}")]


def shell_line(command: Command, user: str, token: str, *, sent: bool = False) -> str:
    """One line for the login shell that runs just this command, and stays there to tell how it ended.

    The shell itself outlives signals, or SSH would have no status to report. C(token) is how it is found again.
    """
    return f"trap : HUP INT QUIT TERM; : {token}; {command.as_login(user, sent=sent)}; exit $?"


def signal_line(token: str, number: int) -> str:
    """One line that sends a signal to all that a command of ours started.

    sshd gives each command a session of its own, led by the shell that has the token in its command line.
    """
    # Quoted in two halves, or the search would find itself.
    half = len(token) // 2
    pattern = f"*': {token[:half]}''{token[half:]};'*"
    look = f"case $(tr '\\0' ' ' <\"$p/cmdline\") in {pattern}) kill -{number} -\"${{p#/proc/}}\";; esac"
    return f"for p in /proc/[0-9]*; do {look}; done 2>/dev/null"


def refused(login: Login, keys: host_keys.HostKeys, said: str) -> ConnectionFailed | NotPermitted:
    """Why there is no connection, in our words."""
    reason = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "ssh said nothing")
    if KEY_CHANGED in said.lower():
        name = host_keys.alias(login.pixel, login.nas)
        return ConnectionFailed(
            f"{login} shows another SSH host key than the one it was first seen with: another machine may have its "
            f"address, or it was made anew elsewhere. If it was, remove the lines of {name} from {keys.path}"
        )
    if NOT_LET_IN in said.lower():
        return NotPermitted(
            f"{login} took none of the keys: give the private key with ssh.key in the configuration or PIXELS_SSH_KEY, "
            "and its public half to the pixel when it is created"
        )
    return ConnectionFailed(f"no SSH connection to {login}: {reason}")


def read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
