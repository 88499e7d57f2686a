# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets Ansible run any module in a pixel through the shell of its NAS."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pixels
short_description: Enter pixels through their NAS
version_added: 1.0.0
author:
  - The pixels.truenas contributors (@pixels-truenas)
description:
  - Runs tasks in a pixel through the shell that TrueNAS opens in containers, as root of the pixel.
  - The pixel needs no address, no SSH server and no key, and the controller no route to it. Modules need Python there,
    C(raw) does not.
  - Any number of hosts and forks share one login, and one shell for each pixel, with whatever else this user runs here.
  - The account needs a privilege with web shell access, and all of sudo where it is no administrator.
notes:
  - With a container that is not running or not there, a host is unreachable.
options:
  pixel:
    description: Name of the pixel.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: pixels_name
  transport:
    description:
      - With V(shell), always through the NAS. With V(ssh), over SSH to the address the NAS reports.
        With V(auto), over SSH where a server answers, else through the NAS.
    type: str
    choices: [shell, ssh, auto]
    default: shell
    vars:
      - name: pixels_transport
  environment:
    description:
      - Variables for every command of a task, beside the forwarded and session-only ones in C([env]) of the
        configuration file; these count for more.
      - Nobody but its user and root get to see them in the pixel, and they are written nowhere.
    type: dict
    vars:
      - name: pixels_environment
  profile:
    description: Name of a NAS in the configuration file.
    type: str
    vars:
      - name: pixels_nas_profile
  host:
    description: Name or address of the TrueNAS host.
    type: str
    vars:
      - name: pixels_nas_host
  port:
    description: Port of its web interface.
    type: int
    vars:
      - name: pixels_nas_port
  username:
    description: Account to log in as.
    type: str
    vars:
      - name: pixels_nas_username
  api_key:
    description: API key to log in with.
    type: str
    vars:
      - name: pixels_nas_api_key
  api_key_file:
    description: File on the controller that holds the API key.
    type: path
    vars:
      - name: pixels_nas_api_key_file
  password:
    description: Password to log in with, when there is no API key.
    type: str
    vars:
      - name: pixels_nas_password
  has_own_credential:
    description: Whether the NAS has a key or password that only the inventory file holds; no other one is sent there.
    type: bool
    default: false
    vars:
      - name: pixels_nas_has_own_credential
  login_mechanism:
    description: How an API key proves itself.
    type: str
    choices: [auto, scram, plain]
    vars:
      - name: pixels_nas_login_mechanism
  use_tls:
    description: Whether to encrypt.
    type: bool
    vars:
      - name: pixels_nas_use_tls
  validate_certs:
    description: Whether the certificate of the host must be valid for its name.
    type: bool
    vars:
      - name: pixels_nas_validate_certs
  ca_path:
    description: File with the certificates of authorities to trust.
    type: path
    vars:
      - name: pixels_nas_ca_path
  connect_timeout:
    description: Seconds to wait for a connection.
    type: float
    vars:
      - name: pixels_nas_connect_timeout
  call_timeout:
    description: Seconds to wait for the answer to one call.
    type: float
    vars:
      - name: pixels_nas_call_timeout
  login_wait:
    description: Seconds to wait for when the host takes no more logins.
    type: float
    vars:
      - name: pixels_nas_login_wait
  session:
    description: Whether to share one login with all that this user runs, V(auto), or not, V(direct).
    type: str
    choices: [auto, direct]
    vars:
      - name: pixels_nas_session
  session_idle:
    description: Seconds that a shared session stays open after its last use.
    type: float
    vars:
      - name: pixels_nas_session_idle
  ssh_user:
    description: User to log in as over SSH.
    type: str
    vars:
      - name: ansible_user
      - name: ansible_ssh_user
  ssh_key:
    description: Private key to log in with over SSH.
    type: path
    vars:
      - name: ansible_ssh_private_key_file
      - name: ansible_private_key_file
  ssh_port:
    description: Port of the SSH server in the pixel.
    type: int
    vars:
      - name: ansible_port
      - name: ansible_ssh_port
seealso:
  - plugin: pixels.truenas.pixels
    plugin_type: inventory
