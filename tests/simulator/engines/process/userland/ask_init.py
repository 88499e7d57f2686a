# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for C(systemctl) and C(apt-get) in a guest: hands its arguments to the guest's init and shows the answer."""

from __future__ import annotations

import json
import os
import socket
import sys


def main() -> int:
    returncode: int
    name = os.path.basename(sys.argv[0])
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as init:
            init.connect("/run/init.socket")
            init.sendall(json.dumps([name, *sys.argv[1:]]).encode() + b"\n")
            answer = b"".join(iter(lambda: init.recv(65_536), b""))
        stdout, stderr, returncode = json.loads(answer)
    except PermissionError:
        stdout, stderr, returncode = "", f"{name}: only root may ask for this\n", 1
    except (OSError, ValueError) as error:
        stdout, stderr, returncode = "", f"{name}: init does not answer: {error}\n", 1
    sys.stdout.write(stdout)
    sys.stdout.flush()
    sys.stderr.write(stderr)
    return returncode


if __name__ == "__main__":
    sys.exit(main())
