# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for a child process without polling."""

from __future__ import annotations

import os
import select
import subprocess


def wait(process: subprocess.Popen[bytes], *, timeout: float) -> int:
    """Wait until a child has ended, and return its exit status. Raises `subprocess.TimeoutExpired`.

    `Popen.wait` with a timeout looks at intervals that grow to 50 ms.
    """
    try:
        handle = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        # Only Linux has the call, and a sandbox may not allow it.
        return process.wait(timeout)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        if not poll.poll(timeout * 1000):
            raise subprocess.TimeoutExpired(process.args, timeout)
    finally:
        os.close(handle)
    return process.wait()
