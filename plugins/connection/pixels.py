# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs tasks in pixels, over SSH or through the web shell of the NAS."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pixels
short_description: Run tasks in pixels
version_added: 1.0.0
author:
  - The pixels.truenas contributors (@pixels-truenas)
description:
  - Runs tasks in a pixel, over SSH or through the web shell that TrueNAS opens in containers.
  - Through the web shell, a pixel needs no address, no SSH server and no key, and the controller needs no route to it.
    Modules require Python in the pixel; C(raw) does not.
  - Keywords, variables, command-line options and settings for the user, the key, the port and the password of an SSH
    connection have the same meaning as for P(ansible.builtin.ssh#connection). None of them applies to the NAS, whose
    options all begin with C(nas_).
  - All hosts and forks share one login to the NAS, and one web shell for each pixel, with all other processes of the
    same user on the controller.
  - The web shell requires an account with web shell access. An account that is no administrator also needs permission
    to run all commands with sudo.
notes:
  - If a container is not running or does not exist, its host is unreachable.
  - Arguments for OpenSSH, such as C(ansible_ssh_common_args), are ignored. Use O(transport=shell) for a pixel that only
    OpenSSH can reach, for example through a jump host.
  - Key contents in variables, such as C(ansible_private_key), are ignored. Use O(private_key_file) or an SSH agent.
  - Prompts of become plugins are answered over both transports. Become plugins that require a terminal cannot be used.
options:
  pixel:
    description:
      - Name of the pixel.
      - Defaults to O(host) unless that is an IP address, then to the name of the host, or of the host that a task is
        delegated to.
    type: str
    vars:
      - name: pixels_name
  host:
    description: Name of the pixel in the inventory. IP addresses are ignored, because the NAS reports the address.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: ansible_ssh_host
  inventory_name:
    description: Name of the host in the inventory. Ansible sets it.
    type: str
    vars:
      - name: inventory_hostname
  delegated_host:
    description: Host that a task is delegated to. Ansible sets it.
    type: str
    keyword:
      - name: delegate_to
  transport:
    description:
      - V(shell) uses the web shell. V(ssh) uses SSH to the address that the NAS reports. V(auto) uses SSH if a server
        answers, otherwise the web shell.
      - Defaults to E(PIXELS_TRANSPORT), then to C(ssh.transport) of the configuration file, then to V(shell).
    type: str
    choices: [shell, ssh, auto]
    vars:
      - name: pixels_transport
  pipelining:
    description: Set to V(true) to run modules without copying them to the pixel first.
    type: bool
    default: false
    ini:
      - section: defaults
        key: pipelining
      - section: connection
        key: pipelining
      - section: ssh_connection
        key: pipelining
    env:
      - name: ANSIBLE_PIPELINING
      - name: ANSIBLE_SSH_PIPELINING
    vars:
      - name: ansible_pipelining
      - name: ansible_ssh_pipelining
  session_environment:
    description:
      - Environment variables for all commands of a task.
      - Precedence, lowest to highest - the variables of the container, those of a login (C(/etc/environment)), the
        forwarded and session-only variables in C([env]) of the configuration file, this option, and the keyword
        C(environment) of a task.
      - They are not stored. In the pixel, only root and the user that runs the command can see them.
    type: dict
    vars:
      - name: pixels_environment
seealso:
  - plugin: pixels.truenas.pixels
    plugin_type: inventory
  - plugin: ansible.builtin.ssh
    plugin_type: connection
extends_documentation_fragment:
  - pixels.truenas.connection_login
  - pixels.truenas.connection_nas
"""

import contextlib
import itertools
import os
import time
import typing as t
from dataclasses import replace

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.connection import ConnectionBase

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import LIBRARIES
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CREDENTIALS
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import connected, missing_own_credential
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client import SharedSession
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    Invalid,
    MissingLibrary,
    PixelsError,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import safe_text
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import (
    connect,
    directory_transfer,
    file_transfer,
    scripts,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import (
    Abandoned,
    Command,
    RunAs,
    Shell,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import resolver
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName, is_address
from ansible_collections.pixels.truenas.plugins.plugin_utils.escalation import Escalation

CommandResult = tuple[int, bytes, bytes]
"""Exit status, standard output and standard error."""

ROOT = "root"

# Settings of this collection by the names of their options, which are those of Ansible's ssh plugin.
SSH_OPTIONS = {"ssh_user": "remote_user", "ssh_key": "private_key_file", "ssh_port": "port", "transport": "transport"}
DEFAULTS = {"transport": "shell"}

PROMPT_EXTRA_S = 2.0
"""How much longer than for a connection to wait for a prompt, as Ansible's ssh plugin does."""
RETRY_PAUSE_LIMIT_S = 30


class Connection(ConnectionBase):
    """A connection to one pixel, for one task."""

    transport = "pixels.truenas.pixels"
    has_pipelining = True
    has_tty = False

    def __init__(self, *arguments: t.Any, **more: t.Any) -> None:
        super().__init__(*arguments, **more)
        self._resources = contextlib.ExitStack()
        self._web_shell: WebShellClient | None = None
        self._pixel_shell: Shell | None = None
        self._variables: dict[str, str] = {}

    def set_options(
        self,
        task_keys: t.Any = None,
        var_options: t.Any = None,
        direct: t.Any = None,
    ) -> None:
        """Set the options, and the user that runs tasks, which Ansible compares with the become user."""
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        # The first command reports an invalid setting, and the host is unreachable.
        with contextlib.suppress(PixelsError):
            self.set_option("remote_user", self._user())
        self.default_user = self.get_option("remote_user")

    @property
    def pixel(self) -> str:
        """Return the bare name of the pixel. Raises `AnsibleConnectionFailure` for an invalid name."""
        inventory_name, host = self.get_option("inventory_name"), self.get_option("host")
        if host == inventory_name or is_address(str(host)):
            # Not set, or not a name. For a delegated task, the inventory name is that of the play's host.
            host = None
        candidates = (self.get_option("pixel"), host, self.get_option("delegated_host"), inventory_name)
        try:
            return PixelName.parse(str(next(filter(None, candidates), ""))).bare
        except PixelsError as error:
            raise AnsibleConnectionFailure(f"{error}. Name the pixel of this host with pixels_name") from None

    def _connect(self) -> Connection:
        if not self._connected:
            self._check_libraries()
            self._check_options()
            self._open_with_retries()
            self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> CommandResult:  # noqa: FBT001, FBT002
        """Run a shell line in the pixel, and answer the prompt of a become plugin."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        self._connect()
        self._show(f"EXEC {cmd}")
        is_escalated = sudoable and Escalation.is_needed(self.become, cmd)
        stdin = b"" if is_escalated else in_data or b""
        try:
            command = Command(("/bin/sh", "-c", cmd), stdin=stdin, environment=self._variables)
        except Invalid as error:
            # The task's mistake: the pixel is reachable.
            raise AnsibleError(str(error)) from None
        with self._errors_as_unreachable():
            if is_escalated:
                return self._escalate(command, in_data or b"")
            ended = self._open_shell.run(command)
        return ended.rc, ended.stdout, ended.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Send a file or a directory to the pixel."""
        super().put_file(in_path, out_path)
        self._connect()
        self._show(f"PUT {in_path} TO {out_path}")
        if not os.path.exists(in_path):
            raise AnsibleFileNotFound(f"there is no file {in_path} to send to {self.pixel}")
        with self._refusals_as_failures("sent"):
            put = directory_transfer.put if os.path.isdir(in_path) else file_transfer.put
            put(self._open_shell, in_path, self._from_home(out_path))

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Fetch a file or a directory from the pixel."""
        super().fetch_file(in_path, out_path)
        self._connect()
        self._show(f"FETCH {in_path} TO {out_path}")
        with self._refusals_as_failures("fetched"):
            path = self._from_home(in_path)
            get = directory_transfer.get if self._is_directory(path) else file_transfer.get
            get(self._open_shell, path, out_path)

    def reset(self) -> None:
        """Disconnect, so that the next task connects again, for example after a restart."""
        if self._web_shell is not None:
            # Otherwise another connection could borrow a shell that is about to end.
            self._web_shell.discard()
        self.close()

    def close(self) -> None:
        """Disconnect."""
        self._pixel_shell = self._web_shell = None
        self._connected = False
        with contextlib.suppress(PixelsError):
            self._resources.close()

    @property
    def _open_shell(self) -> Shell:
        if self._pixel_shell is None:
            raise AnsibleConnectionFailure(f"there is no connection to {self.pixel}")
        return self._pixel_shell

    def _check_libraries(self) -> None:
        for library, trace in LIBRARIES.items():
            if trace:
                raise AnsibleError(missing_required_lib(library))

    def _check_options(self) -> None:
        if self.get_option("nas_has_own_credential") and not any(
            self.get_option(f"nas_{name}") for name in CREDENTIALS
        ):
            raise AnsibleConnectionFailure(missing_own_credential(self.get_option("nas_host")))
        if self.get_option("remote_user") == "":
            raise AnsibleConnectionFailure(
                f"cannot log in to {self.pixel}: invalid user ''. Name a user of the pixel with ansible_user"
            )

    def _open_with_retries(self) -> None:
        """Connect. Pauses between attempts grow as in Ansible's ssh plugin."""
        for attempt in itertools.count():
            try:
                self._open()
            except MissingLibrary as error:
                raise AnsibleError(f"{missing_required_lib(error.library)} {error}") from None
            except PixelsError as error:
                is_repeatable = isinstance(error, ConnectionFailed) and not error.permanent
                if attempt >= self.get_option("reconnection_retries") or not is_repeatable:
                    raise AnsibleConnectionFailure(str(error)) from None
                pause = min(2**attempt - 1, RETRY_PAUSE_LIMIT_S)
                self._show(f"CONNECTION ATTEMPT {attempt + 1} FAILED, NEXT IN {pause} s: {error}")
                time.sleep(pause)
            else:
                return

    def _open(self) -> None:
        with contextlib.ExitStack() as stack:
            pixels, settled = stack.enter_context(
                connected(self._setting, notice=self._display.display, defaults=DEFAULTS, warn=self._display.warning)
            )
            kind = "shared" if isinstance(pixels.session, SharedSession) else "direct"
            self._show(f"SESSION {kind} WITH {pixels.nas} FOR ACCOUNT {settled.credential.username}")
            ssh = replace(
                settled.ssh,
                password=self.get_option("password"),
                check_host_key=self.get_option("host_key_checking"),
                timeout=float(self.get_option("timeout")),
            )
            shell = stack.enter_context(connect.open_shell(pixels, self.pixel, ssh))
            variables = self.get_option("session_environment") or {}
            self._variables = {
                **dict(settled.ssh.variables),
                **{str(name): str(value) for name, value in variables.items()},
            }
            if isinstance(shell, RunAs):
                # This plugin verifies first that the pixel has the user.
                shell = shell.root_shell
            self._web_shell = shell if isinstance(shell, WebShellClient) else None
            self._pixel_shell = self._as_user(shell)
            self._resources = stack.pop_all()

    def _as_user(self, shell: Shell) -> Shell:
        """Return a shell whose commands run as the remote user, over either transport."""
        user = self.get_option("remote_user")
        route = "THROUGH THE WEB SHELL" if isinstance(shell, WebShellClient) else "OVER SSH"
        self._show(f"ESTABLISH CONNECTION FOR USER: {user} {route}")
        if not isinstance(shell, WebShellClient):
            return shell
        # Attempts to connect are repeated, commands are not.
        shell.open()
        if user == ROOT:
            return shell
        command = Command(("id", "-u", user))
        if user.startswith("-") or scripts.run_command(shell, command, timeout=scripts.CHECK_TIMEOUT_S).rc:
            raise AnsibleConnectionFailure(
                f"cannot log in to {self.pixel} as {user!r}: the pixel has no such user. "
                "Create it, or name another with ansible_user"
            )
        return RunAs(shell, user)

    def _user(self) -> str:
        """Return the user that runs tasks. Raises `PixelsError` for an invalid setting."""
        user = self.get_option("remote_user")
        if user is not None:
            return str(user)
        values = resolver.resolve(self._setting, defaults=DEFAULTS)
        return ROOT if values["transport"] == "shell" else str(values["ssh_user"])

    def _escalate(self, command: Command, in_data: bytes) -> CommandResult:
        """Run a command that a become plugin has wrapped, and answer its prompt."""
        escalation = Escalation(self.become, in_data, self.get_option("timeout") + PROMPT_EXTRA_S)
        try:
            ended = self._open_shell.run(command, out=escalation.out, err=escalation.err, more=escalation.input)
        except Abandoned as error:
            raise escalation.abandoned(error) from None
        finally:
            escalation.end()
        return (ended.rc, *escalation.outputs())

    def _setting(self, setting: str) -> t.Any:
        """Return the value of the option for a setting of this collection; None if it is not set."""
        option = SSH_OPTIONS.get(setting, f"nas_{setting}")
        return self.get_option(option) if self.has_option(option) else None

    def _show(self, text: str) -> None:
        self._display.vvv(safe_text(text), host=safe_text(self.pixel))

    @contextlib.contextmanager
    def _errors_as_unreachable(self) -> t.Iterator[None]:
        try:
            yield
        except PixelsError as error:
            self.close()
            raise AnsibleConnectionFailure(str(error)) from None

    @contextlib.contextmanager
    def _refusals_as_failures(self, done: str) -> t.Iterator[None]:
        """Fail the task if a file cannot be `done`. Other errors make the host unreachable."""
        with self._errors_as_unreachable():
            try:
                yield
            except file_transfer.NotTransferred as error:
                problem = f"not {done}: {error}"
            else:
                return
        raise AnsibleError(problem)

    def _from_home(self, path: str) -> str:
        """Return an absolute path. Relative paths start in the user's home, as with SFTP."""
        if os.path.isabs(path):
            return path
        command = Command(("/bin/sh", "-c", "cd && pwd"))
        home = scripts.run_command(self._open_shell, command, timeout=scripts.CHECK_TIMEOUT_S).stdout
        return os.path.join(os.fsdecode(home).removesuffix("\n") or "/", path)

    def _is_directory(self, path: str) -> bool:
        command = Command(("test", "-d", path))
        return scripts.run_command(self._open_shell, command, timeout=scripts.CHECK_TIMEOUT_S).rc == 0
