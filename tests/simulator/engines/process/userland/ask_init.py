# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for `systemctl` and `apt-get` in a guest: hands its arguments to the guest's init and shows the answer."""

from __future__ import annotations

import os
import sys

# A role asks a dozen times in a row: what lies around it, and json, take twice as long to import as all the rest.
from _socket import AF_UNIX, SOCK_STREAM, socket


def main() -> int:
    name = os.path.basename(sys.argv[0])
    try:
        init = socket(AF_UNIX, SOCK_STREAM)
        init.connect("/run/init.socket")
        init.sendall(os.fsencode("\0".join([name, *sys.argv[1:]])).hex().encode() + b"\n")
        head, _line, outputs = b"".join(iter(lambda: init.recv(65_536), b"")).partition(b"\n")
        returncode, length = map(int, head.split())
    except PermissionError:
        returncode, length, outputs = 1, 0, f"{name}: only root may ask for this\n".encode()
    except (OSError, ValueError) as error:
        returncode, length, outputs = 1, 0, f"{name}: init does not answer: {error}\n".encode()
    write_all(1, outputs[:length])
    write_all(2, outputs[length:])
    return returncode


def write_all(stream: int, content: bytes) -> None:
    while content:
        content = content[os.write(stream, content) :]


if __name__ == "__main__":
    sys.exit(main())