"""

import contextlib
import os
import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.connection import ConnectionBase

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import LIBRARIES
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import (
    CREDENTIALS,
    another_credential,
    connected,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import MissingLibrary, PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import entering, folders, names, transfer
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command, Shell
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.shell import NasShell

Ended = tuple[int, bytes, bytes]


class Connection(ConnectionBase):
    """A way into one pixel, for one task."""

    transport = "pixels.truenas.pixels"
    has_pipelining = True

    def __init__(self, *arguments: t.Any, **more: t.Any) -> None:
        super().__init__(*arguments, **more)
        self._leaving = contextlib.ExitStack()
        self._inside: Shell | None = None
        self._variables: dict[str, str] = {}

    def _connect(self) -> Connection:
        if not self._connected:
            self._refuse_without_libraries()
            self._enter()
            self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> Ended:  # noqa: FBT001, FBT002
        """Run a line of the target's shell; nothing asks for a password, since it is root who becomes somebody else."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        self._connect()
        with self._unreachable_when_lost():
            command = Command(("/bin/sh", "-c", cmd), stdin=in_data or b"", environment=self._variables)
            ended = self._way_in.run(command)
        return ended.rc, ended.stdout, ended.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        super().put_file(in_path, out_path)
        self._connect()
        if not os.path.exists(in_path):
            raise AnsibleFileNotFound(f"there is no file {in_path} to send to {self._pixel}")
        with self._failed_when_refused("sent"):
            put = folders.put if os.path.isdir(in_path) else transfer.put
            put(self._way_in, in_path, self._below_home(out_path))

    def fetch_file(self, in_path: str, out_path: str) -> None:
        super().fetch_file(in_path, out_path)
        self._connect()
        with self._failed_when_refused("fetched"):
            path = self._below_home(in_path)
            get = folders.get if self._is_folder(path) else transfer.get
            get(self._way_in, path, out_path)

    def reset(self) -> None:
        """Leave, so that the next task finds a pixel that was restarted meanwhile."""
        if isinstance(self._inside, NasShell):
            # Nobody else is to get one that is about to end.
            self._inside.discard()
        self.close()

    def close(self) -> None:
        self._inside = None
        self._connected = False
        with contextlib.suppress(PixelsError):
            self._leaving.close()

    @property
    def _pixel(self) -> str:
        return names.bare_name(self.get_option("pixel"))

    @property
    def _way_in(self) -> Shell:
        if self._inside is None:
            raise AnsibleConnectionFailure(f"there is no connection to {self._pixel}")
        return self._inside

    def _enter(self) -> None:
        if self.get_option("has_own_credential") and not any(self.get_option(name) for name in CREDENTIALS):
            raise AnsibleConnectionFailure(another_credential(self.get_option("host")))
        try:
            with contextlib.ExitStack() as opening:
                pixels, settled = opening.enter_context(connected(self._given, notice=self._display.display))
                way = entering.enter(pixels, self.get_option("pixel"), settled.ssh)
                self._variables = {**dict(settled.ssh.variables), **self._own_variables()}
                self._inside = opening.enter_context(way)
                self._leaving = opening.pop_all()
        except MissingLibrary as error:
            raise AnsibleError(f"{missing_required_lib(error.library)} {error}") from None
        except PixelsError as error:
            raise AnsibleConnectionFailure(str(error)) from None

    def _own_variables(self) -> dict[str, str]:
        return {str(name): str(value) for name, value in (self.get_option("environment") or {}).items()}

    def _given(self, option: str) -> t.Any:
        return self.get_option(option) if self.has_option(option) else None

    def _refuse_without_libraries(self) -> None:
        for library, trace in LIBRARIES.items():
            if trace:
                raise AnsibleError(missing_required_lib(library))

    @contextlib.contextmanager
    def _unreachable_when_lost(self) -> t.Iterator[None]:
        try:
            yield
        except PixelsError as error:
            self.close()
            raise AnsibleConnectionFailure(str(error)) from None

    @contextlib.contextmanager
    def _failed_when_refused(self, done: str) -> t.Iterator[None]:
        """What the pixel has against a file is the task's failure; what happens to the connection is not."""
        with self._unreachable_when_lost():
            try:
                yield
            except transfer.NotTransferred as error:
                problem = f"not {done}: {error}"
            else:
                return
        raise AnsibleError(problem)

    def _is_folder(self, path: str) -> bool:
        return self._way_in.run(Command(("test", "-d", path))).rc == 0

    @staticmethod
    def _below_home(path: str) -> str:
        """A path that begins nowhere begins at the top: whose home would it be?"""
        return path if os.path.isabs(path) else os.path.join("/", path)
