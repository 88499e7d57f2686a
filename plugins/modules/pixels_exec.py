#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command in a pixel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_exec
short_description: Run a command in a pixel
version_added: 1.0.0
description:
  - Runs a command in a running pixel, over SSH or through the web shell of the NAS, and returns its output and exit
    status.
  - The pixel does not need Python.
  - For SSH, the module gets the address from the NAS, and pins the SSH host key on first use.
  - The command does not run in a shell. To use shell features such as pipes, run a shell, for example
    C([sh, -c, "ps aux | wc -l"]).
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  argv:
    description:
      - Command and arguments as a list. They are passed unchanged.
      - Mutually exclusive with O(cmd). One of them is required.
    type: list
    elements: str
  cmd:
    description:
      - Command and arguments as a string. The string is split into words with the quoting rules of a shell.
      - Mutually exclusive with O(argv). One of them is required.
    type: str
  chdir:
    description:
      - Working directory in the pixel. C(~) is replaced with the home directory of the user that runs the command.
      - Defaults to the home directory of that user.
    type: str
  environment:
    description:
      - Environment variables of the command. Names consist of letters, digits and underscores.
      - Overrides, from highest to lowest precedence, the variable C(pixels_environment) of the host, the forwarded and
        session-only variables in C([env]) of the configuration file, C(/etc/environment) in the pixel, and the
        variables of the container.
      - In the pixel, only root and the user that runs the command can read the values.
    type: dict
  stdin:
    description:
      - Text for the standard input of the command.
      - Defaults to no input.
    type: str
  stdin_add_newline:
    description:
      - Whether to append a newline to O(stdin).
    type: bool
    default: true
  strip_empty_ends:
    description:
      - Whether to remove empty lines from the end of RV(stdout) and RV(stderr).
    type: bool
    default: true
  creates:
    description:
      - Path in the pixel. The command is not run if the path exists.
    type: str
  removes:
    description:
      - Path in the pixel. The command is not run if the path does not exist.
    type: str
  timeout:
    description:
      - Timeout of the command, in seconds. When it expires, the command is killed in the pixel and the task fails.
      - Defaults to no timeout.
    type: float
  transport:
    description:
      - How to connect to the pixel.
      - V(ssh) uses SSH to the address of the pixel, as O(ssh_user).
      - V(shell) uses the web shell of the NAS, as root. Requires an account with web shell access. Does not require an
        address, an SSH server or a key in the pixel.
      - V(auto) uses SSH if an SSH server responds, and the web shell otherwise. With both, commands run as O(ssh_user).
      - Defaults to E(PIXELS_TRANSPORT), then C(ssh.transport) in the configuration file, then V(auto).
    type: str
    choices: [auto, ssh, shell]
  become_user:
    description:
      - Name or UID of the user in the pixel that runs the command. The login shell of the user is not used.
      - Requires a login as root, or as a user with passwordless C(sudo).
      - Defaults to the user that logs in.
    type: str
    aliases: [user]
  detach:
    description:
      - Set to V(true) to start the command in the background and return its process ID.
      - The command has no input. Its output is discarded unless the command redirects it to a file.
    type: bool
    default: false
extends_documentation_fragment:
  - pixels.truenas.name
  - pixels.truenas.connection
  - pixels.truenas.ssh
  - pixels.truenas.attributes
requirements:
  - paramiko >= 3.4.1 on the machine that runs the module, unless O(transport=shell)
attributes:
  check_mode:
    support: partial
    details: With O(creates) or O(removes), predicts whether the command runs. Otherwise, the task is skipped.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: Only with O(creates) or O(removes).
seealso:
  - module: ansible.builtin.command
"""

EXAMPLES = r"""
- name: Show the uptime
  pixels.truenas.pixels_exec:
    name: web
    cmd: uptime
  register: uptime
  changed_when: false

- name: Pass arguments unchanged
  pixels.truenas.pixels_exec:
    name: web
    argv: [echo, "a  b", "$HOME"]

- name: Show the addresses of a pixel that has no network connection
  pixels.truenas.pixels_exec:
    name: web
    transport: shell
    cmd: ip -brief address
  changed_when: false

- name: Create a file with a shell redirection if it does not exist
  pixels.truenas.pixels_exec:
    name: web
    argv: [sh, -c, "make-key > /etc/app.key"]
    creates: /etc/app.key
    timeout: 60
"""

RETURN = r"""
name:
  description: Name of the pixel.
  returned: always
  type: str
  sample: web
cmd:
  description: The command as a list.
  returned: always
  type: list
  elements: str
  sample: [uptime]
rc:
  description: Exit status of the command. If a signal killed the command, 128 plus the number of the signal.
  returned: when the command was run
  type: int
  sample: 0
pid:
  description: Process ID of the command in the pixel.
  returned: with O(detach=true)
  type: int
  sample: 1234
stdout:
  description: Standard output of the command. Bytes that are not valid UTF-8 are replaced.
  returned: when the command was run
  type: str
  sample: " 10:04:01 up 2 min"
stdout_lines:
  description: Standard output split into lines.
  returned: when the command was run
  type: list
  elements: str
stderr:
  description: Standard error of the command. Bytes that are not valid UTF-8 are replaced.
  returned: when the command was run
  type: str
stderr_lines:
  description: Standard error split into lines.
  returned: when the command was run
  type: list
  elements: str
