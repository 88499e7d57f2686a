# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of where the files of a user lie."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.home import folder

ROOT = Path(__file__).resolve().parents[5]
UNKNOWN = 54321

PROGRAM = """
import os, pwd
try:
    pwd.getpwuid(os.getuid())
except KeyError:
    pass
else:
    raise SystemExit("somebody has this uid")
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.addresses import Addresses
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.host_keys import HostKeys
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.last_listing import LastListing
HostKeys().pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")
LastListing("nas", "root").write([{"name": "web"}])
Addresses("nas").note("px-web", "10.0.0.1")
print(HostKeys().find("px-web.nas.pixels"), LastListing("nas", "root").read(), Addresses("nas").find("px-web"))
"""


def test_a_variable_says_where(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/state")

    assert folder("XDG_STATE_HOME", ".local", "state") == "/state"


def test_else_it_is_below_the_home(monkeypatch):
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/alice")

    assert folder("XDG_STATE_HOME", ".local", "state") == "/home/alice/.local/state"


def as_unknown_user(folder, **variables):
    """What the program prints for a user without a home and without an entry in passwd, in this folder."""
    ended = subprocess.run(
        ["unshare", "--user", f"--map-user={UNKNOWN}", "--", sys.executable, "-c", PROGRAM],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "build"), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if "unshare" in ended.stderr:
        pytest.skip(f"this machine makes no user of that kind: {ended.stderr}")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_a_user_without_a_home_has_a_folder_that_nobody_else_can_enter(home):
    (home / "here").mkdir()
    (home / "tmp").mkdir(mode=0o700)

    told = as_unknown_user(home / "here", TMPDIR=str(home / "tmp"))

    assert told == "{'ssh-ed25519': 'AAAA'} [{'name': 'web'}] 10.0.0.1"
    assert list((home / "here").iterdir()) == []
    [made] = (home / "tmp").iterdir()
    assert made.name == f"pixels-{UNKNOWN}"
    assert made.stat().st_mode & 0o777 == 0o700


def test_where_there_is_no_place_at_all_that_is_told(monkeypatch):
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "~")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/no/such/folder")
    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder/either")

    with pytest.raises(Invalid, match="set HOME or XDG_STATE_HOME"):
        folder("XDG_STATE_HOME", ".local", "state")
