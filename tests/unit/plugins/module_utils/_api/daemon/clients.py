# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call a NAS from many processes at the same time, as Ansible's forks do. The program reads its task from stdin."""

from __future__ import annotations

import json
import os
import sys

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import launcher, protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.open_session import open_session
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint, Timeouts

SHORT_TIMEOUT_S = 0.2
LONG_TIMEOUT_S = 20.0


def give_up_on(inode: int) -> None:
    """Wait shortly for the daemon at one socket, and long for all others: on a busy machine they are slow."""
    protocol.RESPONSE_TIMEOUT_S = LONG_TIMEOUT_S
    greet = launcher.connect_and_greet

    def connect_and_greet(path: str, *, timeout: float | None = None) -> object:
        is_silent = os.path.exists(path) and os.stat(path).st_ino == inode
        return greet(path, timeout=SHORT_TIMEOUT_S if is_silent else timeout)

    vars(launcher).update(connect_and_greet=connect_and_greet)


def main() -> None:
    options = json.loads(sys.stdin.read())
    if options["silent"]:
        give_up_on(options["silent"])
    endpoint = Endpoint(options["host"], options["port"], ca_path=options["ca_path"])
    credential = Credential(options["username"], api_key=options["api_key"])

    def opened():
        return open_session(
            endpoint, credential, Timeouts(login_wait=20), lambda text: None, mode=options["mode"], idle=options["idle"]
        )

    inherited = opened()
    if options["before_fork"]:
        inherited.read("system.version")
    children = []
    for number in range(options["forks"]):
        child = os.fork()
        if not child:
            with inherited if options["before_fork"] else opened() as session:
                do = {"read": session.read, "call": session.call}[options["do"]]
                answer = do(options["method"], *(each.format(number=number) for each in options["params"]))
            # In one piece: all children write to the same place.
            sys.stdout.write(f"{answer if isinstance(answer, str) else answer['name']} for {number}\n")
            sys.stdout.flush()
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    if options["before_fork"]:
        sys.stdout.write(f"the parent has {inherited.read('system.version')}\n")
    inherited.close()


if __name__ == "__main__":
    main()
