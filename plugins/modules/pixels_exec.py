#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command in a pixel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_exec
short_description: Run a command in a pixel
version_added: 1.0.0
description:
  - Runs a command in a running pixel, over SSH or through the shell of the NAS, and returns its output and exit status.
  - The pixel needs no Python. For SSH its address comes from the NAS, its host key is pinned when it is first seen.
  - There is no shell between; for one, run it (C([sh, -c, "ps aux | wc -l"])).
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  name:
    description:
      - Pixel to run it in, with or without its prefix C(px-).
    type: str
    required: true
  argv:
    description:
      - The command as a list, passed on unchanged.
      - Exactly one of O(argv) and O(cmd) is needed.
    type: list
    elements: str
  cmd:
    description:
      - The command as one text, split into words as a shell would, but not run by one.
      - Exactly one of O(argv) and O(cmd) is needed.
    type: str
  chdir:
    description:
      - Directory to run it in. Left out, the home of the user that logs in.
    type: path
  environment:
    description:
      - Environment variables for it, beside what a login has.
      - The forwarded and session-only variables in C([env]) of the configuration file are set as well; these count for
        more.
      - Nobody but its user and root get to see them in the pixel. Their names are letters, digits and underscores.
    type: dict
  stdin:
    description:
      - Text it reads from standard input. Left out, there is nothing to read.
    type: str
  stdin_add_newline:
    description:
      - Whether a newline is added to O(stdin).
    type: bool
    default: true
  strip_empty_ends:
    description:
      - Whether empty lines at the ends of RV(stdout) and RV(stderr) are removed.
    type: bool
    default: true
  creates:
    description:
      - Path in the pixel; when it exists the command is not run. Left out, nothing is looked at.
    type: str
  removes:
    description:
      - Path in the pixel; when it does not exist the command is not run. Left out, nothing is looked at.
    type: str
  timeout:
    description:
      - Seconds it may take; then it is ended in the pixel too, and the task fails.
      - Left out, it may take any time.
    type: float
  transport:
    description:
      - How to get into the pixel.
      - With V(ssh), to its address, as O(ssh_user).
      - With V(shell), through the shell that TrueNAS opens in containers, as root of the pixel. That takes no address,
        no SSH server and no key, but an account whose privilege has web shell access.
      - With V(auto), V(ssh) where an SSH server answers, else V(shell).
      - Left out, E(PIXELS_TRANSPORT) is used, else V(auto).
    type: str
    choices: [auto, ssh, shell]
  become_user:
    description:
      - User of the pixel to run it as. Left out, the one that logs in.
    type: str
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.ssh
  - pixels.truenas.attributes
requirements:
  - paramiko >= 3.4.1 on the machine the module runs on, unless O(transport=shell)
attributes:
  check_mode:
    support: partial
    details: Predicts with O(creates) or O(removes); else it is skipped.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: With O(creates) or O(removes).
seealso:
  - module: ansible.builtin.command
"""

EXAMPLES = r"""
- name: How long has it been up
  pixels.truenas.pixels_exec:
    name: web
    cmd: uptime
  register: uptime
  changed_when: false

- name: Arguments arrive as they are
  pixels.truenas.pixels_exec:
    name: web
    argv: [echo, "a  b", "$HOME"]

- name: Why does it have no network
  pixels.truenas.pixels_exec:
    name: web
    transport: shell
    cmd: ip -brief address

- name: Once only
  pixels.truenas.pixels_exec:
    name: web
    argv: [sh, -c, "make-key > /etc/app.key"]
    creates: /etc/app.key
    timeout: 60
"""

RETURN = r"""
name:
  description: The pixel it ran in.
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
  description: Exit status; 128 and the number of a signal that ended it.
  returned: when it ran
  type: int
  sample: 0
stdout:
  description: What it printed; bytes that are not UTF-8 are replaced.
  returned: when it ran
  type: str
  sample: " 10:04:01 up 2 min"
stdout_lines:
  description: The same by lines.
  returned: when it ran
  type: list
  elements: str
stderr:
  description: What it printed as errors.
  returned: when it ran
  type: str
stderr_lines:
  description: The same by lines.
  returned: when it ran
  type: list
  elements: str