start:
  description: Start time of the command, from the clock of the machine that runs the module.
  returned: when the command was run
  type: str
  sample: "2026-01-01 10:04:01.000000+00:00"
end:
  description: End time of the command.
  returned: when the command was run
  type: str
  sample: "2026-01-01 10:04:02.000000+00:00"
delta:
  description: Run time of the command.
  returned: when the command was run
  type: str
  sample: "0:00:01.000000"
"""

import datetime
import shlex
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import SSH, TRANSPORT
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Params, Task
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import connect, scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import (
    Command,
    Result,
    Shell,
    process_id,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

ARGUMENTS: dict[str, t.Any] = {
    **SSH,
    **TRANSPORT,
    "name": {"type": "str", "required": True},
    "argv": {"type": "list", "elements": "str"},
    "cmd": {"type": "str"},
    "chdir": {"type": "str"},
    "environment": {"type": "dict"},
    "stdin": {"type": "str"},
    "stdin_add_newline": {"type": "bool", "default": True},
    "strip_empty_ends": {"type": "bool", "default": True},
    "creates": {"type": "str"},
    "removes": {"type": "str"},
    "timeout": {"type": "float"},
    "become_user": {"type": "str", "aliases": ["user"]},
    "detach": {"type": "bool", "default": False},
}

# The connection plugin sets these variables for all commands of a host.
MERGED_VARIABLES = {"environment": "pixels_environment"}

WOULD_RUN = "Command would have run if not in check mode"

RULES: dict[str, t.Any] = {"mutually_exclusive": [("argv", "cmd")], "required_one_of": [("argv", "cmd")]}


def run(task: Task) -> dict[str, t.Any]:
    """Run the command unless `creates` or `removes` prevents it, and return its output."""
    params = task.params
    name, command = PixelName.parse(params["name"]), command_of(params, task.ssh.variables)
    result: dict[str, t.Any] = {"name": name.bare, "cmd": list(command.argv), "changed": True}
    if task.check_mode and not params["creates"] and not params["removes"]:
        return {**result, "changed": False, "skipped": True, "msg": WOULD_RUN}
    with connect.open_shell(task.pixels, name, task.ssh) as shell:
        reason = skip_reason(shell, params)
        if reason or task.check_mode:
            return {**result, "changed": not reason, "msg": reason or WOULD_RUN}
        start = datetime.datetime.now().astimezone()
        ended = shell.run(command, timeout=params["timeout"])
        end = datetime.datetime.now().astimezone()
    result.update(output(ended, strip=params["strip_empty_ends"]))
    result.update(start=str(start), end=str(end), delta=str(end - start))
    if params["detach"]:
        result["pid"] = process_id(result["stdout"])
    if ended.rc:
        result.update(failed=True, msg="non-zero return code")
    return result


def command_of(params: Params, variables: t.Iterable[tuple[str, str]] = ()) -> Command:
    """Return the command that the options describe; `variables` are added to its environment.

    Raises `Invalid` for an empty command, unbalanced quotes, or input of a detached command.
    """
    try:
        argv = params["argv"] or shlex.split(params["cmd"] or "")
    except ValueError as error:
        raise Invalid(f"cmd is invalid: {error}. Correct the quotes", fields=(("cmd", str(error)),)) from error
    if not argv:
        raise Invalid("cmd is invalid: it is empty. Set cmd or argv", fields=(("cmd", "empty"),))
    stdin = params["stdin"]
    if stdin is not None and params["detach"]:
        raise Invalid(
            "stdin is invalid: a detached command has no input. Omit stdin or detach", fields=(("stdin", "detach"),)
        )
    if stdin is not None and params["stdin_add_newline"]:
        stdin += "\n"
    return Command(
        argv=tuple(argv),
        stdin=(stdin or "").encode("utf-8"),
        environment={**dict(variables), **{key: str(value) for key, value in (params["environment"] or {}).items()}},
        chdir=params["chdir"],
        user=params["become_user"],
        detach=params["detach"],
    )


def skip_reason(shell: Shell, params: Params) -> str | None:
    """Return why `creates` or `removes` prevents the command, or None if neither does."""
    if params["creates"] and exists(shell, params["creates"]):
        return f"skipped, since {params['creates']} exists"
    if params["removes"] and not exists(shell, params["removes"]):
        return f"skipped, since {params['removes']} does not exist"
    return None


def exists(shell: Shell, path: str) -> bool:
    """Return whether the path exists in the pixel."""
    return scripts.run_command(shell, Command(("test", "-e", path)), timeout=scripts.CHECK_TIMEOUT_S).rc == 0


def output(ended: Result, *, strip: bool) -> dict[str, t.Any]:
    """Return the exit status and the decoded outputs; `strip` removes empty lines at their ends."""
    texts = {"stdout": ended.stdout.decode("utf-8", "replace"), "stderr": ended.stderr.decode("utf-8", "replace")}
    if strip:
        texts = {name: text.rstrip("\r\n") for name, text in texts.items()}
    lines = {f"{name}_lines": text.splitlines() for name, text in texts.items()}
    return {"rc": ended.rc, **texts, **lines}


def main() -> None:
    """Run the module in a process of its own, without the action plugin."""
    PixelsModule(ARGUMENTS, **RULES).execute(run)


if __name__ == "__main__":
    main()
