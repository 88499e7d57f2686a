# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the program of a daemon, as far as it is not the daemon's."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.launcher import PROGRAM


def test_it_needs_no_ansible():
    names = "import sys; sys.argv = ['x']; import runpy; found = runpy.run_path({!r}); found['make_importable'](); "
    daemon = "ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.server"
    check = f"import {daemon}; sys.exit('ansible' in sys.modules)"
    subprocess.run([sys.executable, "-I", "-c", names.format(PROGRAM) + check], check=True, timeout=30)


def test_it_is_no_child_of_its_client(nas):
    with nas.held() as (_session, pid):
        with open(f"/proc/{pid}/stat") as stat:
            parent = int(stat.read().rpartition(")")[2].split()[1])

        assert parent != os.getpid()
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


@pytest.mark.parametrize("order", [b"", b"{}\n", b"nonsense\n"])
def test_without_an_order_it_ends(order):
    ended = subprocess.run([sys.executable, "-I", PROGRAM], input=order, capture_output=True, check=False, timeout=30)

    # It does not detach, so the process that started it gets the error immediately.
    assert ended.returncode != 0
    assert b"listen" not in ended.stderr