start:
  description: When it started, by the clock of the machine the module runs on.
  returned: when it ran
  type: str
  sample: "2026-01-01 10:04:01.000000+00:00"
end:
  description: When it ended.
  returned: when it ran
  type: str
  sample: "2026-01-01 10:04:02.000000+00:00"
delta:
  description: How long it took.
  returned: when it ran
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
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import entering, names
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command, Result, Shell

ARGUMENTS: dict[str, t.Any] = {
    **SSH,
    **TRANSPORT,
    "name": {"type": "str", "required": True},
    "argv": {"type": "list", "elements": "str"},
    "cmd": {"type": "str"},
    "chdir": {"type": "path"},
    "environment": {"type": "dict"},
    "stdin": {"type": "str"},
    "stdin_add_newline": {"type": "bool", "default": True},
    "strip_empty_ends": {"type": "bool", "default": True},
    "creates": {"type": "str"},
    "removes": {"type": "str"},
    "timeout": {"type": "float"},
    "become_user": {"type": "str"},
}

RULES: dict[str, t.Any] = {"mutually_exclusive": [("argv", "cmd")], "required_one_of": [("argv", "cmd")]}


def run(task: Task) -> dict[str, t.Any]:
    params = task.params
    command = asked(params, task.ssh.variables)
    result: dict[str, t.Any] = {"name": names.bare_name(params["name"]), "cmd": list(command.argv), "changed": True}
    if task.check_mode and not params["creates"] and not params["removes"]:
        would = "Command would have run if not in check mode"
        return {**result, "changed": False, "skipped": True, "msg": would}
    with entering.enter(task.pixels, params["name"], task.ssh) as shell:
        reason = why_not(shell, params)
        if reason or task.check_mode:
            return {**result, "changed": not reason, "msg": reason or "Command would have run if not in check mode"}
        start = datetime.datetime.now().astimezone()
        ended = shell.run(command, timeout=params["timeout"])
        end = datetime.datetime.now().astimezone()
    result.update(output(ended, strip=params["strip_empty_ends"]))
    result.update(start=str(start), end=str(end), delta=str(end - start))
    if ended.rc:
        result.update(failed=True, msg="non-zero return code")
    return result


def asked(params: Params, variables: t.Iterable[tuple[str, str]] = ()) -> Command:
    """The command the options describe, with C(variables) beside its own.

    Raises C(Invalid) for an empty one or one with an open quote.
    """
    try:
        argv = params["argv"] or shlex.split(params["cmd"] or "")
    except ValueError as error:
        raise Invalid(f"cmd cannot be split into words: {error}", fields=(("cmd", str(error)),)) from error
    if not argv:
        raise Invalid("there is no command to run", fields=(("cmd", "empty"),))
    stdin = params["stdin"]
    if stdin is not None and params["stdin_add_newline"]:
        stdin += "\n"
    return Command(
        argv=tuple(argv),
        stdin=(stdin or "").encode("utf-8"),
        environment={**dict(variables), **{key: str(value) for key, value in (params["environment"] or {}).items()}},
        chdir=params["chdir"],
        user=params["become_user"],
    )


def why_not(shell: Shell, params: Params) -> str | None:
    """Why the command need not run, None when it must."""
    if params["creates"] and exists(shell, params["creates"]):
        return f"skipped, since {params['creates']} exists"
    if params["removes"] and not exists(shell, params["removes"]):
        return f"skipped, since {params['removes']} does not exist"
    return None


def exists(shell: Shell, path: str) -> bool:
    return shell.run(Command(("test", "-e", path))).rc == 0


def output(ended: Result, *, strip: bool) -> dict[str, t.Any]:
    texts = {"stdout": ended.stdout.decode("utf-8", "replace"), "stderr": ended.stderr.decode("utf-8", "replace")}
    if strip:
        texts = {name: text.rstrip("\r\n") for name, text in texts.items()}
    lines = {f"{name}_lines": text.splitlines() for name, text in texts.items()}
    return {"rc": ended.rc, **texts, **lines}


def main() -> None:
    PixelsModule(ARGUMENTS, **RULES).execute(run)


if __name__ == "__main__":
    main()
